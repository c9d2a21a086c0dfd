/** The Authorization header, wrong in each of its parts while all others hold; and requests whose time or scope is not ours. */
import { toAmzDate } from '../../sigv4/amz-date.ts';
import { refused, runAttacks, served, type Attack } from '../support/attack.ts';
import { forge, sha256, type Forgery, type Header } from '../support/forge-request.ts';

const MALFORMED = 'AuthorizationHeaderMalformed';
/** Of when this file is read: a test may run a minute later, and more on a busy machine. */
const minutes = (count: number): Date => new Date(Date.now() + count * 60_000);
const day = (days: number): string =>
  new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');

const HTTP_NOW = new Date(Math.floor(Date.now() / 1000) * 1000);

const put: Forgery = { method: 'PUT', body: 'payload' };
const bad = (claim: string, status: number, code: string, f: Forgery): Attack =>
  refused(claim, status, code, (port) => forge(port, { ...put, ...f }));
const header = (claim: string, status: number, code: string, change: (value: string) => string): Attack =>
  bad(claim, status, code, { authorization: change });
const without = (name: string) => (headers: readonly Header[]) => headers.filter(([one]) => one.toLowerCase() !== name);
const good = (claim: string, f: Forgery): Attack => served(claim, 200, (port) => forge(port, { ...put, ...f }));

runAttacks([
  good('a request as every client signs it', {}),
  good('no white space behind the commas', { authorization: (v) => v.replaceAll(', ', ',') }),
  good('a lot of white space behind the commas', { authorization: (v) => v.replaceAll(', ', ',   ') }),
  good('the header name in capitals', { bend: (h) => h.map(([n, v]) => [n.toUpperCase(), v]) }),
  good('signed accept-encoding, user-agent and content-length', {
    headers: [
      ['Accept-Encoding', 'gzip, deflate'],
      ['User-Agent', 'test/1.0  (two  blanks)'],
    ],
  }),
  good('a header that is not signed and not of Amazon', { unsignedHeaders: [['X-Forwarded-Proto', 'https']] }),
  good('a signed metadata header with runs of white space', { headers: [['x-amz-meta-a', 'one   two\tthree']] }),
  good('twelve minutes ago', { at: minutes(-12) }),
  good('fourteen minutes ahead', { at: minutes(14) }),
  good('a Date beside x-amz-date, which says something else', { headers: [['Date', 'Mon, 01 Jan 2001 00:00:00 GMT']] }),

  good('a signed Date instead of x-amz-date', {
    amzDate: null,
    signedAt: toAmzDate(HTTP_NOW),
    headers: [['Date', HTTP_NOW.toUTCString()]],
    scopeDate: toAmzDate(HTTP_NOW).slice(0, 8),
  }),
  bad('a Date that is not signed instead of x-amz-date', 403, 'AccessDenied', {
    amzDate: null,
    signedAt: toAmzDate(HTTP_NOW),
    unsignedHeaders: [['Date', HTTP_NOW.toUTCString()]],
  }),
  bad('a signed Date of a year ago', 403, 'RequestTimeTooSkewed', {
    amzDate: null,
    signedAt: toAmzDate(minutes(-525_600)),
    headers: [['Date', minutes(-525_600).toUTCString()]],
    scopeDate: toAmzDate(minutes(-525_600)).slice(0, 8),
  }),
  bad('a signed Date of another form', 403, 'AccessDenied', { amzDate: null, headers: [['Date', 'yesterday']] }),
  bad('no Authorization', 403, 'AccessDenied', { bend: without('authorization') }),
  header('an empty Authorization', 400, 'InvalidArgument', () => ''),
  header('one word', 400, 'InvalidArgument', () => 'invalid_header'),
  header('an algorithm alone', 400, 'InvalidArgument', () => 'AWS4-HMAC-SHA256'),
  header('an algorithm of another name', 400, 'InvalidArgument', (v) =>
    v.replace('AWS4-HMAC-SHA256', 'AWS2-HMAC-SHA1'),
  ),
  header('the algorithm in lower case', 400, 'InvalidArgument', (v) =>
    v.replace('AWS4-HMAC-SHA256', 'aws4-hmac-sha256'),
  ),
  header('the algorithm with more behind it', 400, 'InvalidArgument', (v) => v.replace('SHA256', 'SHA256-PAYLOAD')),
  header('Bearer', 400, 'InvalidArgument', () => 'Bearer token'),
  header('Basic', 400, 'InvalidArgument', () => 'Basic YTpi'),
  header('Signature Version 2', 400, 'InvalidRequest', () => 'AWS AKIDSTORETEST:c2lnbmF0dXJl'),
  header('Signature Version 4A', 400, 'InvalidRequest', (v) => v.replace('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256')),
  header('no Credential', 400, MALFORMED, (v) => v.replace(/Credential=[^,]+, /, '')),
  header('no SignedHeaders', 400, MALFORMED, (v) => v.replace(/SignedHeaders=[^,]+, /, '')),
  header('no Signature', 400, MALFORMED, (v) => v.replace(/, Signature=.*/, '')),
  header('a part of another name', 400, MALFORMED, (v) => v.replace('Credential=', 'Creds=')),
  header('a part without "="', 400, MALFORMED, (v) => v.replace('SignedHeaders=', 'SignedHeaders-')),
  header('a part in lower case', 400, MALFORMED, (v) => v.replace('Credential=', 'credential=')),
  header('a fourth part', 400, MALFORMED, (v) => `${v}, Extra=1`),
  header('a second Credential', 400, MALFORMED, (v) =>
    v.replace(' ', ' Credential=a/20260101/us-east-1/s3/aws4_request, '),
  ),
  header('a second Signature', 400, MALFORMED, (v) => `${v}, Signature=${'0'.repeat(64)}`),
  header('a comma at the end', 400, MALFORMED, (v) => `${v},`),
  header('semicolons for commas', 400, MALFORMED, (v) => v.replaceAll(', ', '; ')),
  header('an empty Credential', 400, MALFORMED, (v) => v.replace(/Credential=[^,]+/, 'Credential=')),
  header('an empty SignedHeaders', 400, MALFORMED, (v) => v.replace(/SignedHeaders=[^,]+/, 'SignedHeaders=')),
  header('an empty Signature', 400, MALFORMED, (v) => v.replace(/Signature=.*/, 'Signature=')),
  header('a credential of three parts', 400, MALFORMED, (v) => v.replace(/Credential=[^,]+/, 'Credential=a/b/c')),
  header('a credential of six parts', 400, MALFORMED, (v) => v.replace('/s3/', '/s3/extra/')),
  header('an access key with a slash', 400, MALFORMED, (v) => v.replace('AKIDSTORETEST/', 'AKID/STORETEST/')),
  header('no access key', 400, MALFORMED, (v) => v.replace('AKIDSTORETEST/', '/')),
  header('an access key in lower case', 403, 'InvalidAccessKeyId', (v) =>
    v.replace('AKIDSTORETEST/', 'akidstoretest/'),
  ),
  header('a signature in capitals', 403, 'SignatureDoesNotMatch', (v) =>
    v.replace(/[0-9a-f]{64}$/, (s) => s.toUpperCase() + ''),
  ),
  header('half a signature', 403, 'SignatureDoesNotMatch', (v) => v.slice(0, -32)),
  header('a signature with more behind it', 403, 'SignatureDoesNotMatch', (v) => `${v}00`),
  header('a signature of another request', 403, 'SignatureDoesNotMatch', (v) =>
    v.replace(/[0-9a-f]{64}$/, sha256('x')),
  ),
  header('signed headers in capitals', 400, MALFORMED, (v) => v.replace('host', 'Host')),
  header('signed headers not sorted', 400, MALFORMED, (v) =>
    v.replace('host;', '').replace('x-amz-date', 'x-amz-date;host'),
  ),
  header('a signed header twice', 400, MALFORMED, (v) => v.replace('host;', 'host;host;')),
  header('an empty name among them', 400, MALFORMED, (v) => v.replace('host;', 'host;;')),
  header('a signed header that is not there', 403, 'SignatureDoesNotMatch', (v) => v.replace('host;', 'host;range;')),
  bad('another secret', 403, 'SignatureDoesNotMatch', { secret: 'guess' }),
  bad('an empty secret', 403, 'SignatureDoesNotMatch', { secret: '' }),
  bad('a key that nobody has', 403, 'InvalidAccessKeyId', { accessKeyId: 'AKIDNOBODY' }),
  bad('a key named like a property of every object', 403, 'InvalidAccessKeyId', { accessKeyId: '__proto__' }),
  bad('a session token with a permanent key', 400, 'InvalidToken', { headers: [['x-amz-security-token', 'token']] }),
  bad('another region', 400, MALFORMED, { region: 'eu-west-1' }),
  bad('the region in capitals', 400, MALFORMED, { region: 'US-EAST-1' }),
  bad('another service', 400, MALFORMED, { service: 'ec2' }),
  bad('another terminator', 400, MALFORMED, { terminator: 'aws5_request' }),
  bad('the scope of yesterday', 400, MALFORMED, { scopeDate: day(-1) }),
  bad('the scope of tomorrow', 400, MALFORMED, { scopeDate: day(1) }),
  bad('a scope whose day has ten digits', 400, MALFORMED, { scopeDate: '3223423234' }),
  bad('a scope whose day is none', 400, MALFORMED, { scopeDate: '20261340' }),
  bad('sixteen minutes ago', 403, 'RequestTimeTooSkewed', { at: minutes(-16) }),
  bad('twenty minutes ahead', 403, 'RequestTimeTooSkewed', { at: minutes(20) }),
  bad('a year ago', 403, 'RequestTimeTooSkewed', { at: minutes(-525_600) }),
  bad('five days ahead', 403, 'RequestTimeTooSkewed', { at: minutes(7_200) }),
  bad('no time at all', 403, 'AccessDenied', { amzDate: null }),
  bad('an empty time', 403, 'AccessDenied', { amzDate: '' }),
  bad('a time of another form', 403, 'AccessDenied', { amzDate: '03032006' }),
  bad('a time with a zone', 403, 'AccessDenied', { amzDate: '20260101T000000+0000' }),
  bad('a time with dashes', 403, 'AccessDenied', { amzDate: new Date().toISOString() }),
  bad('a 30th of February', 403, 'AccessDenied', { amzDate: '20260230T000000Z' }),
  bad('a time that is signed as another', 403, 'SignatureDoesNotMatch', { signedAt: '20260101T000000Z' }),
  bad('a time that is not signed', 403, 'AccessDenied', { signedHeaders: ['host', 'x-amz-content-sha256'] }),
  bad('a host that is not signed', 403, 'AccessDenied', { signedHeaders: ['x-amz-content-sha256', 'x-amz-date'] }),
  bad('a payload hash that is not signed', 403, 'AccessDenied', { signedHeaders: ['host', 'x-amz-date'] }),
  bad('metadata that are not signed', 403, 'AccessDenied', { unsignedHeaders: [['x-amz-meta-a', 'b']] }),
  bad('a copy source that is not signed', 403, 'AccessDenied', {
    unsignedHeaders: [['x-amz-copy-source', 'kept/seed']],
  }),
  bad('an ACL that is not signed', 403, 'AccessDenied', { unsignedHeaders: [['X-Amz-Acl', 'public-read']] }),
  bad('a session token that is not signed', 403, 'AccessDenied', { unsignedHeaders: [['x-amz-security-token', 'a']] }),
  bad('a signed header that changed', 403, 'SignatureDoesNotMatch', {
    headers: [['Content-Type', 'text/plain']],
    bend: (h) => h.map(([n, v]) => [n, n === 'Content-Type' ? 'text/html' : v]),
  }),
  bad('another Host', 403, 'SignatureDoesNotMatch', {
    bend: (h) => h.map(([n, v]) => [n, n === 'Host' ? 'example.com' : v]),
  }),
  bad('another method', 403, 'SignatureDoesNotMatch', { signedMethod: 'GET' }),
  bad('no payload hash', 400, 'InvalidRequest', { bend: without('x-amz-content-sha256') }),
  bad('a payload hash of another form', 400, 'InvalidArgument', { payloadHash: 'invalid_sha256' }),
  bad('an empty payload hash', 400, 'InvalidArgument', { payloadHash: '' }),
  bad('a streaming word that nobody knows', 400, 'InvalidArgument', { payloadHash: 'STREAMING-PAYLOAD' }),
  bad('the unsigned word in lower case', 400, 'InvalidArgument', { payloadHash: 'unsigned-payload' }),
  bad('the hash of another body', 400, 'XAmzContentSHA256Mismatch', { payloadHash: sha256('other') }),
  bad('two Authorization headers', 400, 'InvalidRequest', {
    bend: (h) => [...h, ...h.filter(([n]) => n === 'Authorization')],
  }),
  bad('a second x-amz-date', 400, 'InvalidRequest', { unsignedHeaders: [['X-AMZ-Date', '20260101T000000Z']] }),
  bad('a second x-amz-content-sha256', 400, 'InvalidRequest', {
    unsignedHeaders: [['X-Amz-Content-Sha256', 'UNSIGNED-PAYLOAD']],
  }),
  bad('a second Host', 400, 'InvalidRequest', { unsignedHeaders: [['host', 'example.com']] }),
  bad('a second Content-Type', 400, 'InvalidRequest', {
    headers: [['Content-Type', 'a/b']],
    unsignedHeaders: [['content-type', 'text/html']],
  }),
  bad('a second x-amz-meta of one name', 400, 'InvalidRequest', {
    headers: [['x-amz-meta-a', 'b']],
    unsignedHeaders: [['X-Amz-Meta-A', 'c']],
  }),
  bad('header and query authentication together', 400, 'InvalidArgument', {
    query: 'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00',
  }),
  bad('a header and Signature Version 2 in the query', 400, 'InvalidArgument', {
    query: 'AWSAccessKeyId=a&Expires=9999999999&Signature=b',
  }),
]);
