/** Two counts of one traffic: the client's and the server's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPERATIONS, TrafficCounter } from '../../core/traffic.ts';
import { createS3Store } from '../../stores/s3/s3-store.ts';
import { toWholeBytes } from '../../stores/rules/whole-body.ts';
import { startStore } from '../support/start-store.ts';
import { toBody } from '../support/store-bytes.ts';
import { drain, inPieces } from '../support/store-drain.ts';

const NONE = { metadata: {} };
const PART = Buffer.alloc(5 * 1024 * 1024, 0x62);

test('every operation is counted by client and server alike: once, with the same bytes, failed ones too', async (context) => {
  const server = await startStore();
  const traffic = new TrafficCounter();
  const store = createS3Store({
    name: 'source',
    endpoint: server.endpoint,
    region: server.region,
    addressing: 'path',
    credentials: () => server.credentials,
    onTraffic: traffic.listener('source'),
    requestLimitMs: 60_000,
    connectionsMax: 4,
    etags: 'md5',
  });
  context.after(async () => {
    await store.close();
    await server.close();
  });

  const place = { bucket: 'bucket', key: 'a key' };
  await store.createBucket('bucket');
  await store.headBucket('bucket');
  await store.listBuckets();
  await store.put({ ...place, headers: NONE }, toBody(Buffer.from('hello')));
  const streamed = { sizeBytes: PART.length, content: () => inPieces(PART, 100_000) };
  await store.put({ ...place, key: 'large', headers: NONE }, streamed);
  await assert.rejects(store.put({ ...place, headers: NONE, ifNoneMatch: '*' }, toBody(Buffer.from('again'))));
  await store.head(place);
  await assert.rejects(store.head({ ...place, key: 'absent' }));
  await assert.rejects(store.get({ ...place, key: 'absent' }));
  assert.equal((await drain((await store.get(place)).body)).toString(), 'hello');
  assert.equal((await drain((await store.get({ ...place, range: { first: 1, last: 3 } })).body)).toString(), 'ell');
  assert.equal((await drain((await store.get({ ...place, key: 'large' })).body)).length, PART.length);
  await store.list({ bucket: 'bucket' });
  await store.putTags(place, { a: 'b' });
  await store.getTags(place);
  const { uploadId } = await store.createUpload({ ...place, key: 'parts', headers: NONE });
  const upload = { ...place, key: 'parts', uploadId };
  const { etag } = await store.uploadPart(upload, 1, toBody(PART));
  await store.listParts(upload);
  await store.listUploads({ bucket: 'bucket', prefix: '' });
  await store.completeUpload(upload, [{ partNumber: 1, etag }]);
  const other = await store.createUpload({ ...place, key: 'other', headers: NONE });
  await store.abortUpload({ ...place, key: 'other', uploadId: other.uploadId });
  await assert.rejects(store.deleteBucket('bucket'));
  await store.delete(place);

  const counts = server.adminCounts();
  const byOperation = traffic.take();
  for (const operation of OPERATIONS) {
    assert.equal(byOperation[`source/${operation}`]?.requests ?? 0, counts.requests(operation), operation);
  }
  assert.equal(Object.keys(byOperation).length, 17, 'every operation of the port was tried');
  const totals = Object.values(byOperation);
  const refusedPutBytes = 'again'.length;
  assert.equal(
    totals.reduce((sum, { bytesIn }) => sum + bytesIn, 0),
    counts.objectBytesOut,
  );
  assert.equal(totals.reduce((sum, { bytesOut }) => sum + bytesOut, 0) - refusedPutBytes, counts.objectBytesIn);
});

test('a small object comes as one piece of memory, without a stream', async (context) => {
  const server = await startStore({ buckets: ['bucket'] });
  const store = createS3Store({
    name: 'source',
    endpoint: server.endpoint,
    region: server.region,
    addressing: 'path',
    credentials: () => server.credentials,
    requestLimitMs: 60_000,
    connectionsMax: 1,
    etags: 'opaque',
  });
  context.after(async () => {
    await store.close();
    await server.close();
  });
  const bytes = Buffer.alloc(1024 * 1024, 7);
  await store.put({ bucket: 'bucket', key: 'k', headers: NONE }, toBody(bytes));
  const { body, info } = await store.get({ bucket: 'bucket', key: 'k' });
  assert.ok(Buffer.from(toWholeBytes(body)!).equals(bytes));
  assert.equal(info.etagIsContentHash, false, 'this store calls its ETags opaque');
});

test('user metadata beyond ASCII is signed, stored and read as the text that it is', async (context) => {
  const server = await startStore({ buckets: ['bucket'] });
  const store = createS3Store({
    name: 'source',
    endpoint: server.endpoint,
    region: server.region,
    addressing: 'path',
    credentials: () => server.credentials,
    requestLimitMs: 60_000,
    connectionsMax: 1,
    etags: 'md5',
  });
  context.after(async () => {
    await store.close();
    await server.close();
  });
  const metadata = { ascii: 'plain', 'utf-8': 'Größe 😀', word: '=?UTF-8?B?R3LDtsOfZQ==?=' };
  await store.put({ bucket: 'bucket', key: 'k', headers: { metadata } }, toBody(Buffer.from('x')));
  assert.deepEqual((await store.head({ bucket: 'bucket', key: 'k' })).metadata, metadata);
});
