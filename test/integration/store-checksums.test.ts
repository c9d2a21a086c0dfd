/** Checksums of a directory served as S3: verified, kept, told to who asks, and combined over parts. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { after, before, test } from 'node:test';
import { computeChecksum } from '../../stores/rules/checksum-hash.ts';
import { send, type Answer } from '../support/signed-request.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

let store: StartedStore;
before(async () => {
  store = await startStore({ buckets: ['bucket'] });
});
after(() => store.close());

type Headers = readonly (readonly [string, string])[];

const ask = (method: string, target: string, headers: Headers = [], body?: string | Uint8Array): Promise<Answer> =>
  send(store, { method, target, headers, ...(body !== undefined && { body }) });
const sha = (name: string, bytes: string | Uint8Array): string => createHash(name).update(bytes).digest('base64');
const crc = (bytes: string | Uint8Array): string => {
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(crc32(bytes));
  return digest.toString('base64');
};
const elementOf = (answer: Answer, name: string): string =>
  new RegExp(`<${name}>([^<]*)<`).exec(answer.text)?.[1] ?? '';
const checksumsOf = ({ headers }: Answer): string[] =>
  Object.keys(headers)
    .filter((name) => name.startsWith('x-amz-checksum-'))
    .map((name) => `${name.slice('x-amz-checksum-'.length)}=${String(headers[name])}`)
    .sort();
const ENABLED: Headers = [['x-amz-checksum-mode', 'ENABLED']];

test('a checksum is told when it was verified, and later to who asks for it, but not with a part of the bytes', async () => {
  const value = sha('sha256', 'summed');
  const put = await ask('PUT', '/bucket/summed', [['x-amz-checksum-sha256', value]], 'summed');
  assert.deepEqual(checksumsOf(put), [`sha256=${value}`, 'type=FULL_OBJECT']);
  for (const method of ['GET', 'HEAD']) {
    assert.deepEqual(checksumsOf(await ask(method, '/bucket/summed')), []);
    assert.deepEqual(checksumsOf(await ask(method, '/bucket/summed', ENABLED)), [
      `sha256=${value}`,
      'type=FULL_OBJECT',
    ]);
    const ranged = await ask(method, '/bucket/summed', [...ENABLED, ['Range', 'bytes=0-1']]);
    assert.deepEqual([ranged.status, checksumsOf(ranged)], [206, []]);
  }
  const page = await ask('GET', '/bucket?list-type=2&prefix=summed');
  assert.match(page.text, /<ChecksumAlgorithm>SHA256<\/ChecksumAlgorithm><ChecksumType>FULL_OBJECT</);
});

test('an object that came without one has the CRC64NVME that S3 computes', async () => {
  await ask('PUT', '/bucket/plain', [], '123456789');
  // The check value of the algorithm, in its own catalogue.
  const value = Buffer.from('ae8b14860a799888', 'hex').toString('base64');
  assert.deepEqual(checksumsOf(await ask('GET', '/bucket/plain', ENABLED)), [`crc64nvme=${value}`, 'type=FULL_OBJECT']);
});

const PARTS = [Buffer.alloc(5 * 1024 * 1024, 'a'), Buffer.from('the end')];

async function begin(target: string, headers: Headers): Promise<string> {
  const created = await ask('POST', `${target}?uploads`, headers);
  assert.equal(created.status, 200, created.text);
  return elementOf(created, 'UploadId');
}

async function upload(target: string, uploadId: string, toHeaders: (part: Buffer) => Headers): Promise<string[]> {
  const etags: string[] = [];
  for (const [at, part] of PARTS.entries()) {
    const sent = await ask('PUT', `${target}?partNumber=${String(at + 1)}&uploadId=${uploadId}`, toHeaders(part), part);
    assert.equal(sent.status, 200, sent.text);
    etags.push(String(sent.headers.etag));
  }
  return etags;
}

const printParts = (etags: readonly string[], extra: readonly string[] = []): string =>
  `<CompleteMultipartUpload>${etags
    .map((etag, at) => `<Part><PartNumber>${String(at + 1)}</PartNumber><ETag>${etag}</ETag>${extra[at] ?? ''}</Part>`)
    .join('')}</CompleteMultipartUpload>`;

test('a composite checksum is the hash over those of the parts, and every part must be named with its own', async () => {
  const target = '/bucket/composite';
  const uploadId = await begin(target, [['x-amz-checksum-algorithm', 'SHA256']]);
  const etags = await upload(target, uploadId, (part) => [['x-amz-checksum-sha256', sha('sha256', part)]]);
  const digests = PARTS.map((part) => createHash('sha256').update(part).digest());
  const extra = digests.map((digest) => `<ChecksumSHA256>${digest.toString('base64')}</ChecksumSHA256>`);
  const complete = (body: string, headers: Headers = []): Promise<Answer> =>
    ask('POST', `${target}?uploadId=${uploadId}`, headers, body);

  const bare = await complete(printParts(etags));
  assert.deepEqual([bare.status, bare.code], [400, 'InvalidRequest']);
  assert.match(bare.text, /It was missing for part 1 in the request/);
  const swapped = await complete(printParts(etags, [...extra].reverse()));
  assert.deepEqual([swapped.status, swapped.code], [400, 'InvalidPart']);
  const mode = await complete(printParts(etags, extra), [['x-amz-checksum-type', 'FULL_OBJECT']]);
  assert.deepEqual([mode.status, mode.code], [400, 'InvalidRequest']);
  const expected = `${sha('sha256', Buffer.concat(digests))}-2`;
  const wrong = await complete(printParts(etags, extra), [['x-amz-checksum-sha256', `${sha('sha256', 'no')}-2`]]);
  assert.deepEqual([wrong.status, wrong.code], [400, 'BadDigest']);
  const listed = await ask('GET', `${target}?uploadId=${uploadId}`);
  assert.match(listed.text, new RegExp(`<ChecksumSHA256>${sha('sha256', 'the end').replaceAll('+', '\\+')}<`));
  assert.match(listed.text, /<ChecksumAlgorithm>SHA256<\/ChecksumAlgorithm><ChecksumType>COMPOSITE</);

  const done = await complete(printParts(etags, extra), [['x-amz-checksum-sha256', expected]]);
  assert.deepEqual([elementOf(done, 'ChecksumSHA256'), elementOf(done, 'ChecksumType')], [expected, 'COMPOSITE']);
  assert.deepEqual(checksumsOf(await ask('HEAD', target, ENABLED)), [`sha256=${expected}`, 'type=COMPOSITE']);
});

test('the parts of an upload that named no algorithm are listed with null, as S3 does', async () => {
  const target = '/bucket/unnamed';
  const begun = await ask('POST', `${target}?uploads`);
  const uploadId = /<UploadId>([^<]*)</.exec(begun.text)?.[1] ?? '';
  const listed = await ask('GET', `${target}?uploadId=${uploadId}`);
  assert.match(listed.text, /<ChecksumAlgorithm>null<\/ChecksumAlgorithm><ChecksumType>null<\/ChecksumType>/);
});

test('a part is told with its CRC64NVME where the upload named that, and with none where it named nothing', async () => {
  for (const named of [true, false]) {
    const target = `/bucket/parts-${String(named)}`;
    const uploadId = await begin(target, named ? [['x-amz-checksum-algorithm', 'CRC64NVME']] : []);
    const etags = await upload(target, uploadId, () => []);
    await ask('POST', `${target}?uploadId=${uploadId}`, [], printParts(etags));
    for (const [at, bytes] of PARTS.entries()) {
      const value = Buffer.from(await computeChecksum('CRC64NVME', bytes)).toString('base64');
      const part = await ask('GET', `${target}?partNumber=${String(at + 1)}`, ENABLED);
      assert.equal(part.status, 206);
      assert.deepEqual(checksumsOf(part), named ? [`crc64nvme=${value}`, 'type=FULL_OBJECT'] : []);
    }
  }
});

test('a full checksum is that of the bytes, however they were cut', async () => {
  const target = '/bucket/full';
  const uploadId = await begin(target, [
    ['x-amz-checksum-algorithm', 'CRC32'],
    ['x-amz-checksum-type', 'FULL_OBJECT'],
  ]);
  const etags = await upload(target, uploadId, (part) => [['x-amz-checksum-crc32', crc(part)]]);
  const size = Buffer.concat(PARTS).length;
  const complete = (headers: Headers): Promise<Answer> =>
    ask('POST', `${target}?uploadId=${uploadId}`, headers, printParts(etags));
  const short = await complete([['x-amz-mp-object-size', String(size - 1)]]);
  assert.deepEqual([short.status, short.code], [400, 'InvalidRequest']);
  const done = await complete([
    ['x-amz-mp-object-size', String(size)],
    ['x-amz-checksum-type', 'FULL_OBJECT'],
  ]);
  assert.equal(elementOf(done, 'ChecksumCRC32'), crc(Buffer.concat(PARTS)), done.text);
  assert.equal(elementOf(done, 'Location'), `http://127.0.0.1:${String(store.port)}${target}`);
});

for (const [claim, headers, code] of [
  ['an unknown algorithm', [['x-amz-checksum-algorithm', 'CRC128']], 'InvalidRequest'],
  ['a type without an algorithm', [['x-amz-checksum-type', 'COMPOSITE']], 'InvalidRequest'],
  [
    'an unknown type',
    [
      ['x-amz-checksum-algorithm', 'CRC32'],
      ['x-amz-checksum-type', 'HALF'],
    ],
    'InvalidRequest',
  ],
  [
    'a full SHA-256',
    [
      ['x-amz-checksum-algorithm', 'SHA256'],
      ['x-amz-checksum-type', 'FULL_OBJECT'],
    ],
    'InvalidRequest',
  ],
  [
    'a composite CRC64NVME',
    [
      ['x-amz-checksum-algorithm', 'CRC64NVME'],
      ['x-amz-checksum-type', 'COMPOSITE'],
    ],
    'InvalidRequest',
  ],
] as const satisfies readonly (readonly [string, Headers, string])[]) {
  test(`an upload with ${claim} is not begun`, async () => {
    const answer = await ask('POST', '/bucket/never?uploads', headers);
    assert.deepEqual([answer.status, answer.code], [400, code]);
    assert.doesNotMatch((await ask('GET', '/bucket?uploads&prefix=never')).text, /<Upload>/);
  });
}

test('a part without a checksum, or with another, is refused where the upload is composite', async () => {
  const target = '/bucket/strict';
  const uploadId = await begin(target, [['x-amz-checksum-algorithm', 'CRC32']]);
  const place = `${target}?partNumber=1&uploadId=${uploadId}`;
  const bare = await ask('PUT', place, [], 'part');
  assert.deepEqual([bare.status, bare.code], [400, 'InvalidRequest']);
  const other = await ask('PUT', place, [['x-amz-checksum-sha1', sha('sha1', 'part')]], 'part');
  assert.deepEqual([other.status, other.code], [400, 'InvalidRequest']);
  assert.doesNotMatch((await ask('GET', `${target}?uploadId=${uploadId}`)).text, /<Part>/);
});

test('a part with a checksum of another algorithm is refused by it before its body is read, whatever the body holds', async () => {
  const target = '/bucket/other-algorithm';
  const uploadId = await begin(target, [['x-amz-checksum-algorithm', 'CRC32']]);
  const place = `${target}?partNumber=1&uploadId=${uploadId}`;
  for (const body of ['small', Buffer.alloc(300 * 1024)]) {
    const wrong = await ask('PUT', place, [['x-amz-checksum-sha256', sha('sha256', 'something else')]], body);
    assert.deepEqual([wrong.status, wrong.code], [400, 'InvalidRequest']);
    assert.match(wrong.text, /expected checksum Type: CRC32, actual checksum Type: SHA256/);
  }
  // Where the algorithm is the upload's, or the upload has none, the digest decides as ever.
  const bad = await ask('PUT', place, [['x-amz-checksum-crc32', crc('something else')]], 'small');
  assert.deepEqual([bad.status, bad.code], [400, 'BadDigest']);
  const gone = await ask('PUT', `${place}0`, [['x-amz-checksum-crc32', crc('something else')]], 'small');
  assert.deepEqual([gone.status, gone.code], [404, 'NoSuchUpload']);
  assert.doesNotMatch((await ask('GET', `${target}?uploadId=${uploadId}`)).text, /<Part>/);
});

test('attributes tell size, ETag, checksum and the parts page by page', async () => {
  const attributes = (names: string, headers: Headers = []): Promise<Answer> =>
    ask('GET', '/bucket/composite?attributes', [['x-amz-object-attributes', names], ...headers]);
  const all = await attributes('ETag,Checksum,ObjectParts,StorageClass,ObjectSize');
  const size = PARTS.reduce((sum, part) => sum + part.length, 0);
  assert.match(all.text, /<ETag>[0-9a-f]{32}-2<\/ETag>/);
  assert.match(all.text, /<Checksum><ChecksumSHA256>[\w+/]{43}=<\/ChecksumSHA256><ChecksumType>COMPOSITE</);
  assert.match(all.text, new RegExp(`<StorageClass>STANDARD</StorageClass><ObjectSize>${String(size)}</ObjectSize>`));
  assert.ok(all.headers['last-modified']);
  const first = await attributes('ObjectParts', [['x-amz-max-parts', '1']]);
  assert.match(
    first.text,
    /<PartsCount>2<.*<NextPartNumberMarker>1<.*<MaxParts>1<.*<IsTruncated>true<.*<Part><PartNumber>1<\/PartNumber><Size>5242880</,
  );
  const second = await attributes('ObjectParts', [['x-amz-part-number-marker', '1']]);
  assert.match(second.text, /<IsTruncated>false<.*<Part><PartNumber>2<\/PartNumber><Size>7</);
  assert.deepEqual(
    [(await attributes('Etag')).code, (await attributes(' , ')).code],
    ['InvalidArgument', 'InvalidRequest'],
  );
  const whole = await ask('GET', '/bucket/plain?attributes', [['x-amz-object-attributes', 'ObjectParts,ObjectSize']]);
  assert.doesNotMatch(whole.text, /ObjectParts/);
});

test('a part of an object is read by its number', async () => {
  for (const method of ['GET', 'HEAD']) {
    const part = await ask(method, '/bucket/composite?partNumber=2', ENABLED);
    assert.deepEqual(
      [
        part.status,
        part.headers['content-length'],
        part.headers['content-range'],
        part.headers['x-amz-mp-parts-count'],
      ],
      [206, '7', 'bytes 5242880-5242886/5242887', '2'],
    );
    assert.deepEqual(checksumsOf(part), [`sha256=${sha('sha256', 'the end')}`, 'type=COMPOSITE']);
    assert.deepEqual(checksumsOf(await ask(method, '/bucket/composite?partNumber=2')), []);
    assert.equal(part.text, method === 'GET' ? 'the end' : '');
    assert.equal((await ask(method, '/bucket/composite?partNumber=3')).status, 416);
    assert.equal((await ask(method, '/bucket/composite?partNumber=0')).status, 400);
    assert.equal((await ask(method, '/bucket/composite?partNumber=1', [['Range', 'bytes=0-1']])).status, 400);
    const whole = await ask(method, '/bucket/plain?partNumber=1');
    assert.deepEqual([whole.status, whole.headers['x-amz-mp-parts-count']], [206, undefined]);
    assert.equal((await ask(method, '/bucket/plain?partNumber=2')).status, 416);
  }
  assert.equal((await ask('GET', '/bucket/plain?partNumber=2')).code, 'InvalidPartNumber');
});
