/** The framing of aws-chunked bodies: AWS's own worked examples, every way to cut them, and what is malformed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { toS3Failure } from '../../gateway/answer/s3-error.ts';
import { AwsChunkedParser, type ChunkedPromise } from '../../gateway/body/aws-chunked.ts';
import { createChunkSignatures, type ChunkSeed } from '../../sigv4/chunk-signatures.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { deriveSigningKey } from '../../sigv4/signing-key.ts';
import { verifyRequest } from '../../sigv4/verify.ts';
import { frameChunks } from '../support/chunked-body.ts';

const SCOPE = { date: '20130524', region: 'us-east-1', service: 's3' };
const KEY = deriveSigningKey(nodeCrypto, 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', SCOPE);
const toSeed = (seedSignature: string): ChunkSeed => ({
  signingKey: KEY,
  scope: SCOPE,
  amzDate: '20130524T000000Z',
  seedSignature,
});
/** 65 KiB of 'a' in a chunk of 64 KiB and one of 1 KiB, as in AWS's examples. */
const CHUNKS = [Buffer.alloc(64 * 1024, 'a'), Buffer.alloc(1024, 'a')];
const PLAIN = toSeed('4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9');
const TRAILING = toSeed('106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e');
const CRC32C = ['x-amz-checksum-crc32c', 'sOO8/Q=='] as const;

interface Parsed {
  readonly bytes: Buffer;
  readonly trailer: string;
  /** The S3 code of the refusal, '' when there was none. */
  readonly code: string;
}

function parse(pieces: readonly Uint8Array[], promise: ChunkedPromise): Parsed {
  const data: Uint8Array[] = [];
  const parser = new AwsChunkedParser(promise, (bytes) => data.push(Buffer.from(bytes)));
  let code = '';
  try {
    for (const piece of pieces) parser.push(piece);
    parser.end();
  } catch (error) {
    code = String((error as { details?: Record<string, unknown> }).details?.['s3Code']);
  }
  return { bytes: Buffer.concat(data), trailer: parser.trailerValue, code };
}

const signedPromise = (seed: ChunkSeed, trailer: string | null, lengthBytes = 66_560): ChunkedPromise => ({
  lengthBytes,
  signatures: createChunkSignatures(nodeCrypto, seed),
  trailer: trailer === null ? null : { name: trailer },
});
const plainPromise = (lengthBytes: number, trailer: string): ChunkedPromise => ({
  lengthBytes,
  signatures: null,
  trailer: { name: trailer },
});
const split = (body: Buffer, sizes: readonly number[]): Buffer[] => {
  const pieces: Buffer[] = [];
  let at = 0;
  for (let index = 0; at < body.length; index++) {
    const size = sizes.length === 0 ? body.length : (sizes[index % sizes.length] ?? 1);
    pieces.push(body.subarray(at, at + size));
    at += size;
  }
  return pieces;
};

test("the chunk signatures of AWS's example, and those of its example with a trailer", () => {
  const text = frameChunks(CHUNKS, PLAIN, null).toString('latin1');
  assert.deepEqual(
    [...text.matchAll(/chunk-signature=([0-9a-f]{64})/g)].map(([, signature]) => signature),
    [
      'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
      '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
      'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
    ],
  );
  const trailing = frameChunks(CHUNKS, TRAILING, CRC32C).toString('latin1');
  assert.deepEqual(
    [...trailing.matchAll(/signature[=:]([0-9a-f]{64})/g)].map(([, signature]) => signature),
    [
      'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2',
      '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7',
      '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992',
      'd81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435',
    ],
  );
});

test('whatever the pieces it arrives in, the bytes and the trailer come out', () => {
  const data = Buffer.concat(CHUNKS);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9000 }), { maxLength: 20 }), (sizes) => {
      const signed = parse(split(frameChunks(CHUNKS, PLAIN, null), sizes), signedPromise(PLAIN, null));
      assert.equal(signed.code, '');
      assert.ok(signed.bytes.equals(data));
      const body = frameChunks(CHUNKS, TRAILING, CRC32C);
      const trailing = parse(split(body, sizes), signedPromise(TRAILING, CRC32C[0]));
      assert.deepEqual([trailing.code, trailing.trailer], ['', CRC32C[1]]);
      const unsigned = parse(split(frameChunks(CHUNKS, null, CRC32C), sizes), plainPromise(66_560, CRC32C[0]));
      assert.deepEqual([unsigned.code, unsigned.trailer], ['', CRC32C[1]]);
      assert.ok(unsigned.bytes.equals(data));
    }),
    { numRuns: 60 },
  );
  const small = frameChunks([Buffer.from('hello')], null, CRC32C);
  assert.equal(parse(split(small, [1]), plainPromise(5, CRC32C[0])).bytes.toString(), 'hello');
});

test('one byte changed anywhere in a signed body is refused', () => {
  const seed = TRAILING;
  const chunks = [Buffer.alloc(8192, 'b'), Buffer.from('tail')];
  const body = frameChunks(chunks, seed, CRC32C);
  for (let at = 0; at < body.length; at++) {
    // Every byte of the framing, and some of the long chunk.
    if (at > 200 && at < 8200 && at % 97 !== 0) continue;
    const changed = Buffer.from(body);
    changed[at] = (changed[at] ?? 0) ^ 1;
    const { code } = parse([changed], signedPromise(seed, CRC32C[0], 8196));
    assert.notEqual(code, '', `byte ${String(at)}`);
  }
});

test('a chunk that is too small for one in the middle is told with the chunk that shows it', () => {
  const parser = new AwsChunkedParser({ lengthBytes: 8200, signatures: null, trailer: null }, () => undefined);
  const first = `2000\r\n${'a'.repeat(8192)}\r\n`;
  assert.throws(
    () => parser.push(Buffer.from(`${first}3\r\nabc\r\n5\r\n`)),
    (error) => {
      const { code, fields } = toS3Failure(error);
      assert.deepEqual(
        [code, fields],
        [
          'InvalidChunkSizeError',
          [
            ['Chunk', '3'],
            ['BadChunkSize', '3'],
          ],
        ],
      );
      return true;
    },
  );
});

const MALFORMED: readonly (readonly [claim: string, body: string, length: number, trailer: string, code: string])[] = [
  ['a size line that ends with LF alone', 'A\ndummy data\r\n0\r\n\r\n', 10, '', 'IncompleteBody'],
  ['no line end behind the data', 'A\r\ndummy data0\r\n\r\n', 10, '', 'IncompleteBody'],
  ['a chunk longer than its size', 'A\r\nXYZ\r\ndummy data\r\n0\r\n\r\n', 10, '', 'IncompleteBody'],
  ['a chunk shorter than its size', 'B\r\ndummy data\r\n0\r\n\r\n', 11, '', 'IncompleteBody'],
  ['no last line', 'A\r\ndummy data\r\n0\r\n', 10, '', 'IncompleteBody'],
  ['nothing but a size', 'A\r\n', 10, '', 'IncompleteBody'],
  ['no last chunk', 'A\r\ndummy data\r\n', 10, '', 'IncompleteBody'],
  ['nothing at all', '', 0, '', 'IncompleteBody'],
  ['a size that is none', 'ten\r\ndummy data\r\n0\r\n\r\n', 10, '', 'IncompleteBody'],
  ['a negative size', '-A\r\ndummy data\r\n0\r\n\r\n', 10, '', 'IncompleteBody'],
  ['a size with 0x', '0xA\r\ndummy data\r\n0\r\n\r\n', 10, '', 'IncompleteBody'],
  ['a size with blanks', ' A \r\ndummy data\r\n0\r\n\r\n', 10, '', 'IncompleteBody'],
  ['an extension that nobody signed', 'A;a=b\r\ndummy data\r\n0\r\n\r\n', 10, '', 'IncompleteBody'],
  ['a giant extension', `A;${'x'.repeat(100_000)}\r\n`, 10, '', 'IncompleteBody'],
  ['a size beyond numbers', 'FFFFFFFFFFFFFFFFFFFF\r\n', 10, '', 'IncompleteBody'],
  ['bytes behind the end', 'A\r\ndummy data\r\n0\r\n\r\nmore', 10, '', 'IncompleteBody'],
  ['a second body behind the end', '1\r\na\r\n0\r\n\r\n1\r\nb\r\n0\r\n\r\n', 1, '', 'IncompleteBody'],
  ['more than was promised', 'b\r\nabcdefghijk\r\n0\r\n\r\n', 5, '', 'IncompleteBody'],
  ['less than was promised', 'b\r\nabcdefghijk\r\n0\r\n\r\n', 200, '', 'IncompleteBody'],
  ['a raw body under a streaming word', 'payload', 7, '', 'IncompleteBody'],
  ['a small chunk before another', '1\r\na\r\n1\r\nb\r\n0\r\n\r\n', 2, '', 'InvalidChunkSizeError'],
  ['no trailer where one was announced', '5\r\nhello\r\n0\r\n\r\n', 5, 'x-amz-checksum-crc32', 'MalformedTrailerError'],
  [
    'another trailer than the announced one',
    '5\r\nhello\r\n0\r\nx-amz-checksum-sha1:YR/1TvTYOJz5gtqVFoBJBtmTibY=\r\n\r\n',
    5,
    'x-amz-checksum-crc32',
    'MalformedTrailerError',
  ],
  [
    'a trailer that was not announced',
    '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n',
    5,
    '',
    'MalformedTrailerError',
  ],
  [
    'two trailers',
    '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\nx-amz-meta-a:b\r\n\r\n',
    5,
    'x-amz-checksum-crc32',
    'IncompleteBody',
  ],
  [
    'a trailer without its last line',
    '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n',
    5,
    'x-amz-checksum-crc32',
    'IncompleteBody',
  ],
  [
    'a giant trailer',
    `5\r\nhello\r\n0\r\nx-amz-checksum-crc32:${'A'.repeat(100_000)}\r\n\r\n`,
    5,
    'x-amz-checksum-crc32',
    'IncompleteBody',
  ],
];

for (const [claim, body, length, trailer, code] of MALFORMED) {
  test(`refused: ${claim}`, () => {
    const whole = Buffer.from(body, 'latin1');
    assert.equal(parse([whole], plainPromise(length, trailer)).code, code);
    assert.equal(parse(split(whole, [1]), plainPromise(length, trailer)).code, code, 'byte by byte');
  });
}

test('a chunk beyond the promised length is the length that is wrong, or a size that the body cannot hold', () => {
  const refusal = (body: string, lengthBytes: number): string => {
    const parser = new AwsChunkedParser({ ...plainPromise(lengthBytes, ''), wireBytes: body.length }, () => undefined);
    try {
      parser.push(Buffer.from(body));
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };
  assert.match(refusal('B\r\ndummy data!\r\n0\r\n\r\n', 10), /^You did not provide the number of bytes/);
  assert.match(refusal('B\r\ndummy data\r\n0\r\n\r\n', 10), /^The request body terminated unexpectedly/);
});

test('a trailer that ends with LF and CRLF, as one client sends it, is taken', () => {
  const body = Buffer.from('5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\n\r\n\r\n');
  const { code, trailer } = parse(split(body, [3]), plainPromise(5, 'x-amz-checksum-crc32'));
  assert.deepEqual([code, trailer], ['', 'NhCmhg==']);
});

test('the signed chunks that a real client sent verify under the signature of their head', () => {
  const recorded = readFileSync(new URL('../vectors/client-requests.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ bodyOmitted, client }) => bodyOmitted !== true && client === 'mc');
  let verified = 0;
  for (const one of recorded) {
    const raw = one['rawHeaders'] as string[];
    const headers = raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? ''] as const] : []));
    const find = (name: string): string => headers.find(([n]) => n.toLowerCase() === name)?.[1] ?? '';
    if (find('x-amz-content-sha256') !== 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD') continue;
    const [path = '', query = ''] = (one['url'] as string).split('?');
    const result = verifyRequest(nodeCrypto, {
      request: { method: one['method'] as string, path, query, headers },
      now: new Date(one['receivedAt'] as string),
      region: one['region'] as string,
      service: 's3',
      pathRule: 's3',
      findCredentials: (accessKeyId) => [{ accessKeyId, secretAccessKey: one['secretKey'] as string }],
    });
    assert.ok(result.ok);
    const { signingKey, scope, signature } = result;
    const signatures = createChunkSignatures(nodeCrypto, {
      signingKey,
      scope,
      amzDate: find('x-amz-date'),
      seedSignature: signature,
    });
    const body = Buffer.from(one['body_b64'] as string, 'base64');
    const promise = { lengthBytes: Number(find('x-amz-decoded-content-length')), signatures, trailer: null };
    assert.equal(parse([body], promise).code, '', String(one['url']));
    verified += 1;
  }
  assert.ok(verified > 0);
});
