/** `test/scale/run-scale.test.ts` in small: memory and history do not grow with objects; an object above a batch goes in steps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '../../core/limits.ts';
import { measureRun, printMeasured, toSmallKey } from '../scale/measure-run.ts';
import { seedStore } from '../support/store-seed.ts';

const PEAK_MIB_MAX = 350;
const LARGE_BYTES = 257 * MiB + 1;

test('3,000 small objects and one above a batch’s size are copied within the bounds of memory and history', async (t) => {
  const measured = await measureRun(async (store, bucket) => {
    await seedStore(store, { bucket, count: 3000, toKey: toSmallKey });
    const block = Buffer.alloc(MiB, 7);
    async function* content(): AsyncGenerator<Uint8Array> {
      for (let left = LARGE_BYTES; left > 0; left -= block.length)
        yield block.subarray(0, Math.min(left, block.length));
    }
    await store.put({ bucket, key: 'large.bin', headers: { metadata: {} } }, { sizeBytes: LARGE_BYTES, content });
  });
  t.diagnostic(printMeasured('3,000 x 100 bytes, 1 x 257 MiB', measured));
  assert.equal(measured.run.state, 'done', JSON.stringify(measured.run.failure));
  assert.equal(measured.run.totals['copied'], 3001);
  assert.equal(measured.run.totals['copied_bytes'], LARGE_BYTES + 3000 * 100);
  assert.ok(measured.workerPeakMiB <= PEAK_MIB_MAX, `${measured.workerPeakMiB} MiB at the peak`);
  assert.ok(measured.historyEventsMax <= 5000, `${measured.historyEventsMax} events`);
});
