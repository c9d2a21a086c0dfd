/** Doing a run again does no work twice: counted by the stores, not by the worker. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { listDemoObjects } from '../../dev/demo-input.ts';
import { compareObjects } from '../../dev/compare-objects.ts';
import type { StoreCounts } from '../../dev/store-counts.ts';
import { countBetween, PATIENT, startRunStack, type RunStack } from '../support/run-stack.ts';

const OBJECTS = listDemoObjects(300);
const MOVING = ['GetObject', 'PutObject', 'UploadPart', 'CopyObject', 'CreateMultipartUpload'];
const moved = (counts: StoreCounts): number => MOVING.reduce((sum, name) => sum + (counts.requests[name] ?? 0), 0);

let stack: RunStack;
before(async () => {
  stack = await startRunStack({ config: PATIENT });
  await stack.putSource(OBJECTS);
});
after(() => stack.dispose());

test('every byte, content type, metadata entry and tag of awkward and large objects arrives', async () => {
  const before = await stack.counts();
  const run = await stack.run('first');
  const delta = countBetween(before, await stack.counts());
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  assert.equal(run.totals['copied'], OBJECTS.length);
  assert.deepEqual(await compareObjects(stack.storeB, 'target', OBJECTS, (key) => `copy/${key}`), []);
  const reported = run.summary?.traffic ?? {};
  for (const [store, counts] of [
    ['a', delta.a],
    ['b', delta.b],
  ] as const) {
    const claimed = Object.entries(reported)
      .filter(([name]) => name.startsWith(`${store}/`))
      .map(([name, { requests }]) => [name.slice(2), requests] as const);
    assert.deepEqual(
      Object.fromEntries(claimed),
      counts.requests,
      `requests to store ${store} as the run and as the store count them`,
    );
  }
  const bytes = (field: 'bytes_in' | 'bytes_out', store: string): number =>
    Object.entries(reported).reduce((sum, [name, traffic]) => sum + (name.startsWith(store) ? traffic[field] : 0), 0);
  assert.equal(bytes('bytes_in', 'a/'), delta.a.bytesOut, 'bytes read');
  assert.equal(bytes('bytes_out', 'b/'), delta.b.bytesIn, 'bytes written');
});

test('the same run_id again verifies the target and moves nothing', async () => {
  const before = await stack.counts();
  const run = await stack.run('first');
  const delta = countBetween(before, await stack.counts());
  assert.equal(run.state, 'done');
  assert.equal(run.verification?.state, 'ok', JSON.stringify(run.verification));
  assert.equal(run.verification.objects, OBJECTS.length);
  assert.equal(moved(delta.a) + moved(delta.b), 0);
});

test('a new run_id over the unchanged source moves nothing but its own marker', async () => {
  const first = await stack.run('first');
  const before = await stack.counts();
  const run = await stack.run('second');
  const delta = countBetween(before, await stack.counts());
  assert.equal(run.state, 'done');
  assert.notEqual(run.manifest_hash, first.manifest_hash);
  assert.equal(run.totals['skipped'], OBJECTS.length);
  assert.equal(moved(delta.a), 0);
  assert.equal(moved(delta.b), 1);
  assert.equal(delta.b.requests['PutObject'], 1);
});

test('a restart with again over the unchanged source keeps the hash and moves nothing', async () => {
  const first = await stack.run('first');
  const before = await stack.counts();
  const run = await stack.run('first', { again: true });
  const delta = countBetween(before, await stack.counts());
  assert.equal(run.attempt, first.attempt + 1);
  assert.equal(run.manifest_hash, first.manifest_hash);
  assert.equal(run.state, 'done');
  assert.equal(delta.a.requests['GetObject'] ?? 0, 0);
  assert.equal(delta.b.requests['UploadPart'] ?? 0, 0);
});

test('what was lost at the target is found by a verification and mended by a restart', async () => {
  const victim = OBJECTS[5]?.key ?? '';
  await stack.storeB.delete({ bucket: 'target', key: `copy/${victim}` });
  const verified = await stack.run('first');
  assert.equal(verified.verification?.state, 'lost');
  assert.equal(verified.verification.missing, 1);
  const before = await stack.counts();
  const mended = await stack.run('first', { again: true });
  const delta = countBetween(before, await stack.counts());
  assert.equal(mended.state, 'done');
  assert.equal(mended.totals['repaired'], 1);
  assert.equal(delta.a.requests['GetObject'], 1);
  assert.deepEqual(await compareObjects(stack.storeB, 'target', OBJECTS, (key) => `copy/${key}`), []);
});
