/** A pipeline whose source and target are one store: it copies by itself, no bytes move, and all that is promised of a copy still holds. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MiB } from '../../core/limits.ts';
import { compareObjects } from '../../dev/compare-objects.ts';
import { putDemoObjects, type DemoObject } from '../../dev/demo-input.ts';
import { planFaults, toObject } from '../support/plan-faults.ts';
import { listSmallObjects, readBytes } from '../support/run-objects.ts';
import { countBetween, PATIENT, startRunStack, type RunStack } from '../support/run-stack.ts';

const NAMES = ['all', 'changed', 'taken', 'refused', 'late'] as const;
type Name = (typeof NAMES)[number];

const OBJECTS = Object.fromEntries(NAMES.map((name) => [name, listSmallObjects(`${name}/`, 12)])) as Record<
  Name,
  DemoObject[]
>;
const MEDIUM: DemoObject = {
  key: 'all/medium é+%.bin',
  sizeBytes: 9 * MiB,
  headers: { contentType: 'application/x-medium', cacheControl: 'no-store', metadata: { name: 'Größe' } },
  tags: { team: 'a b', kind: 'ä' },
};

let stack: RunStack;
before(async () => {
  const pipelines = Object.fromEntries(
    NAMES.map((name) => [
      name,
      {
        source: { store: 'b', bucket: 'from', prefix: `${name}/` },
        target: { store: 'b', bucket: 'target', prefix: `${name}/` },
      },
    ]),
  );
  stack = await startRunStack({
    config: { ...PATIENT, pipelines },
    buckets: { a: ['source'], b: ['target', 'from'] },
  });
  await putDemoObjects(stack.storeB, 'from', [...Object.values(OBJECTS).flat(), MEDIUM]);
  // In two parts: its ETag is no hash of its bytes.
  const upload = { bucket: 'from', key: 'all/parts.bin' };
  const { uploadId } = await stack.storeB.createUpload({ ...upload, headers: { metadata: {} } });
  const parts = [Buffer.alloc(5 * MiB, 'one '), Buffer.alloc(1000, 'two ')];
  const sent = [];
  for (const [index, content] of parts.entries()) {
    const body = { sizeBytes: content.length, content };
    const { etag } = await stack.storeB.uploadPart({ ...upload, uploadId }, index + 1, body);
    sent.push({ partNumber: index + 1, etag });
  }
  await stack.storeB.completeUpload({ ...upload, uploadId }, sent);
});
after(() => stack.dispose());

/** Compares what stands at the target with what was put, bytes, headers and tags. */
const compare = (objects: readonly DemoObject[]) => compareObjects(stack.storeB, 'target', [...objects], (key) => key);

test('objects are copied by the store itself, with their headers, metadata and tags; what its ETag cannot prove goes by its bytes', async () => {
  const counted = await stack.counts();
  const run = await stack.run('r1', { pipeline: 'all' });
  const { b } = countBetween(counted, await stack.counts());
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  assert.equal(run.totals['copied'], OBJECTS.all.length + 2);
  assert.equal(b.requests['CopyObject'], OBJECTS.all.length + 1);
  assert.equal(b.requests['PutObject'], 1, 'the marker alone');
  // The two parts of the one whose ETag is none.
  assert.equal(b.requests['GetObject'], 2);
  assert.deepEqual(await compare([...OBJECTS.all, MEDIUM]), []);
  const [from, to] = await Promise.all(
    ['from', 'target'].map((bucket) => readBytes(stack.storeB, bucket, 'all/parts.bin')),
  );
  assert.ok(from?.equals(to as Buffer));

  const between = await stack.counts();
  assert.equal((await stack.run('r2', { pipeline: 'all' })).state, 'done');
  const again = countBetween(between, await stack.counts()).b.requests;
  assert.deepEqual([again['CopyObject'] ?? 0, again['GetObject'] ?? 0], [0, 0]);
});

test('an object that changes before it is copied is source_changed, and is not copied', async () => {
  const [changed, gone] = [OBJECTS.changed[3] as DemoObject, OBJECTS.changed[7] as DemoObject];
  const overwrite = (): Promise<unknown> => {
    const content = Buffer.alloc(changed.sizeBytes, 'other ');
    return stack.storeB.put(
      { bucket: 'from', key: changed.key, headers: changed.headers },
      { sizeBytes: content.length, content },
    );
  };
  const faults = planFaults(stack.proxyB, [
    { match: toObject('PUT', `/target/${changed.key}`), fault: () => ({ kind: 'hold-before', until: overwrite() }) },
    {
      match: toObject('PUT', `/target/${gone.key}`),
      fault: () => ({ kind: 'hold-before', until: stack.storeB.delete({ bucket: 'from', key: gone.key }) }),
    },
  ]);
  const run = await stack.run('r1', { pipeline: 'changed' });
  assert.equal(faults.unused(), 0);
  faults.clear();
  assert.equal(run.state, 'partial', JSON.stringify(run.failure));
  assert.deepEqual(run.totals.outcomes, { source_changed: 2 });
  for (const { key } of [changed, gone]) {
    await assert.rejects(stack.storeB.head({ bucket: 'target', key }), { type: 'no_such_key' });
  }
});

test("what somebody else puts at the target meanwhile stays, and is the run's conflict", async () => {
  const taken = OBJECTS.taken[5] as DemoObject;
  const theirs = { bucket: 'target', key: taken.key, headers: { metadata: {} } };
  const put = () => stack.storeB.put(theirs, { sizeBytes: 6, content: Buffer.from('theirs') });
  const faults = planFaults(stack.proxyB, [
    { match: toObject('PUT', `/target/${taken.key}`), fault: () => ({ kind: 'hold-before', until: put() }) },
  ]);
  const run = await stack.run('r1', { pipeline: 'taken' });
  assert.equal(faults.unused(), 0);
  faults.clear();
  assert.deepEqual(run.totals.outcomes, { target_conflict: 1 });
  assert.equal((await readBytes(stack.storeB, 'target', taken.key)).toString(), 'theirs');
});

test('a store that has no copies is given the bytes', async () => {
  const isCopy = (request: { method: string; headers: Readonly<Record<string, unknown>> }): boolean =>
    request.method === 'PUT' && request.headers['x-amz-copy-source'] !== undefined;
  const faults = planFaults(stack.proxyB, [
    { match: isCopy, fault: () => ({ kind: 'answer', status: 501, code: 'NotImplemented' }), times: 1000 },
  ]);
  const counted = await stack.counts();
  const run = await stack.run('r1', { pipeline: 'refused' });
  const { requests } = countBetween(counted, await stack.counts()).b;
  faults.clear();
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  assert.deepEqual([requests['CopyObject'] ?? 0, requests['GetObject']], [0, OBJECTS.refused.length]);
  assert.deepEqual(await compare(OBJECTS.refused), []);
});

test('a 200 that holds an error is no success, and a copy whose answer is lost is known again', async () => {
  const [late, lost] = [OBJECTS.late[2] as DemoObject, OBJECTS.late[9] as DemoObject];
  const faults = planFaults(stack.proxyB, [
    {
      match: toObject('PUT', `/target/${late.key}`),
      fault: () => ({ kind: 'answer', status: 200, code: 'InternalError' }),
    },
    { match: toObject('PUT', `/target/${lost.key}`), fault: () => ({ kind: 'drop-answer' }) },
  ]);
  const counted = await stack.counts();
  const run = await stack.run('r1', { pipeline: 'late' });
  const { requests } = countBetween(counted, await stack.counts()).b;
  assert.equal(faults.unused(), 0);
  faults.clear();
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  // Each of them reached the store once: the error was the proxy's, and the copy that was lost was found.
  assert.deepEqual([requests['CopyObject'], requests['GetObject'] ?? 0], [OBJECTS.late.length, 0]);
  assert.deepEqual(await compare(OBJECTS.late), []);
});
