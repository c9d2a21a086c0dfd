/** Storage classes of a directory served as S3: a label that is told wherever an object is, and never passed on by a copy. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { send, type Answer } from '../support/signed-request.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

let store: StartedStore;
before(async () => {
  store = await startStore({ buckets: ['bucket'] });
});
after(() => store.close());

type Headers = readonly (readonly [string, string])[];

const RRS = 'REDUCED_REDUNDANCY';
const ask = (method: string, target: string, headers: Headers = [], body?: string): Promise<Answer> =>
  send(store, { method, target, headers, ...(body !== undefined && { body }) });
const toClass = (value: string): Headers => [['x-amz-storage-class', value]];
const headerOf = async (target: string): Promise<unknown> => (await ask('HEAD', target)).headers['x-amz-storage-class'];
const elementsOf = ({ text }: Answer): string[] =>
  [...text.matchAll(/<StorageClass>([^<]*)</g)].map(([, value = '']) => value);

test('a class is told with the object, by its attributes and by every listing', async () => {
  assert.equal((await ask('PUT', '/bucket/told/a', toClass(RRS), 'a')).status, 200);
  assert.equal((await ask('PUT', '/bucket/told/b', toClass('STANDARD'), 'b')).status, 200);
  assert.deepEqual([await headerOf('/bucket/told/a'), await headerOf('/bucket/told/b')], [RRS, undefined]);
  assert.equal((await ask('GET', '/bucket/told/a')).headers['x-amz-storage-class'], RRS);
  const asked: Headers = [['x-amz-object-attributes', 'StorageClass']];
  assert.deepEqual(elementsOf(await ask('GET', '/bucket/told/a?attributes', asked)), [RRS]);
  for (const kind of [
    'prefix=told',
    'list-type=2&prefix=told',
    'versions&prefix=told',
    'prefix=told%2F&delimiter=%2F',
  ]) {
    assert.deepEqual(elementsOf(await ask('GET', `/bucket?${kind}`)), [RRS, 'STANDARD'], kind);
  }
});

test('an upload and what it becomes have the class that it was begun with', async () => {
  const begun = await ask('POST', '/bucket/parts?uploads', toClass(RRS));
  const uploadId = /<UploadId>([^<]*)</.exec(begun.text)?.[1] ?? '';
  const part = await ask('PUT', `/bucket/parts?partNumber=1&uploadId=${uploadId}`, [], 'part');
  assert.deepEqual(elementsOf(await ask('GET', '/bucket?uploads')), [RRS]);
  assert.deepEqual(elementsOf(await ask('GET', `/bucket/parts?uploadId=${uploadId}`)), [RRS]);
  const parts = `<Part><PartNumber>1</PartNumber><ETag>${String(part.headers.etag)}</ETag></Part>`;
  const document = `<CompleteMultipartUpload>${parts}</CompleteMultipartUpload>`;
  assert.equal((await ask('POST', `/bucket/parts?uploadId=${uploadId}`, [], document)).status, 200);
  assert.equal(await headerOf('/bucket/parts'), RRS);
});

test('a copy has the class that it asks for, and an object may be copied to itself to change it', async () => {
  await ask('PUT', '/bucket/source', toClass(RRS), 'source');
  const from: Headers = [['x-amz-copy-source', '/bucket/source']];
  await ask('PUT', '/bucket/plain', from);
  assert.equal(await headerOf('/bucket/plain'), undefined);
  await ask('PUT', '/bucket/classed', [...from, ...toClass(RRS)]);
  assert.equal(await headerOf('/bucket/classed'), RRS);
  assert.equal((await ask('PUT', '/bucket/source', [...from, ...toClass('STANDARD')])).status, 200);
  assert.equal(await headerOf('/bucket/source'), undefined);
});

test('a class that promises what a directory cannot keep is refused, and nothing is stored', async () => {
  for (const value of ['GLACIER', 'STANDARD_IA', 'standard', '']) {
    const { status, code } = await ask('PUT', '/bucket/refused', toClass(value), 'bytes');
    assert.deepEqual([status, code], [400, 'InvalidStorageClass'], value);
  }
  assert.equal((await ask('HEAD', '/bucket/refused')).status, 404);
});
