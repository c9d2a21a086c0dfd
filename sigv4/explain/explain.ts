/**
 * Explains a signature that fails. One side and a secret: the stages as they should be, and the mutation that makes the signature
 * hold. Two sides: the first byte where they part, and the mutation that turns one into the other. Neither a secret nor a signing
 * key nor the signature that would be right ever stands in the result.
 */
import type { Evidence } from '../evidence/evidence.ts';
import { explainOne } from './explain-one.ts';
import { explainTwo } from './explain-two.ts';
import type { Explanation } from './finding.ts';
import type { ExplainOptions } from './prove.ts';
import { finish } from './search.ts';
import { readSide, toExplainedSide } from './side.ts';

export type { ExplainedSide, Explanation, Finding } from './finding.ts';
export type { ExplainOptions } from './prove.ts';

export function explain(sides: readonly Evidence[], options: ExplainOptions): Explanation {
  return finish(explainInSteps(sides, options));
}

/** The same in slices of some milliseconds, for a page that must stay alive; each `next()` goes on with the search. */
export function* explainInSteps(sides: readonly Evidence[], options: ExplainOptions): Generator<void, Explanation> {
  const read = sides.map((evidence) => readSide(evidence, options.crypto));
  const { signed, ...result } =
    read.length > 1 ? yield* explainTwo(read, options) : yield* explainOne(read[0], options);
  const explained = read.map(toExplainedSide);
  return {
    ...result,
    sides: signed === undefined ? explained : [...explained, signed],
    notes: sides.flatMap(({ notes }) => notes),
  };
}
