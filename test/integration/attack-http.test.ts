/** What two HTTP parsers could read apart, what is not HTTP, and what is too large: refused, and nothing behind it is a request. */
import assert from 'node:assert/strict';
import { refused, runAttacks, served, type Attack } from '../support/attack.ts';
import { forge, sha256, type Forgery } from '../support/forge-request.ts';

const put: Forgery = { method: 'PUT', body: 'payload' };
const get: Forgery = { path: '/kept/seed' };
/** What a smuggler hopes to have served behind the first request. */
const SMUGGLED = 'DELETE /kept/seed HTTP/1.1\r\nHost: a\r\n\r\n';
const CHUNKED = `7\r\npayload\r\n0\r\n\r\n`;

const text = (port: number, f: Forgery): string => forge(port, f).toString('latin1');
const bent = (claim: string, code: string, f: Forgery, change: (wire: string) => string): Attack =>
  refused(claim, 400, code, (port) => Buffer.from(change(text(port, f)), 'latin1'));
const raw = (claim: string, wire: string, ends = false): Attack =>
  refused(claim, 400, 'BadRequest', () => Buffer.from(wire, 'latin1'), { ends });
/** A head that frames its body in the way given, with a body that means one thing to each of two readers. */
const framed = (claim: string, code: string, ...lines: string[]): Attack =>
  bent(claim, code, { ...put, contentLength: null }, (wire) =>
    wire.replace('\r\n\r\npayload', `\r\n${lines.join('\r\n')}\r\n\r\n${CHUNKED}${SMUGGLED}`),
  );

runAttacks([
  served('a request in small pieces of head', 200, (port) => forge(port, get)),
  served('HTTP/1.0', 200, (port) => forge(port, { ...get, version: 'HTTP/1.0' })),
  served('an Expect that the body follows at once', 200, (port) =>
    forge(port, { ...put, unsignedHeaders: [['Expect', '100-continue']] }),
  ),
  served('an empty line before the request line', 200, (port) => `\r\n${text(port, get)}`),
  served('a hundred headers', 200, (port) =>
    forge(port, { ...get, unsignedHeaders: Array.from({ length: 100 }, (_, n) => [`x-${String(n)}`, 'a'] as const) }),
  ),
  served('a body with a GET, which means nothing', 200, (port) => forge(port, { ...get, body: 'payload' })),
  served('an Upgrade that nobody takes', 200, (port) =>
    forge(port, {
      ...get,
      unsignedHeaders: [
        ['Connection', 'Upgrade'],
        ['Upgrade', 'h2c'],
      ],
    }),
  ),

  framed('Content-Length and Transfer-Encoding', 'BadRequest', 'Content-Length: 7', 'Transfer-Encoding: chunked'),
  framed('Transfer-Encoding and Content-Length', 'BadRequest', 'Transfer-Encoding: chunked', 'Content-Length: 7'),
  framed('two lengths', 'BadRequest', 'Content-Length: 7', 'Content-Length: 3'),
  framed('the same length twice', 'BadRequest', 'Content-Length: 7', 'Content-Length: 7'),
  framed('a list of lengths', 'BadRequest', 'Content-Length: 7, 7'),
  framed('a negative length', 'BadRequest', 'Content-Length: -7'),
  framed('a length with a sign', 'BadRequest', 'Content-Length: +7'),
  framed('a length in hexadecimal', 'BadRequest', 'Content-Length: 0x7'),
  framed('a length that is no number', 'BadRequest', 'Content-Length: seven'),
  framed('a length beyond every number', 'BadRequest', `Content-Length: ${'9'.repeat(40)}`),
  framed('a length with a blank inside', 'BadRequest', 'Content-Length: 1 7'),
  framed('an empty length', 'BadRequest', 'Content-Length: '),
  framed('an encoding behind chunked', 'BadRequest', 'Transfer-Encoding: chunked, identity'),
  framed('another encoding', 'BadRequest', 'Transfer-Encoding: xchunked'),
  framed('an encoding with a control', 'BadRequest', 'Transfer-Encoding: \vchunked'),
  framed('chunked twice', 'BadRequest', 'Transfer-Encoding: chunked, chunked'),
  framed('two Transfer-Encodings', 'BadRequest', 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity'),
  framed('a blank before the colon', 'BadRequest', 'Transfer-Encoding : chunked'),
  framed('a folded Transfer-Encoding', 'BadRequest', 'Transfer-Encoding:', ' chunked'),
  framed('a header that begins with a blank', 'BadRequest', ' Transfer-Encoding: chunked'),
  framed('a header without a colon', 'BadRequest', 'Transfer-Encoding chunked'),
  framed('a header without a name', 'BadRequest', ': chunked'),
  framed('a header name with a blank', 'BadRequest', 'Transfer Encoding: chunked'),
  framed('a header name with a NUL', 'BadRequest', 'x-\0a: b'),
  framed('a header value with a NUL', 'BadRequest', 'x-a: b\0c'),
  framed('a header value with a CR', 'BadRequest', 'x-a: b\rTransfer-Encoding: chunked'),
  framed('a folded header', 'BadRequest', 'x-a: b', '\tc'),
  ...[['gzip, chunked'], ['xchunked', 'chunked'], ['identity', 'chunked'], ['chunked;a=b, chunked']].map((codings) =>
    refused(
      `a coding that we do not take off: ${codings.join(' and ')}`,
      501,
      'NotImplemented',
      (port) => {
        const lines = codings.map((coding) => `Transfer-Encoding: ${coding}\r\n`).join('');
        const head = text(port, { ...put, contentLength: null }).replace('\r\n\r\npayload', `\r\n${lines}\r\n`);
        return Buffer.from(`${head}${CHUNKED}${SMUGGLED}`, 'latin1');
      },
      { check: ({ head }) => assert.match(head, /\r\nconnection: close/i) },
    ),
  ),
  bent('bare LFs', 'BadRequest', get, (wire) => wire.replaceAll('\r\n', '\n')),
  bent('one bare LF', 'BadRequest', get, (wire) => wire.replace('\r\nx-amz-date', '\nx-amz-date')),
  bent('bare CRs', 'BadRequest', get, (wire) => wire.replaceAll('\r\n', '\r')),
  bent('an absolute target', 'InvalidURI', get, (wire) => wire.replace('GET /', 'GET http://127.0.0.1/')),
  bent('an absolute target of another host', 'InvalidURI', get, (wire) => wire.replace('GET /', 'GET http://a.b/')),
  bent('the target *', 'InvalidURI', get, (wire) => wire.replace('GET /kept/seed', 'OPTIONS *')),
  bent('a target without a slash', 'BadRequest', get, (wire) => wire.replace('GET /kept', 'GET kept')),
  bent('an empty target', 'BadRequest', get, (wire) => wire.replace('/kept/seed', '')),
  bent('a target with a blank', 'BadRequest', get, (wire) => wire.replace('/kept/seed', '/kept/se ed')),
  bent('a target with a tab', 'BadRequest', get, (wire) => wire.replace('/kept/seed', '/kept/se\ted')),
  bent('a target with a NUL', 'BadRequest', get, (wire) => wire.replace('/kept/seed', '/kept/se\0ed')),
  bent('a target with bytes above ASCII', 'BadRequest', get, (wire) => wire.replace('/kept/seed', '/kept/s\u00e9ed')),
  bent('a target with a fragment', 'InvalidURI', get, (wire) => wire.replace('/kept/seed', '/kept/seed#a')),
  bent('CONNECT', 'BadRequest', get, (wire) => wire.replace('GET /kept/seed', 'CONNECT a.b:443')),
  bent('a method in lower case', 'BadRequest', get, (wire) => wire.replace('GET', 'get')),
  bent('a method that does not exist', 'BadRequest', get, (wire) => wire.replace('GET', 'FETCH')),
  bent('HTTP/1.2', 'BadRequest', get, (wire) => wire.replace('HTTP/1.1', 'HTTP/1.2')),
  bent('HTTP/2.0', 'BadRequest', get, (wire) => wire.replace('HTTP/1.1', 'HTTP/2.0')),
  bent('http/1.1', 'BadRequest', get, (wire) => wire.replace('HTTP/1.1', 'http/1.1')),
  bent('no version, with headers', 'BadRequest', get, (wire) => wire.replace(' HTTP/1.1', '')),
  bent('no Host', 'InvalidRequest', get, (wire) => wire.replace(/Host: .*\r\n/, '')),
  refused('an empty Host', 403, 'SignatureDoesNotMatch', (port) =>
    text(port, get).replace(/Host: .*\r\n/, 'Host: \r\n'),
  ),
  raw('HTTP/0.9', 'GET /kept/seed\r\n\r\n'),
  raw('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  raw('the first bytes of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'),
  raw('no HTTP at all', 'nonsense\r\n\r\n'),
  raw('zeros', '\0'.repeat(64)),
  refused('a header above 16 KiB', 431, 'RequestHeaderSectionTooLarge', (port) =>
    forge(port, { ...get, unsignedHeaders: [['x-a', 'a'.repeat(17 * 1024)]] }),
  ),
  refused('a target above 16 KiB', 431, 'RequestHeaderSectionTooLarge', (port) =>
    forge(port, { ...get, path: `/kept/${'a'.repeat(17 * 1024)}` }),
  ),
  refused('ten thousand headers', 431, 'RequestHeaderSectionTooLarge', (port) =>
    forge(port, { ...get, unsignedHeaders: Array.from({ length: 10_000 }, (_, n) => [`x${String(n)}`, ''] as const) }),
  ),
  refused(
    'a body in HTTP chunks without a length of its own',
    411,
    'MissingContentLength',
    (port) =>
      `${text(port, { ...put, contentLength: null }).replace('\r\n\r\npayload', '\r\nTransfer-Encoding: chunked\r\n\r\n')}${CHUNKED}`,
  ),
  refused('no length', 411, 'MissingContentLength', (port) =>
    forge(port, { ...put, contentLength: null, sendBody: '' }),
  ),
  ...(
    [
      ['a chunk size that is none', 'zz\r\npayload\r\n0\r\n\r\n'],
      ['a negative chunk size', '-7\r\npayload\r\n0\r\n\r\n'],
      ['a chunk size with 0x', '0x7\r\npayload\r\n0\r\n\r\n'],
      ['a chunk size beyond every number', `${'f'.repeat(20)}\r\npayload\r\n0\r\n\r\n`],
      ['a chunk that is longer than it says', '3\r\npayload\r\n0\r\n\r\n'],
      ['a chunk size with a bare LF', '7\npayload\r\n0\r\n\r\n'],
      ['chunk extensions of 20 KiB', `7;a=${'b'.repeat(20 * 1024)}\r\npayload\r\n0\r\n\r\n`],
    ] as const
  ).map(([claim, body]) =>
    refused(
      claim,
      400,
      null,
      (port) =>
        `${text(port, {
          method: 'PUT',
          payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
          headers: [['x-amz-decoded-content-length', '7']],
          contentLength: null,
        }).replace(/\r\n\r\n$/, '\r\nTransfer-Encoding: chunked\r\n\r\n')}${body}`,
    ),
  ),
  refused('trailers of HTTP that name an Amazon header', 400, 'MalformedTrailerError', (port) => {
    const head = text(port, {
      method: 'PUT',
      payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      headers: [
        ['x-amz-decoded-content-length', '7'],
        ['x-amz-trailer', 'x-amz-checksum-crc32'],
      ],
      contentLength: null,
    });
    const inner = '7\r\npayload\r\n0\r\n\r\n';
    const outer = `${inner.length.toString(16)}\r\n${inner}\r\n0\r\nx-amz-checksum-crc32: AAAAAA==\r\n\r\n`;
    return head.replace(/\r\n\r\n$/, `\r\nTransfer-Encoding: chunked\r\n\r\n${outer}`);
  }),
  refused('a bad chunk behind a head that is refused at once', 400, 'InvalidRequest', (port) =>
    text(port, { ...put, contentLength: null })
      .replace(/Host: .*\r\n/, '')
      .replace('\r\n\r\npayload', '\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'),
  ),
  refused(
    'a body that breaks off',
    400,
    'IncompleteBody',
    (port) => forge(port, { ...put, sendBody: 'pay', contentLength: '7' }),
    {
      ends: true,
    },
  ),
  refused('a request hidden in a refused body', 403, 'SignatureDoesNotMatch', (port) =>
    forge(port, { ...put, secret: 'guess', sendBody: SMUGGLED }),
  ),
  refused('a request hidden behind a body of another hash', 400, 'XAmzContentSHA256Mismatch', (port) =>
    forge(port, { ...put, payloadHash: sha256('payload'), sendBody: SMUGGLED }),
  ),
]);
