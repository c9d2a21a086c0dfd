/**
 * The directory store agrees with the in-memory model under any sequence of operations, also when it was closed and opened again in
 * between, and when its disk died in the middle of one. `npm test -- test/scale/store-model` runs ten times as many.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkModel } from '../support/store-model.ts';

const RUNS = 1000;
/** Their CPU time is about 25 s; on a machine that is busy with other things fewer are enough. */
const LIMIT_MS = 300_000;

it('the directory store agrees with the model under any sequence of operations, and after any crash', async () => {
  const { sequences, crashes, effects } = await checkModel(RUNS, { minLength: 5, maxLength: 30 }, LIMIT_MS);
  assert.ok(sequences > 50, String(sequences));
  // Otherwise the crashes fell where nothing happens, or always on the same side.
  assert.ok(crashes > sequences / 20 && effects > 0 && effects < crashes, `${String(effects)} of ${String(crashes)}`);
});
