import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { unpackActions, type Action } from '../../activities/plan/action.ts';
import { PlanWriter } from '../../activities/plan/plan-writer.ts';
import { LARGE_OBJECT_BYTES, MiB } from '../../core/limits.ts';
import type { Fence, Ledger, PlanBatch } from '../../ledger/ledger.ts';

const FENCE: Fence = { attemptId: 'a', targetId: 't', epoch: 1 };

/** Each action is a batch of its own. */
const toAction = (index: number): Action => ({
  ...{ op: 'copy', key: `k${String(index).padStart(3, '0')}`, sizeBytes: LARGE_OBJECT_BYTES + 1, etag: 'e' },
  expected: { absent: true },
});

async function write(count: number, act = toAction) {
  const saved: (readonly PlanBatch[])[] = [];
  const said: string[] = [];
  const ledger = {
    dropOutcomes: () => Promise.resolve(),
    saveBatches: (_: Fence, batches: readonly PlanBatch[]) => {
      saved.push(batches);
      return Promise.resolve();
    },
    savePlanHash: () => {
      said.push(`hash after ${String(saved.flat().length)}`);
      return Promise.resolve();
    },
  } as unknown as Ledger;
  const writer = await PlanWriter.create(ledger, FENCE, { identity: [], concurrency: 4 });
  for (let index = 0; index < count; index++) {
    const action = act(index);
    await writer.write(action.key, undefined, { kind: 'act', action });
  }
  return { saved, said, result: await writer.finish() };
}

test('batches are saved sixteen at a time, all of them in order before the plan has its hash', async () => {
  const { saved, said, result } = await write(37);
  assert.deepEqual(
    saved.map((batches) => batches.length),
    [16, 16, 5],
  );
  const batches = saved.flat();
  assert.deepEqual(
    batches.map(({ ordinal }) => ordinal),
    Array.from({ length: 37 }, (_, index) => index),
  );
  assert.deepEqual(
    batches.flatMap(({ body }) => unpackActions(body)),
    Array.from({ length: 37 }, (_, index) => toAction(index)),
  );
  assert.deepEqual(said, ['hash after 37']);
  assert.equal(result.counts.batches, 37);
});

test('of long bodies fewer are saved at a time', async () => {
  const noise = randomBytes(MiB).toString('latin1');
  const { saved, result } = await write(9, (index) => ({ ...toAction(index), key: `${String(index)}${noise}` }));
  assert.ok(saved.length >= 3, `${String(saved.length)} statements`);
  assert.equal(saved.flat().length, 9);
  assert.equal(result.counts.batches, 9);
});

test('a plan of no batch saves none', async () => {
  assert.deepEqual((await write(0)).saved, []);
});
