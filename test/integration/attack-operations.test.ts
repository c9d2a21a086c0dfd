/** What is asked for: without a signature, by methods and subresources that are not offered, with copies, parts and ranges that are none. */
import assert from 'node:assert/strict';
import { refused, runAttacks, served, type Attack } from '../support/attack.ts';
import { forge, type Forgery, type Header } from '../support/forge-request.ts';

const bad = (claim: string, status: number, code: string | null, f: Forgery): Attack =>
  refused(claim, status, code, (port) => forge(port, f));
const good = (claim: string, status: number, f: Forgery, check?: (head: string, text: string) => void): Attack =>
  served(claim, status, (port) => forge(port, f), { check: ({ head, text }) => check?.(head, text) });
const seed = (...headers: Header[]): Forgery => ({ path: '/kept/seed', headers });
const copy = (source: string, more: readonly Header[] = []): Forgery => ({
  method: 'PUT',
  headers: [['x-amz-copy-source', source], ...more],
});

/** Each operation, by its request. */
const OPERATIONS: readonly (readonly [method: string, target: string])[] = [
  ['GET', '/'],
  ['PUT', '/new-bucket'],
  ['HEAD', '/kept'],
  ['DELETE', '/bucket'],
  ['GET', '/kept'],
  ['GET', '/kept?list-type=2'],
  ['GET', '/kept?location'],
  ['GET', '/kept?versioning'],
  ['GET', '/kept?versions'],
  ['GET', '/kept?uploads'],
  ['POST', '/kept?delete'],
  ['POST', '/bucket'],
  ['GET', '/kept/seed'],
  ['HEAD', '/kept/seed'],
  ['PUT', '/bucket/key'],
  ['DELETE', '/kept/seed'],
  ['POST', '/bucket/key?uploads'],
  ['PUT', '/bucket/key?partNumber=1&uploadId=a'],
  ['POST', '/bucket/key?uploadId=a'],
  ['DELETE', '/bucket/key?uploadId=a'],
  ['GET', '/bucket/key?uploadId=a'],
  ['GET', '/kept/seed?tagging'],
  ['PUT', '/kept/seed?tagging'],
  ['DELETE', '/kept/seed?tagging'],
  ['GET', '/kept/seed?attributes'],
  ['GET', '/kept?policy'],
  ['GET', '/absent-bucket/key'],
  ['OPTIONS', '/kept/seed'],
  ['PATCH', '/kept/seed'],
];

const OF_BUCKETS =
  'abac accelerate acl analytics cors encryption intelligent-tiering inventory inventoryTable journalTable lifecycle logging metadataConfiguration metadataTable ' +
  'metrics notification object-lock ownershipControls policy policyStatus publicAccessBlock replication requestPayment session tagging website';
const OF_OBJECTS = 'acl legal-hold restore retention torrent select encryption renameObject annotation from-the-future';
const subresources = (names: string, path: string): Attack[] =>
  names
    .split(' ')
    .flatMap((name) =>
      ['GET', 'PUT', 'DELETE', 'POST'].map((method) =>
        bad(`${method} ?${name} of ${path}`, 501, 'NotImplemented', { method, path, query: `${name}=` }),
      ),
    );

runAttacks([
  ...OPERATIONS.flatMap(([method, target]): Attack[] => {
    const head = (port: number): string =>
      `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1:${String(port)}\r\nContent-Length: 0\r\n`;
    return [
      refused(`anonymous: ${method} ${target}`, 403, 'AccessDenied', (port) => `${head(port)}\r\n`),
      refused(
        `a key that is only named: ${method} ${target}`,
        400,
        'AuthorizationHeaderMalformed',
        (port) =>
          `${head(port)}Authorization: AWS4-HMAC-SHA256 Credential=AKIDSTORETEST/20260101/us-east-1/s3/aws4_request\r\n\r\n`,
      ),
    ];
  }),
  ...['GET', 'HEAD'].map((method) =>
    refused(
      `anonymous, with a header of the answer of one's own: ${method}`,
      400,
      'InvalidRequest',
      (port) => `${method} /kept/seed?response-expires=a HTTP/1.1\r\nHost: 127.0.0.1:${String(port)}\r\n\r\n`,
    ),
  ),
  refused(
    'anonymous, with a header of the answer where none is taken',
    403,
    'AccessDenied',
    (port) => `GET /kept?response-expires=a HTTP/1.1\r\nHost: 127.0.0.1:${String(port)}\r\n\r\n`,
  ),
  bad('a marker of a version without one of a key', 400, 'InvalidArgument', {
    path: '/kept',
    query: 'version-id-marker=a&versions=',
  }),
  ...subresources(OF_BUCKETS, '/bucket'),
  ...subresources(OF_OBJECTS, '/kept/seed'),
  bad('a browser form', 501, 'NotImplemented', { method: 'POST', path: '/bucket', body: 'a=b' }),
  bad('a browser form that is encoded as one', 501, 'NotImplemented', {
    method: 'POST',
    path: '/bucket',
    headers: [['Content-Type', 'multipart/form-data; boundary=a']],
    body: '--a\r\nContent-Disposition: form-data; name="key"\r\n\r\nkey\r\n--a--\r\n',
  }),
  bad('POST of the service', 405, 'MethodNotAllowed', { method: 'POST', path: '/' }),
  bad('PUT of the service', 405, 'MethodNotAllowed', { method: 'PUT', path: '/' }),
  bad('DELETE of the service', 405, 'MethodNotAllowed', { method: 'DELETE', path: '/' }),
  bad('POST of an object', 405, 'MethodNotAllowed', { method: 'POST', path: '/kept/seed' }),
  bad('PATCH of an object', 405, 'MethodNotAllowed', { method: 'PATCH', path: '/kept/seed' }),
  bad('PATCH of a bucket', 405, 'MethodNotAllowed', { method: 'PATCH', path: '/kept' }),
  bad('TRACE', 405, 'MethodNotAllowed', { method: 'TRACE', path: '/kept/seed' }),
  bad('PUT with an upload and no part number', 405, 'MethodNotAllowed', { method: 'PUT', query: 'uploadId=a' }),
  bad('?uploads of an object', 400, 'InvalidRequest', { path: '/kept/seed', query: 'uploads=' }),
  bad('?versions of an object', 400, 'InvalidRequest', { path: '/kept/seed', query: 'versions=' }),

  good('a copy', 200, copy('kept/seed')),
  good('a copy whose source begins with a slash', 200, copy('/kept/seed')),
  good('a copy whose source is encoded', 200, copy('kept%2Fs%65ed')),
  bad('a copy of what is not there', 404, 'NoSuchKey', copy('kept/absent')),
  bad('a copy of a bucket that is not there', 404, 'NoSuchBucket', copy('absent/key')),
  bad('a copy without a source', 400, 'InvalidArgument', copy('')),
  bad('a copy of a bucket', 400, 'InvalidArgument', copy('kept')),
  bad('a copy of an empty key', 400, 'InvalidArgument', copy('kept/')),
  bad('a copy of a source that is no encoding', 400, 'InvalidArgument', copy('kept/a%zz')),
  bad('a copy of a source that is not UTF-8', 400, 'InvalidArgument', copy('kept/%FF')),
  bad('a copy of two dots', 400, null, copy('../etc/passwd')),
  bad('a copy of a URL', 400, null, copy('http://127.0.0.1/kept/seed')),
  bad('a copy that climbs', 404, 'NoSuchKey', copy('kept/../kept/seed')),
  bad('a copy of an encoded encoding', 404, 'NoSuchKey', copy('kept/%2573eed')),
  bad('a copy of an empty version', 400, 'InvalidArgument', copy('kept/seed?versionId=')),
  bad('a copy of a version that is none', 404, 'NoSuchVersion', copy('kept/seed?versionId=abc')),
  bad(
    'a copy with a directive that nobody knows',
    400,
    'InvalidArgument',
    copy('kept/seed', [['x-amz-metadata-directive', 'MERGE']]),
  ),
  bad(
    'a copy with a tagging directive that nobody knows',
    400,
    'InvalidArgument',
    copy('kept/seed', [['x-amz-tagging-directive', 'a']]),
  ),
  bad(
    'a copy under another ETag',
    412,
    'PreconditionFailed',
    copy('kept/seed', [['x-amz-copy-source-if-match', '"a"']]),
  ),
  bad('a copy source on a GET', 400, 'InvalidArgument', seed(['x-amz-copy-source', 'kept/seed'])),
  bad('a copy source on a DELETE', 400, 'InvalidArgument', {
    ...seed(['x-amz-copy-source', 'kept/seed']),
    method: 'DELETE',
  }),
  bad('a copy onto itself', 400, 'InvalidRequest', { ...copy('kept/seed'), path: '/kept/seed' }),

  ...['0', '-1', '10001', 'abc', '', '1.5', '99999999999', '%201', '0x1'].map((part) =>
    bad(`part number ${part}`, 400, 'InvalidArgument', {
      method: 'PUT',
      query: `partNumber=${part}&uploadId=a`,
      body: 'a',
    }),
  ),
  bad('a part without an upload', 400, 'InvalidArgument', { method: 'PUT', query: 'partNumber=1', body: 'a' }),
  ...['', 'a', '..%2F..%2Fx', '%00', 'a'.repeat(1000), '0'.repeat(32)].map((id) =>
    bad(`a part of upload ${id.slice(0, 10)}`, 404, 'NoSuchUpload', {
      method: 'PUT',
      query: `partNumber=1&uploadId=${id}`,
      body: 'a',
    }),
  ),
  bad('the end of an upload that is not there', 404, 'NoSuchUpload', {
    method: 'POST',
    query: 'uploadId=a',
    body: '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>',
  }),
  bad('the abortion of an upload that is not there', 404, 'NoSuchUpload', { method: 'DELETE', query: 'uploadId=a' }),
  bad('the parts of an upload that is not there', 404, 'NoSuchUpload', { query: 'uploadId=a' }),
  bad('a part number of a read that is none', 400, 'InvalidArgument', { path: '/kept/seed', query: 'partNumber=abc' }),
  bad('a part of a read beyond the last', 416, 'InvalidPartNumber', { path: '/kept/seed', query: 'partNumber=2' }),
  bad('a part and a range', 400, 'InvalidRequest', { ...seed(['Range', 'bytes=0-1']), query: 'partNumber=1' }),
  bad('a version that is none', 404, 'NoSuchVersion', { path: '/kept/seed', query: 'versionId=abc' }),
  bad('an empty version', 400, 'InvalidArgument', { path: '/kept/seed', query: 'versionId=' }),

  good('a range', 206, seed(['Range', 'bytes=1-2']), (_, text) => assert.equal(text, 'ee')),
  good('the last bytes', 206, seed(['Range', 'bytes=-2']), (_, text) => assert.equal(text, 'ed')),
  good('a range beyond the end', 206, seed(['Range', 'bytes=2-999999999999']), (_, text) => assert.equal(text, 'ed')),
  ...[
    'bytes=2-1',
    'bytes=a-b',
    'bytes',
    'lines=0-1',
    'bytes=0-1,2-3',
    'bytes=-',
    'bytes=1-2x',
    'bytes=--1',
    `bytes=0-${'9'.repeat(30)}`,
  ].map((range) =>
    good(`a range that is none: ${range}`, 200, seed(['Range', range]), (_, text) => assert.equal(text, 'seed')),
  ),
  bad('a range behind the end', 416, 'InvalidRange', seed(['Range', 'bytes=4-'])),
  bad('the last 0 bytes', 416, 'InvalidRange', seed(['Range', 'bytes=-0'])),
  good('a condition on a date that is none', 200, seed(['If-Modified-Since', 'yesterday'])),
  refused('If-Modified-Since in the future', 304, '', (port) =>
    forge(port, seed(['If-Modified-Since', 'Fri, 01 Jan 2100 00:00:00 GMT'])),
  ),
  bad('If-Match of another', 412, 'PreconditionFailed', seed(['If-Match', '"a"'])),
  bad(
    'If-Unmodified-Since long ago',
    412,
    'PreconditionFailed',
    seed(['If-Unmodified-Since', 'Sat, 01 Jan 2000 00:00:00 GMT']),
  ),
  refused('If-None-Match of all', 304, '', (port) => forge(port, seed(['If-None-Match', '*']))),
  bad('a write under If-None-Match of one', 501, 'NotImplemented', {
    method: 'PUT',
    headers: [['If-None-Match', '"a"']],
  }),
  bad('a write under If-None-Match over what is there', 412, 'PreconditionFailed', {
    method: 'PUT',
    path: '/kept/seed',
    headers: [['If-None-Match', '*']],
    body: 'other',
  }),
  bad('a write under If-Match of another', 412, 'PreconditionFailed', {
    method: 'PUT',
    path: '/kept/seed',
    headers: [['If-Match', '"a"']],
    body: 'other',
  }),
  bad('a write under If-Match of what is not there', 404, 'NoSuchKey', {
    method: 'PUT',
    headers: [['If-Match', '"a"']],
    body: 'other',
  }),

  bad('a public ACL', 400, 'AccessControlListNotSupported', { method: 'PUT', headers: [['x-amz-acl', 'public-read']] }),
  bad('a grant', 400, 'AccessControlListNotSupported', { method: 'PUT', headers: [['x-amz-grant-read', 'uri=a']] }),
  bad('a storage class that nobody knows', 400, 'InvalidStorageClass', {
    method: 'PUT',
    headers: [['x-amz-storage-class', 'COLD']],
  }),
  bad('a key of the customer', 501, 'NotImplemented', {
    method: 'PUT',
    headers: [['x-amz-server-side-encryption-customer-algorithm', 'AES256']],
  }),
  bad('a lock', 501, 'NotImplemented', { method: 'PUT', headers: [['x-amz-object-lock-mode', 'GOVERNANCE']] }),
  bad('metadata above 2 KiB', 400, 'MetadataTooLarge', {
    method: 'PUT',
    headers: [['x-amz-meta-a', 'a'.repeat(2049)]],
  }),
]);
