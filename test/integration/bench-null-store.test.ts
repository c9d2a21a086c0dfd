/** What the bench measures against: the null store answers as a store does, or its figures are of something else. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startBenchStore, TARGET_BUCKET, type BenchStore, type Counts } from '../../bench/run/stores.ts';
import { buildKeys } from '../../bench/run/null-store/distributions.ts';
import { isWaybillError } from '../../core/failures.ts';
import { openStore } from '../../dev/open-store.ts';
import type { Store } from '../../stores/store.ts';
import { listKeys, readBytes } from '../support/run-objects.ts';

const COUNT = 2500;
const SIZE_BYTES = 3000;
const LARGE_BYTES = 3 * 1024 * 1024;
let server: BenchStore;
let store: Store;

before(async () => {
  const common = { name: 'W1' as const, what: '' };
  server = await startBenchStore({
    kind: 'null',
    name: 'a',
    directory: '',
    keys: 'date-tree',
    workloads: [
      { ...common, bucket: 'source', count: COUNT, sizeBytes: SIZE_BYTES },
      { ...common, bucket: 'large', count: 1, sizeBytes: LARGE_BYTES },
    ],
  });
  store = openStore(server.port, server.credentials);
});
after(async () => {
  await store.close();
  await server.stop();
});

test('a listing has every key once and in order, under a prefix and from a key on too', async () => {
  const keys = buildKeys('date-tree', COUNT);
  assert.deepEqual(await listKeys(store, 'source', ''), keys);
  const prefix = 'events/y=2025/';
  assert.deepEqual(
    await listKeys(store, 'source', prefix),
    keys.filter((key) => key.startsWith(prefix)),
  );
  const middle = keys[1200] ?? '';
  const page = await store.list({ bucket: 'source', startAfter: middle });
  assert.equal(page.objects[0]?.key, keys[1201]);
  const years = await store.list({ bucket: 'source', prefix: 'events/', delimiter: '/' });
  assert.deepEqual(years.commonPrefixes, [...new Set(keys.map((key) => key.slice(0, 'events/y=2025/'.length)))]);
});

test('an object has the bytes that its ETag and its length name, whole and by ranges', async () => {
  const [key = ''] = buildKeys('date-tree', 1);
  const bytes = await readBytes(store, 'large', key);
  const { etag } = await store.head({ bucket: 'large', key });
  assert.equal(bytes.length, LARGE_BYTES);
  assert.equal(createHash('md5').update(bytes).digest('hex'), etag);
  const part = await store.get({ bucket: 'large', key, range: { first: 10, last: 1_500_000 } });
  assert.deepEqual(part.range, { first: 10, lengthBytes: 1_499_991 });
  for await (const piece of part.body) assert.ok(piece.length > 0);
});

test('what is put is known by the MD5 of its bytes, and a condition that does not hold is refused', async () => {
  const put = (content: Buffer) =>
    store.put(
      { bucket: TARGET_BUCKET, key: 'k', headers: { metadata: {} }, ifNoneMatch: '*' },
      { sizeBytes: content.length, content },
    );
  const content = Buffer.concat([Buffer.alloc(200_000, 'x'), Buffer.from('other')]);
  assert.equal((await put(content)).etag, createHash('md5').update(content).digest('hex'));
  await assert.rejects(put(content), (error) => isWaybillError(error) && error.type === 'precondition_failed');
  assert.deepEqual(await listKeys(store, TARGET_BUCKET, ''), ['k']);
  await server.order({ do: 'empty', bucket: TARGET_BUCKET });
  assert.deepEqual(await listKeys(store, TARGET_BUCKET, ''), []);
});

test('it counts what it was asked for', async () => {
  await server.counts();
  const [key = ''] = buildKeys('date-tree', COUNT);
  await readBytes(store, 'source', key);
  const content = Buffer.from('four');
  await store.put({ bucket: TARGET_BUCKET, key: 'c', headers: { metadata: {} } }, { sizeBytes: 4, content });
  await store.list({ bucket: TARGET_BUCKET });
  const requests = { GetObject: 1, PutObject: 1, ListObjectsV2: 1 };
  const expected: Counts = { requests, bytesIn: 4, bytesOut: SIZE_BYTES };
  assert.deepEqual(await server.counts(), expected);
});
