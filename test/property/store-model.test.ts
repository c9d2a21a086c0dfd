/**
 * The directory store agrees with the in-memory model under any sequence of operations, also when it was closed and opened again in
 * between, and when its disk died in the middle of one. `npm test -- test/scale/store-model` runs ten times as many.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkModel } from '../support/store-model.ts';

const RUNS = 1000;

it('the directory store agrees with the model under any sequence of operations, and after any crash', async () => {
  const { sequences, crashes, effects } = await checkModel(RUNS, { minLength: 5, maxLength: 30 });
  assert.ok(sequences >= RUNS);
  // Otherwise the crashes fell where nothing happens, or always on the same side.
  assert.ok(crashes > RUNS / 10 && effects > 0 && effects < crashes, `${String(effects)} of ${String(crashes)}`);
});
