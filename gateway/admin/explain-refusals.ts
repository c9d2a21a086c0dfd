/**
 * Why a signature did not match, for the operator: the explainer of sigv4/ over the request as it arrived, with the key's secrets. Off
 * unless the configuration asks for it.
 *
 * - It runs after the answer was sent, in slices between other work, one search at a time and one a second at most: whoever sends
 *   wrong signatures by the thousand costs no more than one who sends a few. What comes in between is not explained, and is said to
 *   be so: in its own place on the admin listener, and in one line of the log a second.
 * - What it finds names a rule, never a secret nor the signature that would have been right; the caller is told nothing of it.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { toEvidence } from '../../sigv4/evidence/evidence.ts';
import { explainInSteps, type Explanation, type Finding } from '../../sigv4/explain/explain.ts';
import { createRedactor } from '../../sigv4/explain/redact.ts';
import type { Credentials, Crypto, WireRequest } from '../../sigv4/types.ts';
import type { Log } from '../listener/listener-options.ts';

export interface RefusedSignature {
  readonly requestId: string;
  readonly request: WireRequest;
  /** Of the access key that the request names; whether it is theirs is what was not shown. */
  readonly credentials: readonly Credentials[];
}

export type RefusalFinding = Pick<Finding, 'id' | 'culprit' | 'rule' | 'mend'>;

export interface ExplainRefusalsOptions {
  readonly crypto: Crypto;
  readonly logger: Log;
  /** Asked for each, for a reload may change it. */
  readonly isOn: () => boolean;
  /** In milliseconds, and only ever rising. */
  readonly clock?: () => number;
  readonly onFinding: (requestId: string, finding: RefusalFinding) => void;
}

const PAUSE_MS = 1_000;
/** Of some milliseconds each: every known mutation alone, and the likelier pairs. */
const STEPS_MAX = 40;

const UNKNOWN: RefusalFinding = {
  id: 'unknown',
  culprit: 'none of the known ways to sign wrongly gives this signature with the secret of the key',
  rule: 'the signature holds only with the secret that belongs to the access key',
  mend: 'compare the secret that the caller has; then run `waybill explain` over its log and the error document',
};

const NOT_EXAMINED: RefusalFinding = {
  id: 'not-examined',
  culprit: 'not examined: too many signatures were refused at a time, and one a second at most is looked into',
  rule: 'an explanation costs the gateway some milliseconds of a processor',
  mend: 'look at a finding of the same key near it; or let this one be sent again alone',
};

/** As many as the admin listener keeps. */
const SKIPPED_MAX = 100;

export function createRefusalExplainer(options: ExplainRefusalsOptions): (refused: RefusedSignature) => void {
  const clock = options.clock ?? (() => performance.now());
  let isBusy = false;
  let lastMs = -Infinity;
  const skip = createSkipped(options);
  return (refused) => {
    const nowMs = clock();
    if (!options.isOn() || refused.credentials.length === 0) return;
    if (isBusy || nowMs - lastMs < PAUSE_MS) {
      skip(refused.requestId);
      return;
    }
    isBusy = true;
    lastMs = nowMs;
    search(refused, options.crypto)
      .then((finding) => {
        options.onFinding(refused.requestId, finding);
        options.logger.info({ requestId: refused.requestId, ...finding }, 'refused signature explained');
      })
      .catch((err: unknown) => {
        // Its message may quote the request.
        const name = err instanceof Error ? err.name : 'unknown';
        options.logger.warn({ requestId: refused.requestId, name }, 'a refused signature could not be explained');
      })
      .finally(() => {
        isBusy = false;
      });
  };
}

/** Says it together and later: each one's refusal is only written down when its answer was sent. */
function createSkipped({ logger, onFinding }: ExplainRefusalsOptions): (requestId: string) => void {
  let count = 0;
  const requestIds: string[] = [];
  const flush = (): void => {
    const skipped = requestIds.splice(0);
    for (const requestId of skipped) onFinding(requestId, NOT_EXAMINED);
    logger.info({ count, requestIds: skipped, ...NOT_EXAMINED }, 'refused signatures not examined: too many');
    count = 0;
  };
  return (requestId) => {
    if (count === 0) setTimeout(flush, PAUSE_MS).unref();
    count += 1;
    requestIds.push(requestId);
    // The admin listener no longer has the older ones either.
    if (requestIds.length > SKIPPED_MAX) requestIds.shift();
  };
}

async function search({ request, credentials }: RefusedSignature, crypto: Crypto): Promise<RefusalFinding> {
  const evidence = toEvidence('http', 'the request as it arrived', { request });
  for (const { secretAccessKey, sessionToken } of credentials) {
    const steps = explainInSteps([evidence], { crypto, secret: secretAccessKey });
    let explanation: Explanation | null = null;
    for (let step = 0; step < STEPS_MAX && explanation === null; step++) {
      await nextTurn();
      const next = steps.next();
      if (next.done === true) explanation = next.value;
    }
    const [finding] = explanation?.verdict === 'found' ? explanation.findings : [];
    if (finding === undefined) continue;
    const tokens = request.headers.flatMap(([name, value]) => (name === 'x-amz-security-token' ? [value] : []));
    const redact = createRedactor({
      secrets: credentials.map((one) => one.secretAccessKey),
      shortened: [...tokens, ...(sessionToken === undefined ? [] : [sessionToken])],
    });
    const { id, culprit, rule, mend } = finding;
    return { id, culprit: redact(culprit), rule, mend };
  }
  return UNKNOWN;
}
