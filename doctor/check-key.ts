/** Whether the service knows the key and holds the same secret. A request that was rewritten on the way tells neither. */
import { clean, findFlaw, printKeyId } from './check-credentials.ts';
import { couldNotRun, fail, NEVER, ok, type Check, type Examination, type Mend, type Outcome } from './check.ts';
import { controlProbe } from './control-probe.ts';
import { isHeld, printStatus, type Answer } from './send-probe.ts';
import { tryProbe } from './try-probe.ts';

export const checkKey: Check = {
  id: 'key',
  title: 'key and secret, as the service knows them',
  run: async (examination) => {
    const { facts, found } = examination;
    const { raw } = found;
    if (!facts.isReachable) return couldNotRun('nothing answers');
    if (facts.credentials === null || raw === null) return couldNotRun('there are no credentials to ask with');
    const answer = await tryProbe(examination, { credentials: raw });
    if (answer === null) return couldNotRun('no answer');
    if (isHeld(answer) === true) {
      const control = await controlProbe(examination, { credentials: raw }, answer);
      if (!control.isVerified) return couldNotRun(`signed as it is: ${printStatus(answer)}`, control.evidence);
      facts.isKeyGood = true;
      return ok([`signed as it is: ${printStatus(answer)}; the signature holds`, control.evidence]);
    }
    facts.isKeyGood = false;
    const outcome = explainRefusal(answer, examination);
    if (outcome !== null) return outcome;
    const flawed = [raw.accessKeyId, raw.secretAccessKey, raw.sessionToken ?? ''].some(
      (value) => findFlaw(value) !== null,
    );
    if (flawed) {
      const cleaned = await tryProbe(examination, {});
      if (cleaned !== null && isHeld(cleaned) === true && (await controlProbe(examination, {}, cleaned)).isVerified) {
        facts.isKeyGood = true;
        return fail([`as it stands: ${printStatus(answer)}`, `cleaned: ${printStatus(cleaned)}`], {
          cause: `proved: without what its value ends or begins with, the signature holds (${findFlaw(raw.secretAccessKey) ?? 'a blank'})`,
          mends: [
            toMend(
              examination,
              'the secret with it',
              `the secret without it: see the check "credentials"`,
              'none: it never worked',
            ),
          ],
          side: 'yours',
        });
      }
    }
    if (answer.code !== 'SignatureDoesNotMatch') return couldNotRun(`${printStatus(answer)}: ${answer.message}`);
    if (answer.theirs?.canonicalRequest === undefined || answer.theirs.canonicalRequest === null)
      return couldNotRun(
        printStatus(answer),
        'the service does not say what it saw: the secret is wrong, or the request was rewritten',
      );
    if (answer.theirs.canonicalRequest !== answer.ours?.canonicalRequest)
      return couldNotRun(
        printStatus(answer),
        'the request arrived otherwise than it was signed: see the check "rewrite"',
      );
    return fail([printStatus(answer), 'the service saw byte for byte what was signed here'], {
      cause: 'the secret is not the one that the service has for this access key',
      mends: [
        toMend(
          examination,
          `the secret of ${found.winner ?? 'the key'}`,
          'put the secret there that was given with this access key; if it is lost, make a new pair and put both there',
          'the pair as it is now',
        ),
      ],
      side: 'yours',
    });
  },
};

function explainRefusal(answer: Answer, examination: Examination): Outcome | null {
  const { credentials } = examination.facts;
  const id = printKeyId(credentials === null ? '' : clean(credentials.accessKeyId));
  const evidence = [`${printStatus(answer)}: ${answer.message}`];
  const source = examination.found.winner ?? 'the key';
  switch (answer.code) {
    case 'InvalidAccessKeyId':
      return fail(evidence, {
        cause: `the service does not know the access key ${id}: it is of another store or account, revoked, or mistyped`,
        mends: [
          toMend(examination, `access key ${id} of ${source}`, 'a pair that this service gave out', `access key ${id}`),
        ],
        side: 'yours',
      });
    case 'ExpiredToken':
    case 'TokenRefreshRequired':
      return fail(evidence, {
        cause: 'the session token has expired',
        mends: [
          {
            ...toMend(
              examination,
              `an expired session of ${source}`,
              'ask for new credentials from where these came (aws sso login, aws sts assume-role, POST /session of the gateway)',
              'none: an expired session never works again',
            ),
            expires: 'when the new session says so',
          },
        ],
        side: 'yours',
      });
    case 'InvalidToken':
      return fail(evidence, {
        cause:
          credentials?.sessionToken === undefined
            ? 'the key needs a session token and none is set'
            : 'the session token is not one of this key',
        mends: [
          toMend(
            examination,
            `the session token of ${source}`,
            credentials?.sessionToken === undefined
              ? 'set the token that was given with the key'
              : 'unset AWS_SESSION_TOKEN, or set the three values of one session',
            'the token as it is now',
          ),
        ],
        side: 'yours',
      });
    case 'RequestTimeTooSkewed':
      return couldNotRun(...evidence, 'the time is wrong: see the check "clock"');
    case 'AuthorizationHeaderMalformed':
      return couldNotRun(...evidence, 'the scope is wrong: see the check "region"');
    default:
      return null;
  }
}

const toMend = ({ target }: Examination, current: string, change: string, rollback: string): Mend => ({
  current,
  change,
  verify: target.command,
  rollback,
  expires: NEVER,
});
