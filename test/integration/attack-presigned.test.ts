/** Presigned URLs, wrong in each parameter while all others hold. */
import { toAmzDate } from '../../sigv4/amz-date.ts';
import { refused, runAttacks, served, type Attack } from '../support/attack.ts';
import { forgePresigned, type Header, type PresignedForgery } from '../support/forge-request.ts';

const MALFORMED = 'AuthorizationQueryParametersError';
const minutes = (count: number): Date => new Date(Date.now() + count * 60_000);
const get: PresignedForgery = { path: '/kept/seed' };
const put: PresignedForgery = { method: 'PUT', body: 'payload' };

const good = (claim: string, f: PresignedForgery): Attack => served(claim, 200, (port) => forgePresigned(port, f));
const bad = (claim: string, status: number, code: string, f: PresignedForgery): Attack =>
  refused(claim, status, code, (port) => forgePresigned(port, { ...get, ...f }));
const set =
  (name: string, value: string | null) =>
  (parameters: readonly Header[]): readonly Header[] =>
    parameters.flatMap(([one, before]): Header[] =>
      one !== name ? [[one, before]] : value === null ? [] : [[one, value]],
    );
const add =
  (name: string, value: string) =>
  (parameters: readonly Header[]): readonly Header[] => [...parameters, [name, value]];
const REQUIRED = ['X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Date', 'X-Amz-Expires', 'X-Amz-SignedHeaders'];
const credential = (value: string): PresignedForgery => ({ parameters: set('X-Amz-Credential', value) });
const today = toAmzDate(new Date()).slice(0, 8);

runAttacks([
  good('a presigned GET', get),
  good('a presigned PUT', put),
  good('the longest expiry', { ...get, expires: '604800' }),
  good('six days old and valid for seven', { ...get, at: minutes(-6 * 1440), expires: '604800' }),
  good('a response header of its own, signed', { ...get, query: 'response-content-type=text%2Fplain' }),
  good('a header that is not signed and not of Amazon', { ...get, unsignedHeaders: [['User-Agent', 'a']] }),
  good('a Content-Type that is not signed', { ...put, unsignedHeaders: [['Content-Type', 'text/plain']] }),
  good('metadata in the query', { ...put, query: 'x-amz-meta-a=b' }),
  good('a payload word in the query', { ...put, parameters: add('X-Amz-Content-Sha256', 'UNSIGNED-PAYLOAD') }),

  ...REQUIRED.map((name) => bad(`no ${name}`, 400, MALFORMED, { parameters: set(name, null) })),
  ...REQUIRED.map((name) => bad(`an empty ${name}`, 400, MALFORMED, { parameters: set(name, '') })),
  refused('no X-Amz-Signature', 400, MALFORMED, (port) =>
    forgePresigned(port, get)
      .toString('latin1')
      .replace(/&X-Amz-Signature=[0-9a-f]+/, ''),
  ),
  refused('an empty X-Amz-Signature', 400, MALFORMED, (port) =>
    forgePresigned(port, get)
      .toString('latin1')
      .replace(/(&X-Amz-Signature=)[0-9a-f]+/, '$1'),
  ),
  refused('a signature that was cut', 403, 'SignatureDoesNotMatch', (port) =>
    forgePresigned(port, get)
      .toString('latin1')
      .replace(/(&X-Amz-Signature=[0-9a-f]{20})[0-9a-f]+/, '$1'),
  ),
  refused('parameter names in lower case', 403, 'AccessDenied', (port) =>
    forgePresigned(port, get)
      .toString('latin1')
      .replace(/X-Amz-\w+=/g, (name) => name.toLowerCase()),
  ),
  bad('another algorithm', 400, MALFORMED, { algorithm: 'AWS4-SHA256' }),
  bad('Signature Version 4A', 400, MALFORMED, { algorithm: 'AWS4-ECDSA-P256-SHA256' }),
  bad('a credential of three parts', 400, MALFORMED, credential('access/hello/world')),
  bad('a credential of six parts', 400, MALFORMED, credential(`A/${today}/us-east-1/s3/more/aws4_request`)),
  bad('another terminator', 400, MALFORMED, { terminator: 'aws5_request' }),
  bad('another service', 400, MALFORMED, { service: 'sns' }),
  bad('another region', 400, MALFORMED, { region: 'eu-west-1' }),
  bad('a scope whose day is none', 400, MALFORMED, { scopeDate: '32234Z34' }),
  bad('a scope of another day', 400, MALFORMED, { scopeDate: '20060102' }),
  bad('a date of another form', 400, MALFORMED, { parameters: set('X-Amz-Date', '2026-01-01T00:00:00Z') }),
  bad('an expiry of 0', 400, MALFORMED, { expires: '0' }),
  bad('a negative expiry', 400, MALFORMED, { expires: '-3' }),
  bad('an expiry above seven days', 400, MALFORMED, { expires: '604801' }),
  bad('an expiry of eight digits', 400, MALFORMED, { expires: '60580000' }),
  bad('an expiry beyond every number', 400, MALFORMED, { expires: '9'.repeat(400) }),
  bad('an expiry that is none', 400, MALFORMED, { expires: 'invalid_value' }),
  bad('an expiry with a fraction', 400, MALFORMED, { expires: '1.5' }),
  bad('an expiry in hexadecimal', 400, MALFORMED, { expires: '0x10' }),
  bad('an expiry with a blank', 400, MALFORMED, { expires: ' 60' }),
  bad('expired', 403, 'AccessDenied', { at: minutes(-5), expires: '60' }),
  bad('expired after seven days', 403, 'AccessDenied', { at: minutes(-7 * 1440 - 1), expires: '604800' }),
  bad('twenty minutes ahead', 403, 'AccessDenied', { at: minutes(20) }),
  bad('a day ahead', 403, 'AccessDenied', { at: minutes(1440), expires: '604800' }),
  bad('another secret', 403, 'SignatureDoesNotMatch', { secret: 'guess' }),
  bad('a key that nobody has', 403, 'InvalidAccessKeyId', { accessKeyId: 'AKIDNOBODY' }),
  bad('a token for a permanent key', 400, 'InvalidToken', { parameters: add('X-Amz-Security-Token', 'token') }),
  bad('a token that was added', 400, 'InvalidToken', { unsignedQuery: 'X-Amz-Security-Token=token' }),
  bad('a token in a header', 400, MALFORMED, { headers: [['x-amz-security-token', 'token']] }),
  bad('a parameter that was added', 403, 'SignatureDoesNotMatch', {
    unsignedQuery: 'response-content-type=text%2Fhtml',
  }),
  bad('a version that was added', 403, 'SignatureDoesNotMatch', { unsignedQuery: 'versionId=null' }),
  bad('a header parameter that was added', 403, 'SignatureDoesNotMatch', {
    ...put,
    unsignedQuery: 'x-amz-acl=private',
  }),
  bad('a parameter without a name', 403, 'SignatureDoesNotMatch', { unsignedQuery: '=x' }),
  bad('a second X-Amz-Expires', 400, 'InvalidArgument', { unsignedQuery: 'X-Amz-Expires=604800' }),
  bad('a second X-Amz-Date', 400, 'InvalidArgument', { unsignedQuery: `X-Amz-Date=${toAmzDate(new Date())}` }),
  bad('a second X-Amz-Signature', 400, 'InvalidArgument', { unsignedQuery: `X-Amz-Signature=${'0'.repeat(64)}` }),
  bad('a second X-Amz-Credential', 400, 'InvalidArgument', { unsignedQuery: 'X-Amz-Credential=a' }),
  bad('an unsigned x-amz header', 403, 'AccessDenied', { ...put, unsignedHeaders: [['x-amz-meta-a', 'b']] }),
  bad('an unsigned copy source', 403, 'AccessDenied', {
    ...put,
    unsignedHeaders: [['x-amz-copy-source', 'kept/seed']],
  }),
  bad('a host that is not signed', 403, 'AccessDenied', { headers: [['x-a', 'b']], signedHeaders: ['x-a'] }),
  bad('another Host', 403, 'SignatureDoesNotMatch', { bend: (h) => h.map(([n, v]) => [n, n === 'Host' ? 'a.b' : v]) }),
  bad('a GET that is sent as a DELETE', 403, 'SignatureDoesNotMatch', { method: 'DELETE', signedMethod: 'GET' }),
  bad('a signature of another key', 403, 'SignatureDoesNotMatch', { canonicalPath: '/kept/other' }),
  bad('a payload hash that does not hold', 400, 'XAmzContentSHA256Mismatch', {
    ...put,
    path: '/bucket/key',
    payloadHash: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    parameters: add('X-Amz-Content-Sha256', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'),
  }),
  bad('a payload hash of another form', 400, 'InvalidArgument', {
    ...put,
    payloadHash: 'abc',
    parameters: add('X-Amz-Content-Sha256', 'abc'),
  }),
  bad('a header name that is none', 400, MALFORMED, { parameters: set('X-Amz-SignedHeaders', 'host;x amz') }),
  bad('Signature Version 2 beside it', 400, 'InvalidArgument', { unsignedHeaders: [['Authorization', 'AWS a:b']] }),
  refused(
    'Signature Version 2',
    400,
    'InvalidRequest',
    (port) =>
      `GET /kept/seed?AWSAccessKeyId=AKIDSTORETEST&Expires=9999999999&Signature=c2ln HTTP/1.1\r\nHost: 127.0.0.1:${String(port)}\r\n\r\n`,
  ),
  refused(
    'Signature Version 2 with a token',
    400,
    'InvalidRequest',
    (port) =>
      `GET /kept/seed?AWSAccessKeyId=A&Expires=1&Signature=c&x-amz-security-token=t HTTP/1.1\r\nHost: 127.0.0.1:${String(port)}\r\n\r\n`,
  ),
]);
