/** CopyObject and UploadPartCopy of a directory served as S3: what is kept, what is replaced, under which conditions. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { send, sign, type Answer } from '../support/signed-request.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

let store: StartedStore;
before(async () => {
  store = await startStore({ buckets: ['bucket', 'other'] });
  await put('/bucket/source', 'the source', [
    ['Content-Type', 'text/csv'],
    ['Cache-Control', 'no-store'],
    ['x-amz-meta-who', 'me'],
    ['x-amz-tagging', 'a=1&b=2'],
  ]);
});
after(() => store.close());

type Headers = readonly (readonly [string, string])[];

const put = (target: string, body: string | Uint8Array, headers: Headers = []): Promise<Answer> =>
  send(store, { method: 'PUT', target, body, headers });
const copy = (target: string, source: string, headers: Headers = []): Promise<Answer> =>
  send(store, { method: 'PUT', target, headers: [['x-amz-copy-source', source], ...headers] });
const head = (target: string): Promise<Answer> => send(store, { method: 'HEAD', target });
const codeOf = ({ status, code }: Answer): [number, string] => [status, code];
const elementOf = (answer: Answer, name: string): string =>
  new RegExp(`<${name}>([^<]*)<`).exec(answer.text)?.[1] ?? '';

test('a copy has the bytes, headers, metadata and tags of its source', async () => {
  const copied = await copy('/other/copy', '/bucket/source');
  assert.equal(copied.status, 200, copied.text);
  const etag = createHash('md5').update('the source').digest('hex');
  assert.equal(elementOf(copied, 'ETag'), `&quot;${etag}&quot;`);
  assert.match(elementOf(copied, 'LastModified'), /^\d{4}-\d\d-\d\dT/);
  const got = await send(store, { method: 'GET', target: '/other/copy' });
  assert.equal(got.text, 'the source');
  assert.deepEqual(
    ['content-type', 'cache-control', 'x-amz-meta-who', 'x-amz-tagging-count'].map((name) => got.headers[name]),
    ['text/csv', 'no-store', 'me', '2'],
  );
});

test('metadata beyond the limit is refused, also where that of the source would be kept', async () => {
  const long: Headers = [['x-amz-meta-long', 'v'.repeat(2048)]];
  assert.deepEqual(codeOf(await copy('/bucket/long', 'bucket/source', long)), [400, 'MetadataTooLarge']);
  assert.equal((await head('/bucket/long')).status, 404);
});

test('REPLACE takes the headers or the tags of the request, and nothing of the source', async () => {
  await copy('/bucket/replaced', 'bucket/source', [
    ['x-amz-metadata-directive', 'REPLACE'],
    ['x-amz-meta-new', 'yes'],
  ]);
  const { headers } = await head('/bucket/replaced');
  assert.deepEqual(
    ['content-type', 'cache-control', 'x-amz-meta-who', 'x-amz-meta-new', 'x-amz-tagging-count'].map(
      (name) => headers[name],
    ),
    ['binary/octet-stream', undefined, undefined, 'yes', '2'],
  );
  await copy('/bucket/retagged', 'bucket/source', [
    ['x-amz-tagging-directive', 'REPLACE'],
    ['x-amz-tagging', 'only=this'],
  ]);
  const retagged = await send(store, { method: 'GET', target: '/bucket/retagged?tagging' });
  assert.match(retagged.text, /<TagSet><Tag><Key>only<\/Key><Value>this<\/Value><\/Tag><\/TagSet>/);
  assert.equal((await head('/bucket/retagged')).headers['x-amz-meta-who'], 'me');
  for (const kind of ['metadata', 'tagging']) {
    const answer = await copy('/bucket/unknown', 'bucket/source', [[`x-amz-${kind}-directive`, 'MERGE']]);
    assert.deepEqual(codeOf(answer), [400, 'InvalidArgument']);
  }
});

test('a copy of an object to itself must change something, and then does', async () => {
  await put('/bucket/self', 'self', [['x-amz-meta-a', '1']]);
  assert.deepEqual(codeOf(await copy('/bucket/self', 'bucket/self')), [400, 'InvalidRequest']);
  const replaced = await copy('/bucket/self', 'bucket/self', [
    ['x-amz-metadata-directive', 'REPLACE'],
    ['x-amz-meta-a', '2'],
  ]);
  assert.equal(replaced.status, 200, replaced.text);
  const got = await send(store, { method: 'GET', target: '/bucket/self' });
  assert.deepEqual([got.text, got.headers['x-amz-meta-a']], ['self', '2']);
});

test('the source is decoded exactly once: no key stands for another', async () => {
  for (const [key, body] of [
    ['a%2Fb', 'percent'],
    ['a/b', 'slash'],
    ['a+b', 'plus'],
    ['a b', 'blank'],
    ['../up', 'dots'],
    ['k?versionId=x', 'mark'],
  ] as const) {
    await put(`/bucket/${encodeURIComponent(key)}`, body);
    const copied = await copy('/other/decoded', `/bucket/${encodeURIComponent(key)}`);
    assert.equal(copied.status, 200, copied.text);
    assert.equal((await send(store, { method: 'GET', target: '/other/decoded' })).text, body, key);
  }
  // A bare plus is a blank here, as S3 reads it and s5cmd writes it.
  assert.equal((await copy('/other/decoded', 'bucket/a+b')).status, 200);
  assert.equal((await send(store, { method: 'GET', target: '/other/decoded' })).text, 'blank');
  const version = await copy('/other/decoded', 'bucket/source?versionId=null');
  assert.equal(version.status, 200, version.text);
  assert.deepEqual(codeOf(await copy('/other/x', 'bucket/source?versionId=7')), [404, 'NoSuchVersion']);
});

for (const [claim, source, status, code] of [
  ['no key', 'bucket', 400, 'InvalidArgument'],
  ['an empty key', 'bucket/', 400, 'InvalidArgument'],
  ['broken percent-encoding', 'bucket/%zz', 400, 'InvalidArgument'],
  ['bytes that are not UTF-8', 'bucket/%ff', 400, 'InvalidArgument'],
  ['a bucket that is an address', '127.0.0.1/key', 400, 'InvalidArgument'],
  ['an empty version', 'bucket/source?versionId=', 400, 'InvalidArgument'],
  ['an access point', 'arn:aws:s3:us-east-1:1:accesspoint/a/object/b', 501, 'NotImplemented'],
  ['a bucket that is not there', 'absent/key', 404, 'NoSuchBucket'],
  ['a key that is not there', 'bucket/absent', 404, 'NoSuchKey'],
] as const) {
  test(`a copy source with ${claim} is refused, and nothing is written`, async () => {
    assert.deepEqual(codeOf(await copy('/other/refused', source)), [status, code]);
    assert.equal((await head('/other/refused')).status, 404);
  });
}

test('conditions on the source and on the target are both judged, with 412', async () => {
  const etag = String((await head('/bucket/source')).headers.etag);
  const past = new Date(Date.now() - 3_600_000).toUTCString();
  const future = new Date(Date.now() + 3_600_000).toUTCString();
  const onSource = async (...pairs: (readonly [string, string])[]): Promise<number> =>
    (
      await copy(
        '/other/conditional',
        'bucket/source',
        pairs.map(([name, value]) => [`x-amz-copy-source-if-${name}`, value] as const),
      )
    ).status;
  assert.equal(await onSource(['match', etag]), 200);
  assert.equal(await onSource(['match', '"no"']), 412);
  assert.equal(await onSource(['none-match', etag]), 412);
  assert.equal(await onSource(['none-match', '"no"']), 200);
  assert.equal(await onSource(['modified-since', past]), 200);
  assert.equal(await onSource(['modified-since', future]), 412);
  assert.equal(await onSource(['unmodified-since', past]), 412);
  assert.equal(await onSource(['match', etag], ['unmodified-since', past]), 200);
  assert.equal((await copy('/other/conditional', 'bucket/source', [['If-None-Match', '*']])).status, 412);
  assert.equal((await copy('/other/conditional', 'bucket/source', [['If-Match', '"no"']])).status, 412);
  assert.equal((await copy('/other/new', 'bucket/source', [['If-None-Match', '*']])).status, 200);
});

test('a checksum is kept, or computed as it is asked for', async () => {
  const sha1 = createHash('sha1').update('the source').digest('base64');
  await put('/bucket/summed', 'the source', [['x-amz-checksum-sha1', sha1]]);
  assert.equal(elementOf(await copy('/other/kept', 'bucket/summed'), 'ChecksumSHA1'), sha1);
  const asked = await copy('/other/asked', 'bucket/summed', [['x-amz-checksum-algorithm', 'SHA256']]);
  const sha256 = createHash('sha256').update('the source').digest('base64');
  assert.deepEqual([elementOf(asked, 'ChecksumSHA256'), elementOf(asked, 'ChecksumType')], [sha256, 'FULL_OBJECT']);
  const told = await send(store, {
    method: 'HEAD',
    target: '/other/asked',
    headers: [['x-amz-checksum-mode', 'ENABLED']],
  });
  assert.equal(told.headers['x-amz-checksum-sha256'], sha256);
});

test('a copy needs no Content-Length: a PUT without one has no body', async () => {
  const { target, headers } = sign(store, {
    method: 'PUT',
    target: '/other/bare',
    headers: [['x-amz-copy-source', 'bucket/source']],
  });
  const lines = headers.filter(([name]) => name !== 'Content-Length').map(([name, value]) => `${name}: ${value}`);
  const socket = connect(store.port, '127.0.0.1');
  socket.write(`PUT ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`);
  assert.match(await text(socket), /^HTTP\/1\.1 200 /);
});

test('a source header where nothing is copied is refused', async () => {
  const misplaced = await send(store, {
    method: 'PUT',
    target: '/bucket/source?tagging',
    body: '<Tagging><TagSet></TagSet></Tagging>',
    headers: [['x-amz-copy-source', 'bucket/source']],
  });
  assert.deepEqual(codeOf(misplaced), [400, 'InvalidArgument']);
});

test('parts are copied whole or by range, and become the object', async () => {
  const bytes = Buffer.alloc(6 * 1024 * 1024, 'x');
  bytes.write('start');
  await put('/bucket/large', bytes);
  const created = await send(store, { method: 'POST', target: '/bucket/assembled?uploads' });
  const uploadId = elementOf(created, 'UploadId');
  const copyPart = (partNumber: number, source: string, range?: string): Promise<Answer> =>
    copy(
      `/bucket/assembled?partNumber=${String(partNumber)}&uploadId=${uploadId}`,
      source,
      range === undefined ? [] : [['x-amz-copy-source-range', range]],
    );
  const first = await copyPart(1, 'bucket/large');
  const second = await copyPart(2, 'bucket/large', 'bytes=0-4');
  assert.deepEqual([first.status, second.status], [200, 200], first.text + second.text);
  for (const range of ['bytes=5-', 'bytes=-5', '0-4', 'bytes=4-0', 'bytes=0-6291456', 'bytes=0-1,3-4']) {
    assert.deepEqual(codeOf(await copyPart(3, 'bucket/large', range)), [400, 'InvalidArgument'], range);
  }
  const body = `<CompleteMultipartUpload>${[first, second]
    .map((part, at) => `<Part><PartNumber>${String(at + 1)}</PartNumber><ETag>${elementOf(part, 'ETag')}</ETag></Part>`)
    .join('')}</CompleteMultipartUpload>`;
  const done = await send(store, { method: 'POST', target: `/bucket/assembled?uploadId=${uploadId}`, body });
  assert.equal(done.status, 200, done.text);
  const got = await send(store, { method: 'GET', target: '/bucket/assembled' });
  assert.ok(got.bytes.equals(Buffer.concat([bytes, Buffer.from('start')])));
  const lost = await copy(`/bucket/assembled?partNumber=1&uploadId=${uploadId}`, 'bucket/large');
  assert.deepEqual(codeOf(lost), [404, 'NoSuchUpload']);
});
