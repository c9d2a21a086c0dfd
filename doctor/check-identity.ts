/** Who the credentials are, by STS GetCallerIdentity, which needs no right at all. Where the service is not AWS, only with an STS that was named. */
import { couldNotRun, fail, ok, type Check } from './check.ts';
import { ReachFailure } from './open-socket.ts';
import { isHeld, printStatus, sendProbe } from './send-probe.ts';

const BODY = new TextEncoder().encode('Action=GetCallerIdentity&Version=2011-06-15');

export const isAws = (url: URL): boolean => /(^|\.)amazonaws\.com(\.cn)?$/.test(url.hostname);

export const checkIdentity: Check = {
  id: 'identity',
  title: 'identity',
  run: async ({ target, facts, stsEndpoint, route, now }) => {
    const suffix = target.endpoint.hostname.endsWith('.cn') ? '.cn' : '';
    const url =
      stsEndpoint ?? (isAws(target.endpoint) ? new URL(`https://sts.${facts.region}.amazonaws.com${suffix}`) : null);
    if (url === null) return couldNotRun('the service is not AWS, and no STS was named with --sts');
    if (facts.credentials === null) return couldNotRun('there are no credentials to ask with');
    const sign = {
      credentials: facts.credentials,
      region: facts.region,
      service: 'sts',
      pathRule: 'standard' as const,
      at: new Date(now().getTime() + facts.skewMs),
    };
    const headers = [['content-type', 'application/x-www-form-urlencoded; charset=utf-8']] as const;
    try {
      const request = { url, method: 'POST', path: url.pathname, query: '', headers, body: BODY, sign };
      const answer = await sendProbe(request, route, now);
      const arn = /<Arn>([^<]+)<\/Arn>/.exec(answer.text)?.[1];
      if (answer.status === 200 && arn !== undefined) return ok([`${url.host} says: ${arn}`]);
      const evidence = [`${url.host}: ${printStatus(answer)}`];
      if (isHeld(answer) === null) return couldNotRun(...evidence);
      return fail(evidence, {
        cause: 'STS does not take these credentials either, so the fault is in them and not in S3',
        side: 'yours',
        mends: [
          {
            current: 'the credentials that won',
            change: 'ask for new ones from where these came',
            verify: 'aws sts get-caller-identity',
            rollback: 'the credentials as they are now',
            expires: 'when the new ones say so',
          },
        ],
      });
    } catch (error) {
      if (error instanceof ReachFailure) return couldNotRun(`${url.host}: ${error.phase}, ${error.code}`);
      throw error;
    }
  },
};
