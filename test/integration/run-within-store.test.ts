/** A pipeline whose source and target are one store: it copies by itself, no bytes move, and all that is promised of a copy still holds. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MiB } from '../../core/limits.ts';
import { compareObjects } from '../../dev/compare-objects.ts';
import { putDemoObjects, type DemoObject } from '../../dev/demo-input.ts';
import { planFaults, toObject } from '../support/plan-faults.ts';
import { listSmallObjects, readBytes } from '../support/run-objects.ts';
import { countBetween, PATIENT, startRunStack, type RunStack } from '../support/run-stack.ts';

const NAMES = ['all', 'changed', 'taken', 'refused', 'late', 'large', 'parts-changed', 'parts-late'] as const;
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
  for (const [key, sizes] of Object.entries(IN_PARTS)) await putInParts(key, sizes);
});
after(() => stack.dispose());

/** Objects whose ETags are no hashes of their bytes, with their parts' sizes. */
const IN_PARTS = {
  'all/parts.bin': [5 * MiB, 1000],
  'all/parts-uneven.bin': [5 * MiB, 6 * MiB, 1000],
  'all/parts-one.bin': [1000],
  'large/parts.bin': Array.from({ length: 5 }, (_, index) => (index < 4 ? 64 * MiB : 3 * MiB)),
  'parts-changed/parts.bin': [5 * MiB, 5 * MiB, 5 * MiB, 5 * MiB, 5 * MiB, 77],
  'parts-late/lost.bin': [5 * MiB, 77],
  'parts-late/refused.bin': [6 * MiB, 77],
} as const satisfies Record<string, readonly number[]>;

async function putInParts(key: string, sizes: readonly number[]): Promise<void> {
  const upload = { bucket: 'from', key };
  const headers = { contentType: 'application/x-parts', metadata: { name: 'Größe' } };
  const { uploadId } = await stack.storeB.createUpload({ ...upload, headers, tags: { team: 'a b' } });
  const sent = [];
  for (const [index, sizeBytes] of sizes.entries()) {
    const body = { sizeBytes, content: Buffer.alloc(sizeBytes, `${index} of ${key} `) };
    const { etag } = await stack.storeB.uploadPart({ ...upload, uploadId }, index + 1, body);
    sent.push({ partNumber: index + 1, etag });
  }
  await stack.storeB.completeUpload({ ...upload, uploadId }, sent);
}

/** Bytes, ETag, headers and tags of an object in parts and of its copy. */
async function assertCopied(key: string, hasItsETag: boolean): Promise<void> {
  const [from, to] = await Promise.all(
    ['from', 'target'].map(async (bucket) => ({
      info: await stack.storeB.head({ bucket, key }),
      tags: await stack.storeB.getTags({ bucket, key }),
      bytes: await readBytes(stack.storeB, bucket, key),
    })),
  );
  assert.ok(from !== undefined && to !== undefined);
  assert.ok(from.bytes.equals(to.bytes), key);
  assert.deepEqual(to.tags, from.tags);
  assert.equal(to.info.contentType, 'application/x-parts');
  assert.equal(to.info.metadata['name'], 'Größe');
  assert.equal(to.info.etag === from.info.etag, hasItsETag, `${from.info.etag} ${to.info.etag}`);
}

/** Compares what stands at the target with what was put, bytes, headers and tags. */
const compare = (objects: readonly DemoObject[]) => compareObjects(stack.storeB, 'target', [...objects], (key) => key);

test('objects are copied by the store itself, with their headers, metadata and tags; what its ETag cannot prove goes by its bytes', async () => {
  const counted = await stack.counts();
  const run = await stack.run('r1', { pipeline: 'all' });
  const { b } = countBetween(counted, await stack.counts());
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  assert.equal(run.totals['copied'], OBJECTS.all.length + 4);
  assert.equal(b.requests['CopyObject'], OBJECTS.all.length + 1);
  assert.equal(b.requests['PutObject'], 1, 'the marker alone');
  assert.equal(b.requests['UploadPartCopy'], 2 + 1 + 3);
  // Of the one that cannot be cut as it was: its ETag proves nothing then, but two readings that are the same.
  assert.equal(b.requests['GetObject'], 2 * 3);
  assert.equal(b.requests['UploadPart'], 3);
  assert.deepEqual(await compare([...OBJECTS.all, MEDIUM]), []);
  await assertCopied('all/parts.bin', true);
  await assertCopied('all/parts-one.bin', true);
  await assertCopied('all/parts-uneven.bin', false);
  assert.deepEqual(await stack.storeB.listUploads({ bucket: 'target', prefix: '' }), []);

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

const isPartCopy = (request: { url: string; headers: Readonly<Record<string, unknown>> }): boolean =>
  request.url.includes('partNumber=') && request.headers['x-amz-copy-source'] !== undefined;

test('a large object in parts is copied by the store, part by part; an activity that fails leaves the next one what it copied', async () => {
  const faults = planFaults(stack.proxyB, [
    {
      match: (request) => isPartCopy(request) && request.url.includes('partNumber=5'),
      fault: () => ({ kind: 'answer', status: 503, code: 'InternalError' }),
      // As often as one execution asks.
      times: 3,
    },
  ]);
  const counted = await stack.counts();
  const run = await stack.run('r1', { pipeline: 'large' });
  const { requests } = countBetween(counted, await stack.counts()).b;
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  assert.equal(faults.unused(), 0);
  faults.clear();
  assert.deepEqual([requests['UploadPartCopy'], requests['GetObject'] ?? 0, requests['UploadPart'] ?? 0], [5, 0, 0]);
  await assertCopied('large/parts.bin', true);
});

test('an object in parts that changes while it is copied is source_changed, and no upload stays open', async () => {
  const key = 'parts-changed/parts.bin';
  const overwrite = () =>
    stack.storeB.put(
      { bucket: 'from', key, headers: { metadata: {} } },
      { sizeBytes: 6, content: Buffer.from('theirs') },
    );
  const faults = planFaults(stack.proxyB, [
    {
      match: (request) => isPartCopy(request) && request.url.includes('partNumber=5'),
      fault: () => ({ kind: 'hold-before', until: overwrite() }),
    },
  ]);
  const run = await stack.run('r1', { pipeline: 'parts-changed' });
  assert.equal(faults.unused(), 0);
  faults.clear();
  assert.equal(run.state, 'partial', JSON.stringify(run.failure));
  assert.deepEqual(run.totals.outcomes, { source_changed: 1 });
  await assert.rejects(stack.storeB.head({ bucket: 'target', key }), { type: 'no_such_key' });
  assert.deepEqual(await stack.storeB.listUploads({ bucket: 'target', prefix: key }), []);
});

test('a part whose 200 holds an error is copied again; a completion whose answer is lost is known again', async () => {
  const isLost = (request: { method: string; url: string }): boolean =>
    request.method === 'POST' && request.url.startsWith('/target/parts-late/lost.bin?uploadId');
  const faults = planFaults(stack.proxyB, [
    {
      match: (request) => isPartCopy(request) && request.url.includes('refused.bin'),
      fault: () => ({ kind: 'answer', status: 200, code: 'InternalError' }),
    },
    { match: isLost, fault: () => ({ kind: 'drop-answer' }) },
  ]);
  const counted = await stack.counts();
  const run = await stack.run('r1', { pipeline: 'parts-late' });
  const { requests } = countBetween(counted, await stack.counts()).b;
  assert.equal(faults.unused(), 0);
  faults.clear();
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  assert.deepEqual([requests['UploadPartCopy'], requests['GetObject'] ?? 0], [4, 0]);
  await assertCopied('parts-late/lost.bin', true);
  await assertCopied('parts-late/refused.bin', true);
  assert.deepEqual(await stack.storeB.listUploads({ bucket: 'target', prefix: '' }), []);
});
