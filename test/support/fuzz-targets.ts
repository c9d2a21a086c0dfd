/**
 * Every parser of the S3 endpoint, with a generator that knows its grammar and one that damages what it knows. A parser may refuse
 * as it refuses callers (a WaybillError that is answered with 4xx or 501, or a value that says no); anything else is a defect.
 */
import fc from 'fast-check';
import { isWaybillError } from '../../core/failures.ts';
import { AwsChunkedParser } from '../../gateway/body/aws-chunked.ts';
import { parseCopySource } from '../../gateway/request/copy-source.ts';
import { parseRange } from '../../gateway/directory/parse-range.ts';
import { judgeReadConditions } from '../../gateway/directory/read-conditions.ts';
import { parseTagging } from '../../gateway/directory/tags.ts';
import { mergeHeaderParameters } from '../../gateway/request/header-parameters.ts';
import { parseHeaders } from '../../gateway/request/parse-headers.ts';
import { parseTarget } from '../../gateway/request/parse-target.ts';
import { parseXml } from '../../gateway/answer/parse-xml.ts';
import { toS3Failure } from '../../gateway/answer/s3-error.ts';
import { parseUploadEnvelope } from '../../gateway/upload/upload-envelope.ts';
import { parseAmzDate } from '../../sigv4/amz-date.ts';
import { parseAuthorization } from '../../sigv4/authorization-header.ts';
import { buildCanonicalQuery, parseQuery } from '../../sigv4/canonical-query.ts';
import { createChunkSignatures } from '../../sigv4/chunk-signatures.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { parsePresigned } from '../../sigv4/presigned-query.ts';
import { parseListCursor } from '../../stores/rules/list-cursor.ts';
import { frameChunks } from './chunked-body.ts';

export interface FuzzTarget {
  readonly name: string;
  readonly input: fc.Arbitrary<string>;
  /** Texts that break bad expressions: long, and almost right. */
  readonly pathological: readonly string[];
  /** `text` holds one character a byte. */
  readonly run: (text: string) => unknown;
}

/** @throws whatever is a defect: an exception that is no refusal, or a refusal that would be a 5xx */
export function runTarget(target: FuzzTarget, text: string): void {
  try {
    target.run(text);
  } catch (error) {
    if (!isWaybillError(error)) throw error;
    const { status } = toS3Failure(error);
    if (status >= 500 && status !== 501) throw error;
  }
}

const LONG = 65_536;
const repeat = (text: string): string => text.repeat(Math.ceil(LONG / text.length)).slice(0, LONG);
const pathological = (head: string, ...bodies: readonly string[]): string[] =>
  bodies.map((body) => head + repeat(body));

/** Pieces of a grammar in any order, the right order among them, and bytes. */
const soup = (pieces: readonly string[]): fc.Arbitrary<string> =>
  fc
    .array(
      fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom(...pieces) },
        fc.string({ maxLength: 8 }),
        fc.string({ unit: 'binary', maxLength: 4 }),
      ),
      { maxLength: 24 },
    )
    .map((all) => all.join(''));

/** What is valid, with some bytes changed, added, doubled or taken away. */
export const damaged = (valid: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(valid, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 4 }), fc.nat({ max: 255 })), { maxLength: 4 }))
    .map(([text, edits]) => edits.reduce(damage, text));

export function damage(text: string, [place, kind, byte]: readonly [number, number, number]): string {
  const at = text.length === 0 ? 0 : place % text.length;
  const end = Math.min(text.length, at + 1 + (byte % 16));
  switch (kind) {
    case 0:
      return text.slice(0, at) + String.fromCharCode(byte) + text.slice(at + 1);
    case 1:
      return text.slice(0, at) + String.fromCharCode(byte) + text.slice(at);
    case 2:
      return text.slice(0, at) + text.slice(end);
    case 3:
      return text.slice(0, end) + text.slice(at);
    default:
      return text.slice(0, at);
  }
}

const either = (valid: readonly string[], pieces: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(damaged(fc.constantFrom(...valid)), soup(pieces));
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const HASH = 'a'.repeat(64);
const AUTHORIZATION = `AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=${HASH}`;
const PRESIGNED =
  'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z' +
  `&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=${HASH}`;
const SEED = {
  signingKey: new Uint8Array(32),
  scope: { date: '20260101', region: 'us-east-1', service: 's3' },
  amzDate: '20260101T000000Z',
  seedSignature: HASH,
};
const TRAILER = ['x-amz-checksum-crc32', 'AAAAAA=='] as const;
const BODY = [Buffer.from('hello world')];
const INFO = { key: 'k', sizeBytes: 1, etag: HASH.slice(32), lastModifiedMs: 0 } as unknown as Parameters<
  typeof judgeReadConditions
>[1];
const ENVELOPE = JSON.stringify({
  target_url: 'https://s3.example.com/bucket/key',
  method: 'PUT',
  headers: { 'content-type': 'text/plain', 'x-amz-meta-a': 'b' },
  payload_base64: 'cGF5bG9hZA==',
});
const XML_PIECES = [
  '<',
  '>',
  '</',
  '/>',
  '<Delete>',
  '</Delete>',
  '<Object>',
  '<Key>',
  '&amp;',
  '&#x41;',
  '&#0;',
  '&x;',
  '<![CDATA[',
  ']]>',
  '<!--',
  '-->',
  '<?xml ?>',
  '<!DOCTYPE a [',
  '<!ENTITY a "b">',
  ' a="b"',
  ' xmlns:a="b"',
  '\uFEFF',
];

function chunked(mode: 'plain' | 'plain-trailer' | 'signed' | 'signed-trailer'): FuzzTarget {
  const isSigned = mode.startsWith('signed');
  const hasTrailer = mode.endsWith('trailer');
  const valid = frameChunks(BODY, isSigned ? SEED : null, hasTrailer ? TRAILER : null).toString('latin1');
  return {
    name: `aws-chunked ${mode}`,
    input: either(
      [valid],
      [
        'b',
        '\r\n',
        '\n',
        '0',
        ';chunk-signature=',
        HASH,
        'hello world',
        'x-amz-checksum-crc32:',
        'x-amz-trailer-signature:',
        'AAAAAA==',
      ],
    ),
    pathological: pathological('', '0', '\n', '\r', ';', 'x-amz-checksum-crc32:').concat(
      pathological('b\r\nhello world\r\n0\r\n', 'a', '\n', ':'),
    ),
    run: (text) => {
      const read = (size: number): string => {
        const taken: Uint8Array[] = [];
        const signatures = isSigned ? createChunkSignatures(nodeCrypto, SEED) : null;
        const promise = { lengthBytes: 11, signatures, trailer: hasTrailer ? { name: TRAILER[0] } : null };
        const parser = new AwsChunkedParser(promise, (piece) => taken.push(Buffer.from(piece)));
        const all = bytes(text);
        try {
          for (let at = 0; at < all.length; at += size) parser.push(all.subarray(at, at + size));
          parser.end();
          return Buffer.concat(taken).toString('latin1');
        } catch (error) {
          if (!isWaybillError(error) || toS3Failure(error).status >= 500) throw error;
          return '';
        }
      };
      const whole = read(Math.max(1, text.length));
      if (whole !== read(text.length > 4096 ? 1000 : 1))
        throw new Error('another split of the same bytes gives another body');
      if (whole.length !== 0 && whole.length !== 11) throw new Error('a body of another length than was promised');
      if (isSigned && whole !== '' && whole !== 'hello world') throw new Error('bytes that nobody signed');
    },
  };
}

export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'Authorization',
    input: either(
      [AUTHORIZATION],
      [
        'AWS4-HMAC-SHA256',
        ' ',
        ',',
        ', ',
        'Credential=',
        'SignedHeaders=',
        'Signature=',
        '/',
        ';',
        'host',
        HASH,
        'AKID/20260101/us-east-1/s3/aws4_request',
        'AWS',
      ],
    ),
    pathological: pathological('AWS4-HMAC-SHA256 ', ' ', ',', '=', '/', 'a=b,', ';').concat(
      pathological('AWS4-HMAC-SHA256 Credential=', '/'),
      pathological('', '\t ', 'A'),
    ),
    run: (text) => parseAuthorization(text, '20260101T000000Z', null),
  },
  {
    name: 'presigned query',
    input: either(
      [PRESIGNED],
      [...PRESIGNED.split('&'), '&', '=', '%', '%2F', '+', 'X-Amz-Security-Token=', 'X-Amz-Expires=-1'],
    ),
    pathological: pathological('', '&', '=', '%41', '%', '+', 'a&').concat(pathological('X-Amz-Credential=', '%2F')),
    run: (text) => {
      const parameters = parseQuery(text);
      if (parameters !== null) parsePresigned(parameters);
      buildCanonicalQuery(text);
    },
  },
  {
    name: 'target',
    input: either(
      [
        '/bucket/key?list-type=2&prefix=a',
        '/bucket/a%2Fb//..?uploadId=a&partNumber=1',
        '/',
        '/bucket?uploads',
        `/bucket/key?${PRESIGNED}`,
      ],
      [
        '/',
        'bucket',
        '%2F',
        '%',
        '..',
        '?',
        '&',
        '=',
        '%c3%a9',
        '%FF',
        'x-amz-meta-a=b',
        'uploads',
        'partNumber=1',
        'tagging',
        'response-content-type=a',
      ],
    ),
    pathological: pathological('/', '/', '%2F', '.', 'a', '%').concat(pathological('/b?', '&', '=', 'a&', 'x-amz-&')),
    run: (text) => {
      for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'PATCH']) {
        const { headerParameters } = parseTarget(method, text);
        mergeHeaderParameters(new Map(), headerParameters);
      }
    },
  },
  {
    name: 'headers',
    input: either(
      ['Host\na\nx-amz-date\n20260101T000000Z\nContent-Length\n5'],
      ['Host', 'x-amz-', 'Content-Length', 'Transfer-Encoding', '\n', 'a', ',', '\xff', '\xc3\xa9', '__proto__'],
    ),
    pathological: pathological('a\n', ' ', '\xff', ',').concat(pathological('', 'a\nb\n')),
    run: (text) => parseHeaders(text.split('\n')),
  },
  {
    name: 'copy source',
    input: either(
      ['bucket/key', '/bucket/a%20b?versionId=null', 'arn:aws:s3:::a'],
      ['/', 'bucket', '?versionId=', '%', '%2F', '+', '..', 'arn:', '%FF'],
    ),
    pathological: pathological('', '/', '%2F', '%', '?versionId=', 'a').concat(pathological('bucket/', '/', '+')),
    run: parseCopySource,
  },
  {
    name: 'tagging header',
    input: either(['a=1&b=2', 'a%20b=c+d'], ['a', '=', '&', '%', '%20', '+', '\xc3', '%F0%9F%98%80', '__proto__=a']),
    pathological: pathological('', '&', '=', 'a=b&', '%41', 'a'),
    run: parseTagging,
  },
  {
    name: 'range',
    input: either(['bytes=0-1', 'bytes=-5', 'bytes=5-'], ['bytes', '=', '-', '0', '9', ',', ' ']),
    pathological: pathological('bytes=', '0', '-', ' ', '0-', ',').concat(pathological('', ' ', 'bytes=')),
    run: parseRange,
  },
  {
    name: 'times and conditions',
    input: either(
      ['20260101T000000Z', 'Thu, 01 Jan 2026 00:00:00 GMT', '"abc", W/"d"'],
      ['2026', '01', 'T', 'Z', 'Thu, ', 'GMT', '"', 'W/', ',', '*', ' '],
    ),
    pathological: pathological('', '"', ',', ' ', 'W/', '"a",', '0'),
    run: (text) => {
      parseAmzDate(text);
      for (const name of ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since']) {
        judgeReadConditions(new Map([[name, text]]), INFO);
      }
    },
  },
  {
    name: 'continuation token',
    input: either(
      [Buffer.from('{"kind":"key","text":"a"}').toString('base64url')],
      ['a', '=', '-', '_', 'eyJ', '\xff'],
    ),
    pathological: pathological('', 'a', '=', 'eyJ'),
    run: parseListCursor,
  },
  {
    name: 'XML',
    input: either(
      [
        '<Delete xmlns="a"><Object><Key>a&amp;b</Key></Object><Quiet>true</Quiet></Delete>',
        '<?xml version="1.0"?><Delete/>',
      ],
      XML_PIECES,
    ),
    pathological: pathological('<Delete>', '<', '&', '<a>', '<!--', '&#', ']]>', ' ').concat(
      pathological('<Delete ', 'a="b" ', ' ', 'a'),
      pathological('<!DOCTYPE ', '[', '<!ENTITY '),
    ),
    run: (text) => parseXml(bytes(text), 'Delete'),
  },
  {
    name: 'upload envelope',
    input: either(
      [ENVELOPE],
      [
        '{',
        '}',
        '[',
        '"',
        ':',
        ',',
        'target_url',
        'method',
        'PUT',
        'headers',
        'payload_base64',
        '\\u0000',
        '__proto__',
        'null',
        '1e999',
      ],
    ),
    pathological: pathological('', '[', '{"a":', '"', ' ').concat(
      pathological('{"payload_base64":"', 'A', '=', '\\u0041'),
    ),
    run: (text) => parseUploadEnvelope(bytes(text), 1024),
  },
  chunked('plain'),
  chunked('plain-trailer'),
  chunked('signed'),
  chunked('signed-trailer'),
];
