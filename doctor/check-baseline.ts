/** The baseline: one plain signed request with settings that are known to be good. When it holds, what fails elsewhere is that client's doing. */
import { couldNotRun, fail, ok, warn, type Check } from './check.ts';
import { controlProbe } from './control-probe.ts';
import { ReachFailure } from './open-socket.ts';
import { isHeld, printStatus } from './send-probe.ts';

export const checkBaseline: Check = {
  id: 'baseline',
  title: 'baseline request',
  run: async (examination) => {
    const { facts, target, send } = examination;
    if (facts.credentials === null) return couldNotRun('there are no credentials to sign with');
    if (!facts.isReachable) return couldNotRun('nothing answers');
    try {
      const request = target.bucket === null ? {} : { query: 'list-type=2&max-keys=1' };
      const answer = await send(request);
      facts.baseline = answer;
      const good = [
        facts.skewMs === 0 ? '' : "the server's time",
        facts.region === target.region ? '' : `region ${facts.region}`,
        facts.addressing === target.addressing ? '' : `${facts.addressing} addressing`,
      ].filter((one) => one !== '');
      const evidence = [
        `${target.bucket === null ? 'ListBuckets' : `ListObjectsV2 of ${target.bucket}`}${good.length === 0 ? '' : `, with ${good.join(', ')}`}: ${printStatus(answer)}`,
      ];
      if (answer.status >= 500 || answer.code === 'SlowDown')
        return fail([...evidence, answer.message], {
          cause: 'the service answers with a failure of its own',
          side: 'service',
        });
      const control = isHeld(answer) === true ? await controlProbe(examination, request, answer) : null;
      if (control?.isVerified === false) return couldNotRun(...evidence, control.evidence);
      if (answer.status >= 200 && answer.status < 300) return ok(evidence);
      if (control !== null)
        return warn(evidence, {
          cause:
            answer.code === 'AccessDenied'
              ? 'the signature holds, and the key may not do this: no matter of signatures; ask with --bucket for one that it may list'
              : `the signature holds, and the answer is ${[answer.code, answer.message.replace(/\.$/, '')].filter((one) => one !== '').join(': ')}`,
          side: 'yours',
        });
      if (isHeld(answer) === null) return couldNotRun(...evidence, 'the answer is not one of S3');
      return fail(evidence, { cause: `the signature does not hold: ${answer.message}`, side: 'yours' });
    } catch (error) {
      if (error instanceof ReachFailure)
        return fail([`${error.phase}: ${error.code}`], {
          cause: 'the connection broke before an answer',
          side: 'between',
        });
      throw error;
    }
  },
};
