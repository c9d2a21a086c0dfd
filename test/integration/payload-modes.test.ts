/**
 * The five payload modes on every operation: what verifies is taken, what does not is refused before anything is visible, and the
 * connection serves the next request as if nothing had been.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import { after, afterEach, before, test } from 'node:test';
import { OPERATIONS, type Operation } from '../../core/traffic.ts';
import { computeChecksum } from '../../stores/rules/checksum-hash.ts';
import {
  SIGNED,
  SIGNED_TRAILER,
  UNSIGNED_TRAILER,
  frameChunks,
  sendChunked,
  signChunked,
  type ChunkedMode,
  type ChunkedPlan,
} from '../support/chunked-body.ts';
import { exchange, send, sign, type RequestPlan } from '../support/signed-request.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

let strict: StartedStore;
let lax: StartedStore;
before(async () => {
  strict = await startStore({ buckets: ['bucket'] });
  lax = await startStore({ buckets: ['bucket'], allowUnsignedPayload: true });
});
after(async () => {
  await strict.close();
  await lax.close();
});
afterEach(async () => {
  for (const store of [strict, lax]) {
    for (const { key } of (await store.store.list({ bucket: 'bucket' })).objects) {
      await store.store.delete({ bucket: 'bucket', key });
    }
    assert.deepEqual(store.logged, [], 'nothing was a defect of ours');
  }
});

const base64 = async (algorithm: 'CRC32' | 'CRC64NVME' | 'SHA256', bytes: Uint8Array): Promise<string> =>
  Buffer.from(await computeChecksum(algorithm, bytes)).toString('base64');
const body = Buffer.concat([Buffer.alloc(70_000, 'a'), Buffer.from('end')]);
const chunks = [body.subarray(0, 65_536), body.subarray(65_536)];

async function isStored(store: StartedStore, key = 'key'): Promise<boolean> {
  const found = await store.store.get({ bucket: 'bucket', key }).catch(() => null);
  if (found === null) return false;
  const pieces: Uint8Array[] = [];
  for await (const piece of found.body) pieces.push(piece);
  assert.ok(Buffer.concat(pieces).equals(body), 'what is stored is what was sent');
  return true;
}

for (const transferChunked of [false, true]) {
  const how = transferChunked ? 'in Transfer-Encoding: chunked without Content-Length' : 'with Content-Length';
  test(`each chunked mode is taken, ${how}, for objects and for parts`, async () => {
    const trailer = ['x-amz-checksum-crc32', await base64('CRC32', body)] as const;
    const plans: ChunkedPlan[] = [
      { mode: SIGNED, chunks, transferChunked },
      { mode: SIGNED_TRAILER, chunks, trailer, transferChunked },
      { mode: UNSIGNED_TRAILER, chunks, trailer, transferChunked },
      { mode: UNSIGNED_TRAILER, chunks, transferChunked },
      { mode: SIGNED, chunks: [], transferChunked },
    ];
    for (const plan of plans) {
      const answer = await sendChunked(lax, plan);
      assert.equal(answer.status, 200, answer.text);
      const info = await lax.store.head({ bucket: 'bucket', key: 'key' });
      assert.equal(info.contentEncoding, undefined, 'aws-chunked is how it travelled');
      if (plan.chunks.length > 0) assert.ok(await isStored(lax));
      const { uploadId } = await lax.store.createUpload({ bucket: 'bucket', key: 'part', headers: { metadata: {} } });
      const target = `/bucket/part?partNumber=1&uploadId=${uploadId}`;
      const part = await sendChunked(lax, { ...plan, target });
      assert.equal(part.status, 200, part.text);
      await lax.store.abortUpload({ bucket: 'bucket', key: 'part', uploadId });
    }
  });
}

test('an unsigned mode on a write is refused unless the key may, and the answer says why', async () => {
  const trailer = ['x-amz-checksum-crc32', await base64('CRC32', body)] as const;
  const answer = await sendChunked(strict, { mode: UNSIGNED_TRAILER, chunks, trailer });
  assert.deepEqual([answer.status, answer.code], [403, 'AccessDenied']);
  assert.match(answer.text, /STREAMING-UNSIGNED-PAYLOAD-TRAILER is not allowed for this access key/);
  assert.equal(await isStored(strict), false);
});

/** Stays a hexadecimal digit, which a flipped bit need not do. */
const otherDigit =
  (at: number) =>
  (bytes: Buffer): Buffer => {
    const changed = Buffer.from(bytes);
    changed.write(changed.toString('latin1', at, at + 1) === '0' ? '1' : '0', at);
    return changed;
  };
const flip =
  (at: number) =>
  (bytes: Buffer): Buffer => {
    const changed = Buffer.from(bytes);
    const index = at < 0 ? changed.length + at : at;
    changed[index] = (changed[index] ?? 0) ^ 1;
    return changed;
  };
const cutAfter =
  (text: string, from = 0) =>
  (bytes: Buffer): Buffer =>
    bytes.subarray(0, bytes.indexOf(text, from));

const BAD: readonly (readonly [claim: string, status: number, code: string, plan: Partial<ChunkedPlan>])[] = [
  ['a byte of a chunk changed', 403, 'SignatureDoesNotMatch', { tamper: flip(1000) }],
  ['a byte of the second chunk changed', 403, 'SignatureDoesNotMatch', { tamper: flip(66_000) }],
  ['a digit of a chunk signature changed', 403, 'SignatureDoesNotMatch', { tamper: otherDigit(30) }],
  [
    'the chunks in another order',
    403,
    'SignatureDoesNotMatch',
    {
      chunks: [Buffer.alloc(9000, 'a'), Buffer.alloc(9000, 'b')],
      tamper: (bytes) => {
        const half = bytes.indexOf('\r\n2328;') + 2;
        const end = bytes.indexOf('\r\n0;') + 2;
        return Buffer.concat([bytes.subarray(half, end), bytes.subarray(0, half), bytes.subarray(end)]);
      },
    },
  ],
  ['the last chunk missing', 400, 'IncompleteBody', { tamper: cutAfter('0;chunk-signature', 66_000) }],
  ['the last line missing', 400, 'IncompleteBody', { tamper: (bytes) => bytes.subarray(0, -2) }],
  [
    'bytes after the last chunk',
    400,
    'IncompleteBody',
    { tamper: (bytes) => Buffer.concat([bytes, Buffer.from('more')]) },
  ],
  ['a raw body under the streaming word', 400, 'IncompleteBody', { tamper: () => body }],
  ['no decoded length', 411, 'MissingContentLength', { decodedLength: null }],
  ['a decoded length that is none', 411, 'MissingContentLength', { decodedLength: '12x' }],
  ['a decoded length below the bytes', 400, 'IncompleteBody', { decodedLength: '70002' }],
  ['a decoded length above the bytes', 400, 'IncompleteBody', { decodedLength: '70004' }],
  ['a decoded length above 5 GiB', 400, 'EntityTooLarge', { decodedLength: String(5 * 2 ** 30 + 1) }],
  ['another secret', 403, 'SignatureDoesNotMatch', { secretAccessKey: 'guess' }],
  ['a Content-MD5 that does not hold', 400, 'BadDigest', { headers: [['Content-MD5', 'AAAAAAAAAAAAAAAAAAAAAA==']] }],
];
for (const [claim, status, code, bent] of BAD) {
  test(`signed chunks are refused: ${claim}`, async () => {
    const answer = await sendChunked(strict, { mode: SIGNED, chunks, ...bent });
    assert.deepEqual([answer.status, answer.code], [status, code], answer.text);
    assert.equal(await isStored(strict), false);
  });
}

test('trailers are refused that are missing, wrong, unsigned, of another kind or besides a header', async () => {
  const value = await base64('CRC32', body);
  const trailer = ['x-amz-checksum-crc32', value] as const;
  const header = ['x-amz-checksum-crc64nvme', await base64('CRC64NVME', body)] as const;
  const wrong = ['x-amz-checksum-crc32', await base64('CRC32', Buffer.from('other'))] as const;
  const cases: readonly (readonly [string, number, string, Partial<ChunkedPlan>])[] = [
    ['missing', 400, 'MalformedTrailerError', { announced: 'x-amz-checksum-crc32', trailer: null }],
    ['not announced', 400, 'MalformedTrailerError', { announced: null, trailer }],
    ['another one', 400, 'MalformedTrailerError', { announced: 'x-amz-checksum-sha1', trailer }],
    ['unknown', 400, 'InvalidRequest', { announced: 'x-amz-meta-a', trailer: ['x-amz-meta-a', 'b'] }],
    ['two announced', 400, 'InvalidRequest', { announced: 'x-amz-checksum-crc32,x-amz-checksum-sha1', trailer }],
    ['no digest', 400, 'InvalidRequest', { trailer: ['x-amz-checksum-crc32', 'invalid'] }],
    ['of other bytes', 400, 'BadDigest', { trailer: wrong }],
    ['besides a header', 400, 'InvalidRequest', { trailer, headers: [header] }],
    [
      'that the SDK header does not name',
      400,
      'InvalidRequest',
      { trailer, headers: [['x-amz-sdk-checksum-algorithm', 'SHA1']] },
    ],
  ];
  for (const [claim, status, code, bent] of cases) {
    for (const mode of [SIGNED_TRAILER, UNSIGNED_TRAILER] as const) {
      const answer = await sendChunked(lax, { mode, chunks, ...bent });
      assert.deepEqual([answer.status, answer.code], [status, code], `${mode} ${claim}: ${answer.text}`);
      assert.equal(await isStored(lax), false, claim);
    }
  }
  const unsigned = (bytes: Buffer): Buffer =>
    Buffer.concat([bytes.subarray(0, bytes.indexOf('x-amz-trailer-signature')), Buffer.from('\r\n')]);
  const forged = (bytes: Buffer): Buffer => {
    const at = bytes.indexOf('x-amz-trailer-signature:') + 30;
    // Another digit: what is none would be malformed rather than forged.
    const other = Buffer.from(bytes[at] === '0'.charCodeAt(0) ? '1' : '0');
    return Buffer.concat([bytes.subarray(0, at), other, bytes.subarray(at + 1)]);
  };
  const missing = await sendChunked(lax, { mode: SIGNED_TRAILER, chunks, trailer, tamper: unsigned });
  assert.deepEqual([missing.status, missing.code], [400, 'IncompleteBody'], missing.text);
  const wrongly = await sendChunked(lax, { mode: SIGNED_TRAILER, chunks, trailer, tamper: forged });
  assert.deepEqual([wrongly.status, wrongly.code], [403, 'SignatureDoesNotMatch'], wrongly.text);
  const other = await sendChunked(lax, { mode: SIGNED_TRAILER, chunks, trailer: wrong });
  assert.equal(other.code, 'BadDigest');
  assert.equal(await isStored(lax), false);
});

test('what takes no chunks says so, offered or not', async () => {
  for (const target of ['/bucket?cors', '/bucket/key?acl', '/bucket/key?tagging', '/made']) {
    for (const mode of [SIGNED, UNSIGNED_TRAILER] as const) {
      const { status, code, text } = await sendChunked(lax, { mode, chunks, target });
      assert.deepEqual([status, code], [400, 'InvalidRequest'], `${target} ${mode}: ${text}`);
    }
  }
});

test('a checksum in a header is held: right, wrong, malformed, unknown, two of them', async () => {
  const put = (headers: RequestPlan['headers']): RequestPlan => ({
    method: 'PUT',
    target: '/bucket/key',
    body,
    ...(headers && { headers }),
  });
  const crc32 = await base64('CRC32', body);
  const cases: readonly (readonly [number, string, RequestPlan['headers']])[] = [
    [200, '', [['x-amz-checksum-crc32', crc32]]],
    [
      200,
      '',
      [
        ['x-amz-checksum-sha256', await base64('SHA256', body)],
        ['x-amz-sdk-checksum-algorithm', 'SHA256'],
      ],
    ],
    [400, 'BadDigest', [['x-amz-checksum-crc32', 'AAAAAA==']]],
    [400, 'InvalidRequest', [['x-amz-checksum-crc32', 'AAAA']]],
    [400, 'InvalidRequest', [['x-amz-checksum-crc99', 'AAAA']]],
    [
      400,
      'InvalidRequest',
      [
        ['x-amz-checksum-crc32', crc32],
        ['x-amz-checksum-sha256', await base64('SHA256', body)],
      ],
    ],
    [400, 'InvalidRequest', [['x-amz-sdk-checksum-algorithm', 'CRC32']]],
    [
      400,
      'InvalidRequest',
      [
        ['x-amz-checksum-crc32', crc32],
        ['x-amz-sdk-checksum-algorithm', 'SHA1'],
      ],
    ],
  ];
  for (const [status, code, headers] of cases) {
    const answer = await send(strict, put(headers));
    assert.deepEqual([answer.status, answer.code], [status, code], `${JSON.stringify(headers)} ${answer.text}`);
    assert.equal(await isStored(strict), status === 200);
    await strict.store.delete({ bucket: 'bucket', key: 'key' });
  }
  const read = await send(strict, {
    method: 'GET',
    target: '/bucket?list-type=2',
    headers: [['x-amz-checksum-crc32', 'x']],
  });
  assert.equal(read.status, 200, 'on a read it means nothing');
});

/** What each operation is asked with, so that only the mode decides. */
const REQUESTS: Partial<Record<Operation, readonly [method: string, target: string, body?: string]>> = {
  ListBuckets: ['GET', '/'],
  HeadBucket: ['HEAD', '/bucket'],
  CreateBucket: ['PUT', '/new-bucket'],
  DeleteBucket: ['DELETE', '/absent-bucket'],
  GetBucketLocation: ['GET', '/bucket?location'],
  ListObjects: ['GET', '/bucket'],
  ListObjectsV2: ['GET', '/bucket?list-type=2'],
  ListMultipartUploads: ['GET', '/bucket?uploads'],
  ListObjectVersions: ['GET', '/bucket?versions'],
  GetBucketVersioning: ['GET', '/bucket?versioning'],
  DeleteObjects: ['POST', '/bucket?delete', '<Delete><Object><Key>k</Key></Object></Delete>'],
  HeadObject: ['HEAD', '/bucket/key'],
  GetObject: ['GET', '/bucket/key'],
  GetObjectAttributes: ['GET', '/bucket/key?attributes'],
  PutObject: ['PUT', '/bucket/key', 'payload'],
  DeleteObject: ['DELETE', '/bucket/key'],
  CopyObject: ['PUT', '/bucket/key'],
  CreateMultipartUpload: ['POST', '/bucket/key?uploads'],
  UploadPart: ['PUT', '/bucket/key?partNumber=1&uploadId=none', 'payload'],
  UploadPartCopy: ['PUT', '/bucket/key?partNumber=1&uploadId=none'],
  CompleteMultipartUpload: ['POST', '/bucket/key?uploadId=none', '<CompleteMultipartUpload/>'],
  AbortMultipartUpload: ['DELETE', '/bucket/key?uploadId=none'],
  ListParts: ['GET', '/bucket/key?uploadId=none'],
  GetObjectTagging: ['GET', '/bucket/key?tagging'],
  PutObjectTagging: ['PUT', '/bucket/key?tagging', '<Tagging><TagSet/></Tagging>'],
  DeleteObjectTagging: ['DELETE', '/bucket/key?tagging'],
};
const OBJECT_BODIES: readonly Operation[] = ['PutObject', 'UploadPart'];
const DOCUMENTS: readonly Operation[] = [
  'CompleteMultipartUpload',
  'DeleteObjects',
  'PutObjectTagging',
  'CreateBucket',
];

for (const operation of OPERATIONS) {
  const request = REQUESTS[operation];
  test(`every mode on ${operation}`, async () => {
    assert.ok(request !== undefined, 'the matrix has a row for each operation');
    const [method, target, text = ''] = request;
    const isCopy = operation === 'CopyObject' || operation === 'UploadPartCopy';
    const md5 = createHash('md5').update(text).digest('base64');
    const headers: [string, string][] = [
      ...(isCopy ? [['x-amz-copy-source', 'bucket/absent'] as [string, string]] : []),
      ...(operation === 'GetObjectAttributes' ? [['x-amz-object-attributes', 'ETag'] as [string, string]] : []),
      ...(operation === 'DeleteObjects' ? [['Content-MD5', md5] as [string, string]] : []),
    ];
    const plan: RequestPlan = { method, target, headers, ...(text !== '' && { body: text }) };
    const takesBody = [...OBJECT_BODIES, ...DOCUMENTS].includes(operation);

    // A hash of other bytes, and a signature of another secret, never pass: whatever is asked.
    const other = await send(strict, { ...plan, payloadHash: createHash('sha256').update('other').digest('hex') });
    assert.equal(other.status, 400, `${operation} with another hash: ${other.text}`);
    if (method !== 'HEAD') assert.equal(other.code, 'XAmzContentSHA256Mismatch');
    const forged = await send(strict, {
      ...plan,
      credentials: { ...strict.credentials, secretAccessKey: 'guess' },
    });
    assert.equal(forged.status, 403);
    const nobody = await send(strict, { ...plan, tamper: (all) => all.filter(([name]) => name !== 'authorization') });
    assert.equal(nobody.status, 403);
    const without = await send(strict, {
      ...plan,
      tamper: (all) => all.filter(([name]) => name !== 'x-amz-content-sha256'),
    });
    assert.equal(without.status, 400);

    const unsigned = await send(strict, { ...plan, payloadHash: 'UNSIGNED-PAYLOAD' });
    if (takesBody) assert.equal(unsigned.status, 403, `${operation} unsigned: ${unsigned.text}`);
    else assert.notEqual(unsigned.code, 'AccessDenied', `${operation} unsigned: ${unsigned.text}`);
    const allowed = await send(lax, { ...plan, payloadHash: 'UNSIGNED-PAYLOAD' });
    assert.ok(
      ![400, 403, 501].includes(allowed.status) || allowed.code === 'MalformedXML',
      `${operation}: ${allowed.text}`,
    );
    const presigned = await send(strict, { ...plan, presignSeconds: 60 });
    if (takesBody) assert.equal(presigned.status, 403, `${operation} presigned: ${presigned.text}`);

    for (const mode of [SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER] as ChunkedMode[]) {
      const trailer =
        mode === SIGNED ? null : (['x-amz-checksum-crc32', await base64('CRC32', Buffer.from(text))] as const);
      const streaming: ChunkedPlan = { method, target, mode, chunks: [Buffer.from(text || 'x')], trailer, headers };
      const answer = await sendChunked(strict, streaming);
      if (OBJECT_BODIES.includes(operation) && mode !== UNSIGNED_TRAILER) {
        assert.ok(answer.status === 200 || answer.code === 'NoSuchUpload', `${operation} ${mode}: ${answer.text}`);
      } else {
        const expected = OBJECT_BODIES.includes(operation) ? 'AccessDenied' : 'InvalidRequest';
        assert.equal(answer.status, expected === 'AccessDenied' ? 403 : 400, `${operation} ${mode}: ${answer.text}`);
        if (method !== 'HEAD') assert.equal(answer.code, expected, `${operation} ${mode}`);
      }
    }
  });
}

test('a refused body does not poison its connection: the next request on it is served', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const sockets = new Set<unknown>();
  const ask = (method: string, target: string, headers: readonly (readonly [string, string])[], bytes?: Uint8Array) =>
    new Promise<number>((resolve, reject) => {
      const request = http.request({
        agent,
        host: '127.0.0.1',
        port: lax.port,
        method,
        path: target,
        headers: headers.flat(),
      });
      request.on('socket', (socket) => sockets.add(socket));
      request.on('error', reject);
      request.on('response', (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      });
      request.end(bytes);
    });
  const bent: ChunkedPlan[] = [
    { mode: SIGNED, chunks, tamper: flip(500) },
    { mode: UNSIGNED_TRAILER, chunks: [Buffer.from('x')], trailer: ['x-amz-checksum-crc32', 'AAAAAA=='] },
    { mode: SIGNED, chunks, transferChunked: true, tamper: flip(500) },
    {
      mode: UNSIGNED_TRAILER,
      chunks: [Buffer.from('x')],
      tamper: (bytes) => Buffer.concat([bytes, Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')]),
    },
  ];
  for (const plan of bent) {
    const { headers, body: bytes } = signChunked(lax, plan);
    assert.ok([400, 403].includes(await ask('PUT', '/bucket/key', headers, bytes)));
    const next = sign(lax, { method: 'GET', target: '/bucket?list-type=2' });
    assert.equal(await ask('GET', next.target, next.headers), 200);
  }
  agent.destroy();
  assert.equal(await isStored(lax), false);
});

test('100-continue comes after the head held, also for a chunked body', async () => {
  const { headers, body: bytes } = signChunked(strict, { mode: SIGNED, chunks, headers: [] });
  const events: string[] = [];
  const status = await new Promise<number>((resolve, reject) => {
    const request = http.request({
      host: '127.0.0.1',
      port: strict.port,
      method: 'PUT',
      path: '/bucket/key',
      headers: [...headers, ['Expect', '100-continue']].flat(),
    });
    request.flushHeaders();
    request.on('continue', () => {
      events.push('continue');
      request.end(bytes);
    });
    request.on('error', reject);
    request.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
  });
  assert.deepEqual([status, events], [200, ['continue']]);
});

test('a presigned URL with the checksum of an empty body, as one SDK makes it, takes a body', async () => {
  const target = '/bucket/key?x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32';
  const answer = await send(lax, { method: 'PUT', target, body, presignSeconds: 60 });
  assert.equal(answer.status, 200, answer.text);
  assert.ok(await isStored(lax));
  const value = encodeURIComponent(await base64('CRC32', Buffer.from('other')));
  const wrong = await send(lax, {
    method: 'PUT',
    target: `/bucket/key?x-amz-checksum-crc32=${value}`,
    body,
    presignSeconds: 60,
  });
  assert.deepEqual([wrong.status, wrong.code], [400, 'BadDigest'], 'a checksum that says something is held');
  const right = encodeURIComponent(await base64('CRC32', body));
  const other = `/bucket/key?x-amz-checksum-crc32=${right}&x-amz-sdk-checksum-algorithm=SHA1`;
  const mixed = await send(lax, { method: 'PUT', target: other, body, presignSeconds: 60 });
  assert.deepEqual([mixed.status, mixed.code], [400, 'InvalidRequest'], 'and is of the algorithm that is named');
});

test('the framing that this file writes is what the store reads, of any shape', async () => {
  const seedless = frameChunks([Buffer.from('hello')], null, null).toString();
  assert.equal(seedless, '5\r\nhello\r\n0\r\n\r\n');
  const answer = await exchange(strict, 'PUT', '/bucket/key', [['Host', 'a']], 'x');
  assert.equal(answer.code, 'AccessDenied');
});
