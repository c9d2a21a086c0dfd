/** The comparison of test/property/store-model.test.ts, ten thousand times. WAYBILL_TEST_SEQUENCES sets another number. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkModel } from '../support/store-model.ts';

const SEQUENCES = Number(process.env['WAYBILL_TEST_SEQUENCES'] ?? 10_000);

it(`${String(SEQUENCES)} sequences of operations and crashes end as the model says`, async () => {
  const counts = await checkModel(SEQUENCES, { minLength: 5, maxLength: 30 });
  console.log(
    `${String(counts.sequences)} sequences, ${String(counts.operations)} operations, ${String(counts.crashes)} crashes, ${String(counts.effects)} of them after the effect`,
  );
  assert.ok(counts.sequences >= SEQUENCES && counts.crashes > SEQUENCES / 10);
});
