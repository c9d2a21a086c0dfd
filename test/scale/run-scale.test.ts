/**
 * Memory does not grow with the number or the size of objects (I8), and no history with them (I3). `npm run test:scale`, several
 * minutes; `test/integration/run-memory.test.ts` is the same in small.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB, MiB } from '../../core/limits.ts';
import { seedStore } from '../support/store-seed.ts';
import { measureRun, printMeasured, toSmallKey } from './measure-run.ts';

const PEAK_MIB_MAX = 350;
const GROWTH_MIB_MAX = 50;
const HISTORY_EVENTS_MAX = 5000;

test('200,000 objects take the memory of 20,000, and a history of no more than 5,000 events', async (t) => {
  const few = await measureRun((store, bucket) => seedStore(store, { bucket, count: 20_000, toKey: toSmallKey }));
  t.diagnostic(printMeasured('20,000 x 100 bytes', few));
  const many = await measureRun((store, bucket) => seedStore(store, { bucket, count: 200_000, toKey: toSmallKey }));
  t.diagnostic(printMeasured('200,000 x 100 bytes', many));
  assert.equal(few.run.state, 'done');
  assert.equal(many.run.state, 'done');
  assert.equal(many.run.totals['copied'], 200_000);
  assert.ok(many.workerPeakMiB <= PEAK_MIB_MAX, `${many.workerPeakMiB} MiB at the peak`);
  assert.ok(
    many.workerPeakMiB <= few.workerPeakMiB + GROWTH_MIB_MAX,
    `${few.workerPeakMiB} grew to ${many.workerPeakMiB} MiB`,
  );
  assert.ok(many.historyEventsMax <= HISTORY_EVENTS_MAX, `${many.historyEventsMax} events`);
});

test('one object of 3 GiB takes no more memory', async (t) => {
  const large = await measureRun((store, bucket) => putLarge(store, bucket, 3 * GiB));
  t.diagnostic(printMeasured('1 x 3 GiB', large));
  assert.equal(large.run.state, 'done', JSON.stringify(large.run.failure));
  assert.equal(large.run.totals['copied_bytes'], 3 * GiB);
  assert.ok(large.workerPeakMiB <= PEAK_MIB_MAX, `${large.workerPeakMiB} MiB at the peak`);
});

async function putLarge(store: Parameters<Parameters<typeof measureRun>[0]>[0], bucket: string, sizeBytes: number) {
  const block = Buffer.alloc(MiB);
  async function* content(): AsyncGenerator<Uint8Array> {
    for (let index = 0; index < sizeBytes / MiB; index++) {
      block.writeUInt32BE(index, 0);
      yield Buffer.from(block);
    }
  }
  await store.put({ bucket, key: 'large.bin', headers: { metadata: {} } }, { sizeBytes, content });
}
