/**
 * Requests that were signed by a signer of the tests' own, every line of which can be bent: one way to break for each entry, named
 * by the cause that is to be found. Apart from sigv4/, so that a mistake there is not repeated here.
 */
import { createHash, createHmac } from 'node:crypto';

export const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
export const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** A signer of the test's own, every line of which can be bent. */
export interface Texts {
  method: string;
  uri: string;
  query: string;
  headers: [string, string][];
  gap: string;
  signed: string;
  payload: string;
  date: string;
  amzDate: string;
  region: string;
  service: string;
  terminator: string;
  algorithm: string;
  secret: string;
}
export const BODY = '{"a": 1, "b": [2, 3]}\n';
export const CORRECT = (): Texts => ({
  method: 'PUT',
  uri: '/bucket/a%20b/c%2Bd%3A%C3%A9//x/../y.txt',
  query: 'list-type=2&partNumber=7&prefix=a%20b%2Fc%2Bd&uploads=',
  headers: [
    ['accept-encoding', 'gzip'],
    ['content-length', '0'],
    ['content-type', 'application/json'],
    ['host', 'store.example.com:9000'],
    ['x-amz-content-sha256', sha256(BODY)],
    ['x-amz-date', '20261122T101112Z'],
    ['x-amz-meta-note', 'two words, one; more'],
    ['x-amz-security-token', 'TOKEN'],
  ],
  gap: '\n',
  signed:
    'accept-encoding;content-length;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-note;x-amz-security-token',
  payload: sha256(BODY),
  date: '20261122',
  amzDate: '20261122T101112Z',
  region: 'eu-central-1',
  service: 's3',
  terminator: 'aws4_request',
  algorithm: 'AWS4-HMAC-SHA256',
  secret: SECRET,
});
const WIRE = {
  path: '/bucket/a%20b/c%2Bd%3A%C3%A9//x/../y.txt',
  query: 'uploads&partNumber=7&list-type=2&prefix=a%20b%2Fc%2Bd',
};

export const printCanonicalText = (t: Texts): string =>
  `${t.method}\n${t.uri}\n${t.query}\n${t.headers.map(([n, v]) => `${n}:${v}\n`).join('')}${t.gap}${t.signed}\n${t.payload}`;

export const printStringText = (t: Texts): string =>
  `${t.algorithm}\n${t.amzDate}\n${t.date}/${t.region}/${t.service}/${t.terminator}\n${sha256(printCanonicalText(t))}`;

export function signTexts(t: Texts): string {
  const key = [t.date, t.region, t.service, t.terminator].reduce<string | Buffer>(
    (link, text) => hmac(link, text),
    `AWS4${t.secret}`,
  );
  return hmac(key, printStringText(t)).toString('hex');
}

export function toRequest(signature: string) {
  const correct = CORRECT();
  return {
    method: 'PUT',
    ...WIRE,
    headers: [
      ...[...correct.headers].reverse(),
      ['User-Agent', 'test'] as [string, string],
      [
        'Authorization',
        `AWS4-HMAC-SHA256 Credential=AKID/20261122/eu-central-1/s3/aws4_request, SignedHeaders=${correct.signed}, Signature=${signature}`,
      ] as [string, string],
    ],
  };
}

const head = (t: Texts, name: string, value: string): Texts => ({
  ...t,
  headers: t.headers.map((line) => (line[0] === name ? [name, value] : line)),
});

export const BREAKS: readonly (readonly [id: string, bend: (t: Texts) => Texts])[] = [
  ['path-double-encoded', (t) => ({ ...t, uri: t.uri.replaceAll('%', '%25') })],
  ['path-normalised', (t) => ({ ...t, uri: '/bucket/a%2520b/c%252Bd%253A%25C3%25A9/y.txt' })],
  ['path-not-encoded', (t) => ({ ...t, uri: '/bucket/a b/c+d:é//x/../y.txt' })],
  ['path-characters', (t) => ({ ...t, uri: t.uri.replace('%3A', ':') })],
  ['path-plus-for-space', (t) => ({ ...t, uri: t.uri.replace('%20', '+') })],
  ['path-encoded-slash', (t) => ({ ...t, uri: `/bucket/${t.uri.slice(8).replaceAll('/', '%2F')}` })],
  ['path-lower-case-hex', (t) => ({ ...t, uri: t.uri.toLowerCase() })],
  ['path-normal-form', (t) => ({ ...t, uri: t.uri.replace('%C3%A9', 'e%CC%81') })],
  ['path-query-left-in', (t) => ({ ...t, uri: `${t.uri}?${WIRE.query}`, query: '' })],
  ['path-bucket', (t) => ({ ...t, uri: t.uri.slice('/bucket'.length) })],
  ['path-prefix', (t) => ({ ...t, uri: `/s3${t.uri}` })],
  ['path-slash', (t) => ({ ...t, uri: `${t.uri}/` })],
  ['query-without-equals', (t) => ({ ...t, query: t.query.replace('uploads=', 'uploads') })],
  ['query-unsorted', (t) => ({ ...t, query: 'uploads=&partNumber=7&list-type=2&prefix=a%20b%2Fc%2Bd' })],
  ['query-not-encoded', (t) => ({ ...t, query: t.query.replace('%2F', '/') })],
  ['query-double-encoded', (t) => ({ ...t, query: t.query.replaceAll('%', '%25') })],
  ['query-plus-for-space', (t) => ({ ...t, query: t.query.replace('%20', '+') })],
  ['query-lower-case-hex', (t) => ({ ...t, query: t.query.replace('%2F', '%2f').replace('%2B', '%2b') })],
  ['query-left-out', (t) => ({ ...t, query: '' })],
  ['query-parameter-added', (t) => ({ ...t, query: t.query.replace('list-type=2&', '') })],
  ['query-parameter-dropped', (t) => ({ ...t, query: `${t.query}&x-id=PutObject` })],
  ['host-port', (t) => head(t, 'host', 'store.example.com')],
  ['host-rewritten', (t) => head(t, 'host', 'localhost:9000')],
  ['accept-encoding-rewritten', (t) => head(t, 'accept-encoding', 'identity')],
  ['content-type-rewritten', (t) => head(t, 'content-type', 'application/json; charset=utf-8')],
  ['content-length-changed', (t) => head(t, 'content-length', String(BODY.length))],
  ['header-order', (t) => ({ ...t, headers: [...t.headers].reverse() })],
  [
    'header-name-case',
    (t) => ({ ...t, headers: t.headers.map(([n, v]) => [n.replace(/(^|-)[a-z]/g, (c) => c.toUpperCase()), v]) }),
  ],
  ['header-spaces', (t) => head(t, 'x-amz-meta-note', 'two  words,  one;  more')],
  ['header-not-signed', (t) => ({ ...t, headers: t.headers.filter(([n]) => n !== 'content-type') })],
  [
    'header-signed-but-not-listed',
    (t) => ({
      ...t,
      headers: [...t.headers.slice(0, 4), ['user-agent', 'test'], ...t.headers.slice(4)],
      signed: t.signed.replace(';x-amz-content', ';user-agent;x-amz-content'),
    }),
  ],
  ['empty-line-missing', (t) => ({ ...t, gap: '' })],
  ['method-differs', (t) => ({ ...t, method: 'POST' })],
  ['payload-word', (t) => ({ ...t, payload: 'UNSIGNED-PAYLOAD' })],
  ['payload-empty', (t) => ({ ...t, payload: sha256('') })],
  ['payload-hash-form', (t) => ({ ...t, payload: t.payload.toUpperCase() })],
  ['payload-line-ends', (t) => ({ ...t, payload: sha256(BODY.trim()) })],
  ['payload-reformatted', (t) => ({ ...t, payload: sha256(JSON.stringify(JSON.parse(BODY))) })],
  ['region-differs', (t) => ({ ...t, region: 'us-east-1' })],
  ['service-differs', (t) => ({ ...t, service: 'execute-api' })],
  ['date-of-scope', (t) => ({ ...t, date: '20261121' })],
  ['terminator', (t) => ({ ...t, terminator: 'AWS4_REQUEST' })],
  ['time-of-string-to-sign', (t) => ({ ...t, amzDate: '20261122T101113Z' })],
  ['algorithm-line', (t) => ({ ...t, algorithm: 'AWS4-HMAC-SHA1' })],
  ['secret-white-space', (t) => ({ ...t, secret: `${t.secret}\n` })],
  ['secret-form', (t) => ({ ...t, secret: encodeURIComponent(t.secret) })],
  ['secret-is-key-id', (t) => ({ ...t, secret: 'AKID' })],
  // More forms of the same causes.
  ['path-characters', (t) => ({ ...t, uri: t.uri.replace('%2B', '+') })],
  ['path-normalised', (t) => ({ ...t, uri: '/bucket/a%20b/c%2Bd%3A%C3%A9/y.txt' })],
  ['path-encoded-slash', (t) => ({ ...t, uri: `/${t.uri.slice(1).replaceAll('/', '%2F')}` })],
  ['path-slash', (t) => ({ ...t, uri: t.uri.slice(1) })],
  ['query-unsorted', (t) => ({ ...t, query: 'uploads=&prefix=a%20b%2Fc%2Bd&partNumber=7&list-type=2' })],
  ['query-parameter-added', (t) => ({ ...t, query: t.query.replace('&uploads=', '') })],
  ['query-parameter-dropped', (t) => ({ ...t, query: `acl=&${t.query}` })],
  ['host-port', (t) => head(t, 'host', 'store.example.com:443')],
  ['host-rewritten', (t) => head(t, 'host', '127.0.0.1:9000')],
  ['accept-encoding-rewritten', (t) => head(t, 'accept-encoding', 'gzip, deflate, br')],
  ['content-type-rewritten', (t) => head(t, 'content-type', 'application/octet-stream')],
  ['header-spaces', (t) => head(t, 'x-amz-meta-note', 'two words,one; more')],
  ['header-not-signed', (t) => head(t, 'x-amz-meta-note', '')],
  [
    'session-token-unsigned',
    (t) => ({ ...t, headers: t.headers.slice(0, -1), signed: t.signed.replace(';x-amz-security-token', '') }),
  ],
  ['payload-word', (t) => ({ ...t, payload: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' })],
  ['payload-line-ends', (t) => ({ ...t, payload: sha256(`${BODY.trim()}\r\n`) })],
  ['payload-reformatted', (t) => ({ ...t, payload: sha256(JSON.stringify(JSON.parse(BODY), null, 2)) })],
  ['region-differs', (t) => ({ ...t, region: 'auto' })],
  ['service-differs', (t) => ({ ...t, service: 'S3' })],
  ['date-of-scope', (t) => ({ ...t, date: '20261123' })],
  ['secret-white-space', (t) => ({ ...t, secret: ` ${t.secret}` })],
  ['secret-white-space', (t) => ({ ...t, secret: `${t.secret}\r\n` })],
  ['secret-form', (t) => ({ ...t, secret: `"${t.secret}"` })],
  ['method-differs', (t) => ({ ...t, method: 'put' })],
];
