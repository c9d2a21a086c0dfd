/**
 * Explains a signature that fails. One side and a secret: the stages as they should be, and the mutation that makes the signature
 * hold. Two sides: the first byte where they part, and the mutation that turns one into the other. Neither a secret nor a signing
 * key nor the signature that would be right ever stands in the result.
 */
import type { Evidence } from '../evidence/evidence.ts';
import { checkTime } from './check-time.ts';
import { cleanSecret } from './clean-secret.ts';
import { explainOne } from './explain-one.ts';
import { explainTwo } from './explain-two.ts';
import type { Explanation, Finding, Result } from './finding.ts';
import { SOURCES } from './mutation.ts';
import { toRefused } from './refused-though-signed.ts';
import type { ExplainOptions } from './prove.ts';
import { finish } from './search.ts';
import { readSide, toExplainedSide, type Side } from './side.ts';

export type { ExplainedSide, Explanation, Finding } from './finding.ts';
export type { ExplainOptions } from './prove.ts';

export function explain(sides: readonly Evidence[], options: ExplainOptions): Explanation {
  return finish(explainInSteps(sides, options));
}

/** The same in slices of some milliseconds, for a page that must stay alive; each `next()` goes on with the search. */
export function* explainInSteps(sides: readonly Evidence[], options: ExplainOptions): Generator<void, Explanation> {
  const read = sides.map((evidence) => readSide(evidence, options.crypto));
  const { signed, ...result } = yield* explainWithSecret(read, options);
  const explained = read.map(toExplainedSide);
  const timed = addAnswer(addTime(result, read, options.now), sides);
  return {
    ...timed.result,
    sides: signed === undefined ? explained : [...explained, signed],
    notes: [...timed.notes, ...sides.flatMap(({ notes }) => notes)],
  };
}

interface Timed {
  readonly result: Result;
  readonly notes: readonly string[];
}

/** A signature that holds is not the last word where the same log tells of a failure. */
function addAnswer({ result, notes }: Timed, sides: readonly Evidence[]): Timed {
  const finding = result.verdict === 'holds' ? toRefused(sides) : null;
  return { result: finding === null ? result : { ...result, verdict: 'found', findings: [finding] }, notes };
}

/** What is out of its time fails though its signature holds; where another cause is proved, it is signed anew anyhow. */
function addTime(result: Result, sides: readonly Side[], now: number | undefined): Timed {
  const side = sides.find(({ evidence }) => evidence.request !== null);
  if (result.verdict === 'found' || side === undefined || now === undefined) return { result, notes: [] };
  const { finding, note } = checkTime(side, now, result.verdict === 'holds');
  return {
    result: finding === null ? result : { ...result, verdict: 'found', findings: [finding, ...result.findings] },
    notes: note === null || result.verdict !== 'holds' ? [] : [note],
  };
}

/** A secret with something around it is tried without that first; that it has it is said before anything that rests on it. */
function* explainWithSecret(sides: readonly Side[], options: ExplainOptions): Generator<void, Result> {
  const given = options.secret === null ? null : cleanSecret(options.secret);
  if (given === null) return yield* explainSides(sides, options);
  const result = yield* explainSides(sides, { ...options, secret: given.secret });
  const [first] = result.findings;
  const isProved = result.verdict === 'holds' || first?.proof === 'signature';
  // A store of somebody's own may have a secret with a blank at its end.
  if (!isProved && (yield* explainSides(sides, options)).verdict === 'holds')
    return { verdict: 'found', findings: [toSecretFinding(given.flaw, 'used')], difference: null, needs: [] };
  if (result.verdict === 'holds')
    return { ...result, verdict: 'found', findings: [toSecretFinding(given.flaw, 'holds')] };
  const said = toSecretFinding(given.flaw, 'other');
  const isSecret = first?.id === 'secret-white-space' || first?.id === 'secret-form';
  return { ...result, findings: isSecret ? [said, ...result.findings] : [...result.findings, said] };
}

const explainSides = (sides: readonly Side[], options: ExplainOptions): Generator<void, Result> =>
  sides.length > 1 ? explainTwo(sides, options) : explainOne(sides[0], options);

const WITH_IT: Readonly<Record<'holds' | 'used' | 'other', string>> = {
  holds: ': without it the signature holds, with it no signature does',
  used: ', and the request was signed with it as it stands: the server most likely has it without',
  other: '; it was tried without',
};

const toSecretFinding = (flaw: string, way: keyof typeof WITH_IT): Finding => ({
  id: 'secret-given-flawed',
  stage: 'signing key',
  culprit: `the secret access key that was given here ${flaw}${WITH_IT[way]}`,
  rule: 'the secret is used exactly as it was issued',
  source: SOURCES.signingKey,
  mend: 'set AWS_SECRET_ACCESS_KEY again, without it: every client that takes it from here signs with it (echo -n, no quotes in an env file)',
  proof: 'seen',
});
