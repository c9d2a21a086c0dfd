/** Bodies in each payload mode, with what they promise and do not hold: nothing is stored before everything held. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { refused, runAttacks, served, type Attack } from '../support/attack.ts';
import {
  SIGNED,
  SIGNED_TRAILER,
  UNSIGNED_TRAILER,
  signChunked,
  type ChunkedMode,
  type ChunkedPlan,
} from '../support/chunked-body.ts';
import { forge, sha256, type Forgery, type Header } from '../support/forge-request.ts';
import { TEST_CREDENTIALS } from '../support/start-store.ts';

const BODY = Buffer.from('payload');
const put: Forgery = { method: 'PUT', body: BODY };
const md5 = (text: string): string => createHash('md5').update(text).digest('base64');
const crc = (text: string | Uint8Array): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return bytes.toString('base64');
};
const sum = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest('base64');

const bad = (claim: string, status: number, code: string, f: Forgery): Attack =>
  refused(claim, status, code, (port) => forge(port, { ...put, ...f }));
const good = (claim: string, f: Forgery): Attack => served(claim, 200, (port) => forge(port, { ...put, ...f }));
/** HTTP's own chunks around a body. */
const inPieces = (body: Uint8Array, pieceBytes: number): Buffer => {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < body.length; at += pieceBytes) {
    const piece = body.subarray(at, at + pieceBytes);
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')]);
};
const wire =
  (plan: ChunkedPlan, pieceBytes = 2 ** 20) =>
  (port: number): Buffer => {
    const { headers, body } = signChunked({ port, credentials: TEST_CREDENTIALS, region: 'us-east-1' }, plan);
    const target = plan.target ?? '/bucket/key';
    const head = `${plan.method ?? 'PUT'} ${target} HTTP/1.1\r\n${headers.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`;
    const framed = plan.transferChunked ? inPieces(body, pieceBytes) : body;
    return Buffer.concat([Buffer.from(head, 'latin1'), framed]);
  };
const chunks = [Buffer.alloc(65536, 'a'), Buffer.from('end')];
const trailer = ['x-amz-checksum-crc32', crc(Buffer.concat(chunks))] as const;
const MODES = [
  { mode: SIGNED, chunks },
  { mode: SIGNED_TRAILER, chunks, trailer },
  { mode: UNSIGNED_TRAILER, chunks, trailer },
] as const;
const short = { chunks: [Buffer.from('short')], trailer: ['x-amz-checksum-crc32', crc('short')] as const };
const SHORT: Readonly<Record<string, Partial<ChunkedPlan>>> = {
  [SIGNED]: { chunks: short.chunks },
  [SIGNED_TRAILER]: short,
  [UNSIGNED_TRAILER]: short,
};
const inEach = (claim: string, status: number, code: string, bent: Partial<ChunkedPlan>): Attack[] =>
  MODES.map((plan) => refused(`${claim} in ${plan.mode}`, status, code, wire({ ...plan, ...bent })));
const edit = (change: (text: string) => string) => (body: Buffer) =>
  Buffer.from(change(body.toString('latin1')), 'latin1');
const header = (claim: string, status: number, code: string, ...headers: Header[]): Attack =>
  bad(claim, status, code, { headers });

runAttacks([
  good('an unsigned payload, which is allowed here', { payloadHash: 'UNSIGNED-PAYLOAD' }),
  good('an empty body', { body: '' }),
  good('a Content-MD5', { headers: [['Content-MD5', md5('payload')]] }),
  good('a crc32', { headers: [['x-amz-checksum-crc32', crc(BODY)]] }),
  good('a sha1', { headers: [['x-amz-checksum-sha1', sum('sha1', 'payload')]] }),
  good('a sha256 that is named', {
    headers: [
      ['x-amz-checksum-sha256', sum('sha256', 'payload')],
      ['x-amz-sdk-checksum-algorithm', 'SHA256'],
    ],
  }),
  ...MODES.map((plan) => served(`chunks in ${plan.mode}`, 200, wire(plan))),
  ...MODES.map((plan) =>
    served(`chunks in HTTP chunks in ${plan.mode}`, 200, wire({ ...plan, transferChunked: true })),
  ),
  ...MODES.map((plan) =>
    served(
      `no bytes in ${plan.mode}`,
      200,
      wire({
        mode: plan.mode,
        chunks: [],
        trailer: plan.mode === SIGNED ? null : ['x-amz-checksum-crc32', 'AAAAAA=='],
      }),
    ),
  ),
  served('a trailer mode without a trailer', 200, wire({ mode: UNSIGNED_TRAILER, chunks })),
  served(
    'sizes in capitals',
    200,
    wire({ mode: UNSIGNED_TRAILER, chunks: [Buffer.alloc(10, 'a')], tamper: edit((t) => t.replace('a\r\n', 'A\r\n')) }),
  ),

  ...['UNSIGNED-PAYLOAD', sha256(BODY)].map((payloadHash) =>
    bad(
      `a trailer that is announced where none can come, under ${payloadHash.slice(0, 8)}`,
      400,
      'MalformedTrailerError',
      {
        payloadHash,
        headers: [['x-amz-trailer', 'x-amz-checksum-crc32']],
      },
    ),
  ),
  bad('another body of the same length', 400, 'XAmzContentSHA256Mismatch', { sendBody: 'PAYLOAD' }),
  bad('a shorter body', 400, 'XAmzContentSHA256Mismatch', { sendBody: 'pay' }),
  bad('a longer body', 400, 'XAmzContentSHA256Mismatch', { sendBody: 'payload and more' }),
  bad('a large body with one other byte', 400, 'XAmzContentSHA256Mismatch', {
    body: 'x'.repeat(700_000),
    sendBody: `${'x'.repeat(699_999)}y`,
  }),
  bad('a Content-MD5 of another body', 400, 'BadDigest', { headers: [['Content-MD5', md5('other')]] }),
  bad('a Content-MD5 of another unsigned body', 400, 'BadDigest', {
    headers: [['Content-MD5', md5('other')]],
    payloadHash: 'UNSIGNED-PAYLOAD',
  }),
  header('a Content-MD5 in hexadecimal', 400, 'InvalidDigest', [
    'Content-MD5',
    createHash('md5').update('payload').digest('hex'),
  ]),
  header('a Content-MD5 that is too short', 400, 'InvalidDigest', ['Content-MD5', 'YWJj']),
  header('an empty Content-MD5', 400, 'InvalidDigest', ['Content-MD5', '']),
  header('a Content-MD5 that is no base64', 400, 'InvalidDigest', ['Content-MD5', '!'.repeat(24)]),
  header('a crc32 of another body', 400, 'BadDigest', ['x-amz-checksum-crc32', crc('other')]),
  header('a crc32c of another body', 400, 'BadDigest', ['x-amz-checksum-crc32c', 'AAAAAA==']),
  header('a crc64nvme of another body', 400, 'BadDigest', ['x-amz-checksum-crc64nvme', 'AAAAAAAAAAA=']),
  header('a sha1 of another body', 400, 'BadDigest', ['x-amz-checksum-sha1', sum('sha1', 'other')]),
  header('a sha256 of another body', 400, 'BadDigest', ['x-amz-checksum-sha256', sum('sha256', 'other')]),
  header('a crc32 of the wrong length', 400, 'InvalidRequest', ['x-amz-checksum-crc32', 'AAAA']),
  header('a crc32 that is no base64', 400, 'InvalidRequest', ['x-amz-checksum-crc32', 'invalid']),
  header('an empty crc32', 400, 'InvalidRequest', ['x-amz-checksum-crc32', '']),
  header('a checksum that nobody knows', 400, 'InvalidRequest', ['x-amz-checksum-crc99', 'AAAAAA==']),
  header(
    'two checksums',
    400,
    'InvalidRequest',
    ['x-amz-checksum-crc32', crc(BODY)],
    ['x-amz-checksum-sha1', sum('sha1', 'payload')],
  ),
  header('an algorithm without its checksum', 400, 'InvalidRequest', ['x-amz-sdk-checksum-algorithm', 'CRC32']),
  header('an algorithm that nobody knows', 400, 'InvalidRequest', ['x-amz-sdk-checksum-algorithm', 'CRC99']),
  header(
    'an algorithm that is not the checksum',
    400,
    'InvalidRequest',
    ['x-amz-sdk-checksum-algorithm', 'SHA1'],
    ['x-amz-checksum-crc32', crc(BODY)],
  ),
  bad('a length above 5 GiB', 400, 'EntityTooLarge', {
    contentLength: String(5 * 2 ** 30 + 1),
    headers: [],
    sendBody: '',
  }),

  ...inEach('a raw body', 400, 'IncompleteBody', { tamper: () => Buffer.concat(chunks) }),
  ...inEach('no last chunk', 400, 'IncompleteBody', { tamper: edit((t) => t.slice(0, t.lastIndexOf('\r\n0'))) }),
  ...inEach('the last line missing', 400, 'IncompleteBody', { tamper: (body) => body.subarray(0, -2) }),
  ...inEach('bytes behind the end', 400, 'IncompleteBody', { tamper: edit((t) => `${t}more`) }),
  ...inEach('a request behind the end', 400, 'IncompleteBody', {
    tamper: edit((t) => `${t}DELETE /kept/seed HTTP/1.1\r\n\r\n`),
  }),
  ...inEach('a second body behind the end', 400, 'IncompleteBody', { tamper: (body) => Buffer.concat([body, body]) }),
  ...inEach('no bytes at all', 400, 'IncompleteBody', { tamper: () => Buffer.alloc(0) }),
  ...inEach('a size that is none', 400, 'IncompleteBody', { tamper: edit((t) => t.replace('10000', '1g000')) }),
  ...inEach('a size with 0x', 400, 'IncompleteBody', { tamper: edit((t) => t.replace('10000', '0x10000')) }),
  ...inEach('a negative size', 400, 'IncompleteBody', { tamper: edit((t) => t.replace('10000', '-10000')) }),
  ...inEach('a size with a blank', 400, 'IncompleteBody', { tamper: edit((t) => t.replace('10000', ' 10000')) }),
  ...inEach('a size beyond every number', 400, 'IncompleteBody', {
    tamper: edit((t) => t.replace('10000', 'f'.repeat(40))),
  }),
  ...inEach('a size that is larger than the bytes', 400, 'IncompleteBody', {
    tamper: edit((t) => t.replace('10000', '10001')),
  }),
  ...inEach('an extension that is none of ours', 400, 'IncompleteBody', {
    tamper: edit((t) => t.replace('10000', '10000;a=b')),
  }),
  ...inEach('an extension of 20 KiB', 400, 'IncompleteBody', {
    tamper: edit((t) => t.replace('10000', `10000;a=${'b'.repeat(20_480)}`)),
  }),
  ...inEach('bare LFs', 400, 'IncompleteBody', { tamper: edit((t) => t.replaceAll('\r\n', '\n')) }),
  ...inEach('no decoded length', 411, 'MissingContentLength', { decodedLength: null }),
  ...inEach('a decoded length that is none', 411, 'MissingContentLength', { decodedLength: 'abc' }),
  ...inEach('a negative decoded length', 411, 'MissingContentLength', { decodedLength: '-1' }),
  ...inEach('a decoded length below the bytes', 400, 'IncompleteBody', { decodedLength: '65538' }),
  ...inEach('a decoded length above the bytes', 400, 'IncompleteBody', { decodedLength: '65540' }),
  ...inEach('a decoded length above 5 GiB', 400, 'EntityTooLarge', { decodedLength: String(5 * 2 ** 30 + 1) }),
  ...inEach('a small chunk before the last', 400, 'InvalidChunkSizeError', {
    chunks: [Buffer.alloc(100, 'a'), Buffer.from('end')],
  }),
  ...MODES.flatMap((mode): Attack[] => {
    const plan: ChunkedPlan = { ...mode, transferChunked: true };
    return [
      refused(`a byte in each chunk of HTTP in ${mode.mode}`, 400, 'InvalidRequest', wire(plan, 1)),
      served(`64 bytes in each chunk of HTTP in ${mode.mode}`, 200, wire(plan, 64)),
      served(
        `a short body in chunks of HTTP of a byte in ${mode.mode}`,
        200,
        wire({ ...plan, ...SHORT[mode.mode] }, 1),
      ),
    ];
  }),
  ...inEach('a Content-MD5 of another body', 400, 'BadDigest', { headers: [['Content-MD5', md5('other')]] }),
  ...([SIGNED, SIGNED_TRAILER] as ChunkedMode[]).flatMap((mode): Attack[] => {
    const plan: ChunkedPlan = { mode, chunks, trailer: mode === SIGNED ? null : trailer };
    const one = (claim: string, status: number, code: string, change: (text: string) => string): Attack =>
      refused(`${claim} in ${mode}`, status, code, wire({ ...plan, tamper: edit(change) }));
    return [
      one('a byte of the first chunk', 403, 'SignatureDoesNotMatch', (t) => t.replace('aaaa', 'aaab')),
      one('a byte of the last chunk', 403, 'SignatureDoesNotMatch', (t) => t.replace('end', 'enD')),
      one('a chunk signature of zeros', 403, 'SignatureDoesNotMatch', (t) =>
        t.replace(/=[0-9a-f]{64}/, `=${'0'.repeat(64)}`),
      ),
      one('a last chunk signature of zeros', 403, 'SignatureDoesNotMatch', (t) =>
        t.replace(/\r\n0;chunk-signature=[0-9a-f]{64}/, `\r\n0;chunk-signature=${'0'.repeat(64)}`),
      ),
      one('a chunk signature that was cut', 400, 'IncompleteBody', (t) =>
        t.replace(/(=[0-9a-f]{32})[0-9a-f]{32}/, '$1'),
      ),
      one('a chunk without its signature', 400, 'IncompleteBody', (t) =>
        t.replace(/;chunk-signature=[0-9a-f]{64}/, ''),
      ),
      one('a chunk with two signatures', 400, 'IncompleteBody', (t) =>
        t.replace(/(;chunk-signature=[0-9a-f]{64})/, '$1$1'),
      ),
      one('another name for the signature', 400, 'IncompleteBody', (t) =>
        t.replace(';chunk-signature', ';Chunk-Signature'),
      ),
      one('the chunks of another order', 403, 'SignatureDoesNotMatch', (t) => {
        const cut = t.indexOf('\r\n3;') + 2;
        const last = t.indexOf('\r\n0;') + 2;
        return t.slice(0, cut) + t.slice(0, cut) + t.slice(last);
      }),
    ].map((attack) =>
      attack.claim.startsWith('the chunks of another order') ? { ...attack, status: 400, code: null } : attack,
    );
  }),
  ...([SIGNED_TRAILER, UNSIGNED_TRAILER] as ChunkedMode[]).flatMap((mode): Attack[] => {
    const one = (claim: string, status: number, code: string, bent: Partial<ChunkedPlan>): Attack =>
      refused(`${claim} in ${mode}`, status, code, wire({ mode, chunks, trailer, ...bent }));
    return [
      one('a trailer of another body', 400, 'BadDigest', { trailer: ['x-amz-checksum-crc32', crc('other')] }),
      one('a trailer that is no digest', 400, 'InvalidRequest', { trailer: ['x-amz-checksum-crc32', 'invalid'] }),
      one('an empty trailer', 400, 'InvalidRequest', { trailer: ['x-amz-checksum-crc32', ''] }),
      one('a trailer that was announced and did not come', 400, 'MalformedTrailerError', {
        trailer: null,
        announced: 'x-amz-checksum-crc32',
      }),
      one('a trailer that nobody announced', 400, 'MalformedTrailerError', { announced: null }),
      one('a trailer of another name', 400, 'MalformedTrailerError', { announced: 'x-amz-checksum-crc32c' }),
      one('a trailer that is no checksum', 400, 'InvalidRequest', { trailer: ['x-amz-meta-a', 'b'] }),
      one('a trailer and a header', 400, 'InvalidRequest', { headers: [['x-amz-checksum-sha1', sum('sha1', 'a')]] }),
      one('a trailer that is not the algorithm', 400, 'InvalidRequest', {
        headers: [['x-amz-sdk-checksum-algorithm', 'SHA256']],
      }),
      one('a trailer without a colon', 400, 'MalformedTrailerError', {
        tamper: edit((t) => t.replace('crc32:', 'crc32')),
      }),
    ];
  }),
  refused(
    'a trailer whose signature is of zeros',
    403,
    'SignatureDoesNotMatch',
    wire({
      mode: SIGNED_TRAILER,
      chunks,
      trailer,
      tamper: edit((t) => t.replace(/trailer-signature:[0-9a-f]{64}/, `trailer-signature:${'0'.repeat(64)}`)),
    }),
  ),
  refused(
    'a trailer without its signature',
    400,
    'IncompleteBody',
    wire({
      mode: SIGNED_TRAILER,
      chunks,
      trailer,
      tamper: edit((t) => t.replace(/x-amz-trailer-signature:.*\r\n/, '')),
    }),
  ),
  refused(
    'a trailer that was changed with its chunk',
    403,
    'SignatureDoesNotMatch',
    wire({
      mode: SIGNED_TRAILER,
      chunks,
      trailer,
      tamper: edit((t) => t.replace(/crc32:[^\r]*/, `crc32:${crc('other')}`)),
    }),
  ),
  refused('signed chunks under the unsigned word', 400, 'IncompleteBody', (port) => {
    const signed = wire({ mode: SIGNED, chunks: [BODY] })(port).toString('latin1');
    return forge(port, {
      method: 'PUT',
      payloadHash: UNSIGNED_TRAILER,
      headers: [['x-amz-decoded-content-length', '7']],
      sendBody: signed.slice(signed.indexOf('\r\n\r\n') + 4),
    });
  }),
  bad('unsigned chunks under the signed word', 400, 'IncompleteBody', {
    payloadHash: SIGNED,
    headers: [['x-amz-decoded-content-length', '7']],
    sendBody: '7\r\npayload\r\n0\r\n\r\n',
  }),
  served('Content-Encoding aws-chunked on a body that is not', 200, (port) =>
    forge(port, { ...put, headers: [['Content-Encoding', 'aws-chunked']] }),
  ),
  ...[SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER].map((mode) =>
    refused(`${mode} on a request without a body`, 400, 'InvalidRequest', (port) =>
      forge(port, { path: '/kept', query: 'list-type=2', payloadHash: mode }),
    ),
  ),
  refused('DeleteObjects with a matching MD5 and a wrong sha256', 400, 'XAmzContentSHA256Mismatch', (port) => {
    const body = '<Delete><Object><Key>seed</Key></Object></Delete>';
    return forge(port, {
      method: 'POST',
      path: '/kept',
      query: 'delete=',
      body: body.replace('seed', 'other'),
      sendBody: body,
      headers: [['Content-MD5', md5(body)]],
    });
  }),
  refused('a part of a body that was tampered with', 400, 'XAmzContentSHA256Mismatch', (port) =>
    forge(port, { method: 'PUT', query: 'partNumber=1&uploadId=a', body: 'a', sendBody: 'b' }),
  ),
  served(
    'the hash of nothing for nothing',
    200,
    (port) => forge(port, { path: '/kept/seed', payloadHash: sha256('') }),
    {
      check: ({ text }) => assert.equal(text, 'seed'),
    },
  ),
  refused('the hash of something for nothing', 400, 'XAmzContentSHA256Mismatch', (port) =>
    forge(port, { path: '/kept/seed', payloadHash: sha256('something') }),
  ),
]);
