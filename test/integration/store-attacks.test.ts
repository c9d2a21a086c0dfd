/** What must be refused, with S3's code, and without a trace in the store. Each was a real hole in somebody's endpoint. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { exchange, send, sign, type RequestPlan } from '../support/signed-request.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

let store: StartedStore;
before(async () => {
  store = await startStore({ buckets: ['bucket'] });
});
after(() => store.close());

/** Whatever was refused: nothing is stored, no upload is open, nothing was a defect of ours. */
afterEach(async () => {
  assert.deepEqual((await store.store.list({ bucket: 'bucket' })).objects, []);
  assert.deepEqual(await store.store.listUploads({ bucket: 'bucket', prefix: '' }), []);
  assert.deepEqual(store.logged, []);
  assert.deepEqual(await emptied(join(store.root, 'tmp')), []);
});

/** What is left in a directory: a file that is being taken back goes shortly after the answer. */
async function emptied(directory: string): Promise<readonly string[]> {
  const until = Date.now() + 60_000;
  for (;;) {
    const names = await readdir(directory);
    if (names.length === 0 || Date.now() > until) return names;
    await setImmediate();
  }
}

type Headers = (readonly [string, string])[];
const put: RequestPlan = { method: 'PUT', target: '/bucket/key', body: 'payload' };
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const minutes = (count: number): Date => new Date(Date.now() + count * 60_000);
const replace =
  (name: string, change: (value: string) => string) =>
  (headers: Headers): Headers =>
    headers.map(([one, value]) => [one, one.toLowerCase() === name ? change(value) : value]);
const add =
  (...more: Headers) =>
  (headers: Headers): Headers => [...headers, ...more];
const big = 'x'.repeat(600 * 1024);

const attributes = (count: number): string => Array.from({ length: count }, (_, at) => `a${String(at)}=""`).join(' ');
const deletion = (body: string): RequestPlan => ({
  method: 'POST',
  target: '/bucket?delete',
  headers: [['Content-MD5', createHash('md5').update(body).digest('base64')]],
  body,
});

const REFUSED: readonly (readonly [claim: string, status: number, code: string, plan: RequestPlan])[] = [
  ['a body that is not the one that was hashed', 400, 'XAmzContentSHA256Mismatch', { ...put, sendBody: 'PAYLOAD' }],
  [
    'a large body that is not the one that was hashed',
    400,
    'XAmzContentSHA256Mismatch',
    { ...put, body: big, sendBody: big.replace(/x$/, 'y') },
  ],
  ['a body where the empty one was signed', 400, 'XAmzContentSHA256Mismatch', { ...put, body: '', sendBody: 'x' }],
  ['an empty body where another was signed', 400, 'XAmzContentSHA256Mismatch', { ...put, sendBody: '' }],
  [
    'a Content-MD5 that does not hold',
    400,
    'BadDigest',
    { ...put, headers: [['Content-MD5', createHash('md5').update('other').digest('base64')]] },
  ],
  ['a Content-MD5 that is none', 400, 'InvalidDigest', { ...put, headers: [['Content-MD5', 'abc']] }],
  [
    'a forged signature',
    403,
    'SignatureDoesNotMatch',
    { ...put, tamper: replace('authorization', (v) => v.slice(0, -4) + '0000') },
  ],
  [
    'another secret',
    403,
    'SignatureDoesNotMatch',
    { ...put, credentials: { accessKeyId: 'AKIDSTORETEST', secretAccessKey: 'guess' } },
  ],
  [
    'a key that nobody has',
    403,
    'InvalidAccessKeyId',
    { ...put, credentials: { accessKeyId: 'AKIDNOBODY', secretAccessKey: 'guess' } },
  ],
  [
    'no signature at all',
    403,
    'AccessDenied',
    { ...put, tamper: (headers) => headers.filter(([name]) => name !== 'authorization') },
  ],
  ['a date of sixteen minutes ago', 403, 'RequestTimeTooSkewed', { ...put, at: minutes(-16) }],
  ['a date twenty minutes ahead', 403, 'RequestTimeTooSkewed', { ...put, at: minutes(20) }],
  [
    'a presigned URL that has expired',
    403,
    'AccessDenied',
    { ...put, method: 'GET', at: minutes(-5), presignSeconds: 60 },
  ],
  [
    'a presigned URL from the future',
    403,
    'AccessDenied',
    { ...put, method: 'GET', at: minutes(20), presignSeconds: 60 },
  ],
  ['a presigned PUT, whose body anyone could choose', 403, 'AccessDenied', { ...put, presignSeconds: 60 }],
  ['a presigned PUT of nothing', 403, 'AccessDenied', { ...put, body: '', presignSeconds: 60 }],
  ['an unsigned payload', 403, 'AccessDenied', { ...put, payloadHash: 'UNSIGNED-PAYLOAD' }],
  ['another region', 400, 'AuthorizationHeaderMalformed', { ...put, region: 'eu-west-1' }],
  ['an x-amz header that was not signed', 403, 'AccessDenied', { ...put, tamper: add(['x-amz-meta-admin', 'yes']) }],
  [
    'a signed header that changed',
    403,
    'SignatureDoesNotMatch',
    { ...put, headers: [['Content-Type', 'a/b']], tamper: replace('content-type', () => 'text/html') },
  ],
  [
    'another Host than the signed one',
    403,
    'SignatureDoesNotMatch',
    { ...put, tamper: replace('host', (v) => `${v}0`) },
  ],
  [
    'two Authorization headers',
    400,
    'InvalidRequest',
    { ...put, tamper: (headers) => [...headers, ...headers.filter(([n]) => n === 'authorization')] },
  ],
  ['two dates', 400, 'InvalidRequest', { ...put, tamper: add(['x-amz-date', '20200101T000000Z']) }],
  ['two Host headers', 400, 'InvalidRequest', { ...put, tamper: add(['Host', 'other']) }],
  [
    'header and query authentication together',
    400,
    'InvalidArgument',
    { ...put, target: '/bucket/key?X-Amz-Signature=00&X-Amz-Algorithm=AWS4-HMAC-SHA256' },
  ],
  ['a payload hash that is none', 400, 'InvalidArgument', { ...put, payloadHash: 'abc' }],
  [
    'a subresource that would make the PUT overwrite the object',
    501,
    'NotImplemented',
    { ...put, target: '/bucket/key?acl' },
  ],
  ['a subresource that nobody knows yet', 501, 'NotImplemented', { ...put, target: '/bucket/key?from-the-future' }],
  ['a part number without an upload', 400, 'InvalidArgument', { ...put, target: '/bucket/key?partNumber=1' }],
  [
    'encryption, which a directory cannot do',
    501,
    'NotImplemented',
    { ...put, headers: [['x-amz-server-side-encryption', 'aws:kms']] },
  ],
  ['a public ACL', 400, 'AccessControlListNotSupported', { ...put, headers: [['x-amz-acl', 'public-read']] }],
  [
    'a storage class that a directory has not',
    400,
    'InvalidStorageClass',
    { ...put, headers: [['x-amz-storage-class', 'GLACIER']] },
  ],
  ['an If-None-Match that is not *', 501, 'NotImplemented', { ...put, headers: [['If-None-Match', '"abc"']] }],
  ['metadata above 2 KiB', 400, 'MetadataTooLarge', { ...put, headers: [['x-amz-meta-a', 'x'.repeat(2100)]] }],
  ['a tag that stands twice', 400, 'InvalidArgument', { ...put, headers: [['x-amz-tagging', 'a=1&a=2']] }],
  ['a key of 1,025 bytes', 400, 'KeyTooLongError', { ...put, target: `/bucket/${'k'.repeat(1025)}` }],
  ['a key that is not UTF-8', 400, 'InvalidURI', { ...put, target: '/bucket/%ff%fe' }],
  ['a surrogate in a key', 400, 'InvalidURI', { ...put, target: '/bucket/%ed%a0%80' }],
  ['a bucket of two dots', 400, 'InvalidBucketName', { ...put, target: '/../key' }],
  ['a bucket of two encoded dots', 400, 'InvalidBucketName', { ...put, target: '/%2e%2e/key' }],
  ['a bucket with a slash inside', 400, 'InvalidBucketName', { ...put, target: '/bucket%2Fkey' }],
  ['a bucket with a NUL', 400, 'InvalidBucketName', { ...put, target: '/bucket%00/key' }],
  ['a bucket that is not there', 404, 'NoSuchBucket', { ...put, target: '/absent/key' }],
  [
    'a query parameter that appears twice',
    400,
    'InvalidArgument',
    { ...put, target: '/bucket/key?uploadId=a&uploadId=b' },
  ],
  [
    'XML with a document type',
    400,
    'MalformedXML',
    deletion('<!DOCTYPE a [<!ENTITY b "c">]><Delete><Object><Key>&b;</Key></Object></Delete>'),
  ],
  ['XML with an entity of its own', 400, 'MalformedXML', deletion('<Delete><Object><Key>&b;</Key></Object></Delete>')],
  ['XML that is nested without end', 400, 'MalformedXML', deletion('<a>'.repeat(5000))],
  ['XML of attributes alone', 400, 'MalformedXML', deletion(`<Delete ${attributes(5000)}/>`)],
  [
    'a condition that is not understood',
    400,
    'MalformedXML',
    deletion('<Delete><Object><Key>key</Key><Unless>x</Unless></Object></Delete>'),
  ],
  [
    'DeleteObjects that only its payload hash protects',
    400,
    'InvalidRequest',
    { method: 'POST', target: '/bucket?delete', body: '<Delete><Object><Key>key</Key></Object></Delete>' },
  ],
  ['XML that is none', 400, 'MalformedXML', deletion('{"Delete":[]}')],
  [
    'DeleteObjects with a matching MD5 and a wrong sha256',
    400,
    'XAmzContentSHA256Mismatch',
    {
      method: 'POST',
      target: '/bucket?delete',
      headers: [['Content-MD5', createHash('md5').update('<Delete/>').digest('base64')]],
      payloadHash: sha256('<Delete></Delete>'),
      body: '<Delete/>',
    },
  ],
  [
    'a document above its limit',
    400,
    'EntityTooLarge',
    { method: 'POST', target: '/bucket?delete', body: 'x'.repeat(4 * 1024 * 1024 + 1) },
  ],
  [
    'a response header made of a query parameter with a line break',
    400,
    'InvalidArgument',
    { method: 'GET', target: '/bucket/key?response-content-type=a%0d%0aSet-Cookie:b' },
  ],
  [
    'a presigned header with a line break',
    400,
    'InvalidArgument',
    { method: 'POST', target: '/bucket/key?uploads&x-amz-meta-a=b%0d%0ac', presignSeconds: 60 },
  ],
  [
    'a browser form, whose conditions nobody checks',
    501,
    'NotImplemented',
    { method: 'POST', target: '/bucket', body: 'a=b' },
  ],
  ['a method that nobody offers', 405, 'MethodNotAllowed', { method: 'PATCH', target: '/bucket/key' }],
];

for (const [claim, status, code, plan] of REFUSED) {
  test(`refused: ${claim}`, async () => {
    const answer = await send(store, plan);
    assert.deepEqual([answer.status, answer.code], [status, code], answer.text);
    assert.match(String(answer.headers['x-amz-request-id']), /^[0-9A-F]{16}$/);
  });
}

test('refused: the signature of another path, also where the two would normalise to the same', async () => {
  const { headers } = sign(store, put);
  for (const target of [
    '/bucket/other',
    '/bucket//key',
    '/bucket/./key',
    '/bucket/x/../key',
    '/bucket/key?versionId=null',
  ]) {
    const answer = await exchange(store, 'PUT', target, headers, 'payload');
    assert.deepEqual([answer.status, answer.code], [403, 'SignatureDoesNotMatch'], target);
  }
});

test('a SignatureDoesNotMatch shows what the server computed, and neither the signature it expected nor a secret', async () => {
  const right = sign(store, { ...put, at: new Date() });
  const expected = /Signature=([0-9a-f]{64})/.exec(
    right.headers.find(([name]) => name === 'authorization')?.[1] ?? '',
  )?.[1];
  const wrong = right.headers.map(([name, value]): readonly [string, string] => [
    name,
    name === 'authorization' ? value.replace(/Signature=.*/, `Signature=${'0'.repeat(64)}`) : value,
  ]);
  const { text, code } = await exchange(store, 'PUT', right.target, wrong, 'payload');
  assert.equal(code, 'SignatureDoesNotMatch');
  assert.match(text, /<AWSAccessKeyId>AKIDSTORETEST<.*<StringToSign>AWS4-HMAC-SHA256\n/s);
  assert.match(
    text,
    /<SignatureProvided>0{64}<.*<StringToSignBytes>41 57 53 34 .*<CanonicalRequest>PUT\n\/bucket\/key\n/s,
  );
  assert.ok(expected !== undefined && !text.includes(expected));
  assert.ok(!text.includes(store.credentials.secretAccessKey));
});

/** Writes bytes as they are; resolves with everything that came back when the server closed. */
function raw(bytes: string | Buffer, after?: (socket: net.Socket) => void, to = store): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect(to.port, '127.0.0.1', () => {
      socket.write(bytes);
      after?.(socket);
    });
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('close', () => resolve(text));
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? resolve(text) : reject(error)));
  });
}

function head(plan: RequestPlan, more: Headers = [], to = store): string {
  const { target, headers } = sign(to, plan);
  return `${plan.method} ${target} HTTP/1.1\r\n${[...headers, ...more].map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`;
}

test('a body that breaks off is never stored', async () => {
  const before = store.adminCounts().records.length;
  await raw(head(put) + 'pay', (socket) => socket.end());
  await raw(head({ ...put, body: big }) + big.slice(0, 300_000), (socket) => socket.end());
  const records = store.adminCounts().records.slice(before);
  assert.equal(records.length, 2);
  assert.ok(
    records.every(({ status }) => status === 400 || status === 499),
    JSON.stringify(records),
  );
});

test('a body that stalls is cut at the request limit, and answered; so is a request line', async () => {
  const impatient = await startStore({ buckets: ['bucket'], requestLimitMs: 1_500 });
  try {
    const body = await raw(head({ ...put, body: big }, [], impatient) + big.slice(0, 300_000), undefined, impatient);
    assert.match(body, /^HTTP\/1\.1 400 .*<Code>RequestTimeout</s);
    const line = await raw('PUT /bucket/key HTTP/1.1\r\nHost: a\r\nx-a', undefined, impatient);
    assert.match(line, /^HTTP\/1\.1 400 .*<Code>RequestTimeout</s);
    assert.deepEqual((await impatient.store.list({ bucket: 'bucket' })).objects, []);
    assert.deepEqual(impatient.logged, []);
    assert.deepEqual(await emptied(join(impatient.root, 'tmp')), []);
  } finally {
    await impatient.close();
  }
});

test('100-continue is sent after the signature held, and not before', async () => {
  const plan: RequestPlan = { ...put, body: 'payload' };
  const wrongly: RequestPlan = { ...plan, credentials: { accessKeyId: 'AKIDSTORETEST', secretAccessKey: 'guess' } };
  const refused = await raw(head(wrongly, [['Expect', '100-continue']]));
  assert.match(refused, /^HTTP\/1\.1 403 /);
  const unsigned = await raw(head({ ...plan, payloadHash: 'UNSIGNED-PAYLOAD' }, [['Expect', '100-continue']]));
  assert.match(unsigned, /^HTTP\/1\.1 403 /);
  const taken = await raw(
    head(plan, [
      ['Expect', '100-continue'],
      ['Connection', 'close'],
    ]),
    (socket) => {
      socket.once('data', (chunk) => {
        assert.match(chunk.toString(), /^HTTP\/1\.1 100 Continue\r\n/);
        socket.write('payload');
      });
    },
  );
  assert.match(taken, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
  await store.store.delete({ bucket: 'bucket', key: 'key' });
});

test('what two readers could take apart differently is refused', async () => {
  const get = head({ method: 'GET', target: '/bucket/key' });
  const chunked: Headers = [['Transfer-Encoding', 'chunked']];
  const both = await raw(`${head(put, chunked)}7\r\npayload\r\n0\r\n\r\n`);
  assert.match(both, /^HTTP\/1\.1 400 /);
  const twoLengths = await raw(`${head(put, [['Content-Length', '3']])}payload`);
  assert.match(twoLengths, /^HTTP\/1\.1 400 /);
  const folded = await raw(get.replace('\r\n\r\n', '\r\nx-amz-meta-a: b\r\n c\r\n\r\n'));
  assert.match(folded, /^HTTP\/1\.1 (400|403) /);
  assert.match(await raw('GET /bucket/key HTTP/1.1\nHost: a\n\n'), /^HTTP\/1\.1 400 /);
  assert.match(await raw('GET /bucket/key HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 /);
  assert.match(await raw('nonsense\r\n\r\n'), /^HTTP\/1\.1 400 /);
  const signed = sign(store, { method: put.method, target: put.target, payloadHash: sha256('payload') });
  const headers = signed.headers.filter(([name]) => name !== 'Content-Length');
  const chunkedOnly = await exchange(store, 'PUT', '/bucket/key', [...headers, ...chunked], 'payload');
  assert.deepEqual([chunkedOnly.status, chunkedOnly.code], [411, 'MissingContentLength']);
});

test('headers above 16 KiB are answered with 431', async () => {
  const text = await raw(`GET /bucket HTTP/1.1\r\nHost: a\r\nx-large: ${'x'.repeat(17 * 1024)}\r\n\r\n`);
  assert.match(text, /^HTTP\/1\.1 431 .*<Code>RequestHeaderSectionTooLarge</s);
});

test('a refused body is drained: a client that writes all of it before it reads still gets the answer, counted once', async () => {
  const wrongly: RequestPlan = { ...put, credentials: { accessKeyId: 'AKIDSTORETEST', secretAccessKey: 'no' } };
  const before = store.adminCounts().records.length;
  const huge = Buffer.alloc(8 * 1024 * 1024, 'x');
  const text = await raw(head({ ...wrongly, body: huge }), (socket) => {
    socket.pause();
    socket.write(huge, () => socket.resume());
  });
  assert.match(text, /^HTTP\/1\.1 403 .*Connection: close.*<Code>SignatureDoesNotMatch</s);
  assert.equal(store.adminCounts().records.length, before + 1);
});

test('a short refused body is drained, and its connection kept', async () => {
  const wrongly: RequestPlan = { ...put, credentials: { accessKeyId: 'AKIDSTORETEST', secretAccessKey: 'no' } };
  const twice = await raw(`${head(wrongly)}payload${head(wrongly, [['Connection', 'close']])}payload`);
  assert.equal(twice.match(/HTTP\/1\.1 403 /g)?.length, 2);
});
