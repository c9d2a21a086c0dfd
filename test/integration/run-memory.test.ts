/** `test/scale/run-scale.test.ts` in small: memory and history do not grow with objects; an object above a batch goes in steps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '../../core/limits.ts';
import { measureRun, printMeasured, toSmallKey } from '../scale/measure-run.ts';
import { seedStore } from '../support/store-seed.ts';

const PEAK_MIB_MAX = 350;
/** Above a batch's size: 33 parts, which are one group, and 65, which are two. */
const LARGE = { 'one-group.bin': 257 * MiB + 1, 'two-groups.bin': 512 * MiB + 1 };
const LARGE_BYTES = LARGE['one-group.bin'] + LARGE['two-groups.bin'];

test('3,000 small objects and two above a batch’s size are copied within the bounds of memory and history', async (t) => {
  const measured = await measureRun(async (store, bucket) => {
    await seedStore(store, { bucket, count: 3000, toKey: toSmallKey });
    const block = Buffer.alloc(MiB, 7);
    async function* toContent(sizeBytes: number): AsyncGenerator<Uint8Array> {
      for (let left = sizeBytes; left > 0; left -= block.length) yield block.subarray(0, Math.min(left, block.length));
    }
    for (const [key, sizeBytes] of Object.entries(LARGE)) {
      await store.put({ bucket, key, headers: { metadata: {} } }, { sizeBytes, content: () => toContent(sizeBytes) });
    }
  });
  t.diagnostic(printMeasured('3,000 x 100 bytes, 257 and 512 MiB', measured));
  assert.equal(measured.run.state, 'done', JSON.stringify(measured.run.failure));
  assert.equal(measured.run.totals['copied'], 3002);
  assert.equal(measured.run.totals['copied_bytes'], LARGE_BYTES + 3000 * 100);
  const { copyBatch, copyParts, completeLarge } = measured.activities;
  assert.deepEqual({ copyBatch, copyParts, completeLarge }, { copyBatch: 5, copyParts: 2, completeLarge: 1 });
  assert.ok(measured.workerPeakMiB <= PEAK_MIB_MAX, `${measured.workerPeakMiB} MiB at the peak`);
  assert.ok(measured.historyEventsMax <= 5000, `${measured.historyEventsMax} events`);
});
