/** Buckets, keys and query parameters in every spelling: one object for signature, policy and store, or a refusal. */
import assert from 'node:assert/strict';
import { refused, runAttacks, served, type Attack } from '../support/attack.ts';
import { forge, forgePresigned, type Forgery } from '../support/forge-request.ts';

const put: Forgery = { method: 'PUT', body: 'payload' };
const bad = (claim: string, status: number, code: string | null, f: Forgery): Attack =>
  refused(claim, status, code, (port) => forge(port, f));
const key = (claim: string, path: string, canonicalPath = path): Attack =>
  served(`a key ${claim}`, 200, (port) => forge(port, { ...put, path, canonicalPath }));
const list = (claim: string, query: string, check?: (text: string) => void): Attack =>
  served(claim, 200, (port) => forge(port, { path: '/kept', query }), {
    check: ({ text }) => check?.(text),
  });
const argument = (claim: string, query: string, path = '/kept'): Attack =>
  bad(claim, 400, 'InvalidArgument', { path, query });
/** The signature of one path on a request for another. */
const other = (claim: string, path: string, canonicalPath: string): Attack =>
  bad(`the signature of another path: ${claim}`, 403, 'SignatureDoesNotMatch', { ...put, path, canonicalPath });

runAttacks([
  key('with a slash that is encoded', '/bucket/a%2Fb', '/bucket/a/b'),
  key('with two slashes', '/bucket/a//b'),
  key('that begins with a slash', '/bucket//a'),
  key('that ends with a slash', '/bucket/a/'),
  key('of a dot', '/bucket/.'),
  key('of two dots', '/bucket/..'),
  key('with segments of dots', '/bucket/a/../../../etc/passwd'),
  key('with encoded dots', '/bucket/%2e%2e/%2E%2E/kept/seed', '/bucket/../../kept/seed'),
  key('with a backslash', '/bucket/a%5C..%5Cb'),
  key('with a NUL', '/bucket/a%00b'),
  key('with a line break', '/bucket/a%0D%0Ab'),
  key('with an escape in lower case', '/bucket/%c3%a9', '/bucket/%C3%A9'),
  key('with a plus', '/bucket/a+b', '/bucket/a%2Bb'),
  key('with a blank', '/bucket/a%20b'),
  key('with an encoded percent', '/bucket/a%2525'),
  key(
    'with every character that needs no escape',
    "/bucket/!$&'()*,;=:@",
    '/bucket/%21%24%26%27%28%29%2A%2C%3B%3D%3A%40',
  ),
  key('with a letter that need not be encoded', '/bucket/%61', '/bucket/a'),
  key('of 1,024 bytes', `/bucket/${'k'.repeat(1024)}`),
  key('of emoji', '/bucket/%F0%9F%98%80'),
  key('with a byte order mark', '/bucket/%EF%BB%BFa'),
  key('of one name with a property of every object', '/bucket/__proto__'),
  bad('a key of 1,025 bytes', 400, 'KeyTooLongError', { ...put, path: `/bucket/${'k'.repeat(1025)}` }),
  bad('a key of 1,025 bytes in few characters', 400, 'KeyTooLongError', {
    ...put,
    path: `/bucket/${'%F0%9F%98%80'.repeat(257)}`,
  }),
  bad('an overlong slash', 400, 'InvalidURI', { ...put, path: '/bucket/a%C0%AFb' }),
  bad('an overlong NUL', 400, 'InvalidURI', { ...put, path: '/bucket/a%C0%80b' }),
  bad('a surrogate', 400, 'InvalidURI', { ...put, path: '/bucket/%ED%A0%80' }),
  bad('a code point above all', 400, 'InvalidURI', { ...put, path: '/bucket/%F4%90%80%80' }),
  bad('a percent alone', 400, 'InvalidURI', { ...put, path: '/bucket/a%' }),
  bad('a percent and one digit', 400, 'InvalidURI', { ...put, path: '/bucket/a%2' }),
  bad('a percent and no digits', 400, 'InvalidURI', { ...put, path: '/bucket/a%zz' }),
  bad('an escape of another kind', 400, 'InvalidURI', { ...put, path: '/bucket/a%u002f' }),
  other('a key that is a prefix', '/bucket/key2', '/bucket/key'),
  other('two slashes', '/bucket//key', '/bucket/key'),
  other('a dot', '/bucket/./key', '/bucket/key'),
  other('two dots', '/bucket/a/../key', '/bucket/key'),
  other('two dots into another bucket', '/bucket/../kept/seed', '/kept/seed'),
  other('a slash at the end', '/bucket/key/', '/bucket/key'),
  other('an escape that is encoded', '/bucket/a%2520b', '/bucket/a%20b'),
  other('a plus for a blank', '/bucket/a+b', '/bucket/a%20b'),
  other('a backslash for a slash', '/bucket/a%5Cb', '/bucket/a/b'),
  other('capitals', '/bucket/KEY', '/bucket/key'),
  other('another normalisation', '/bucket/e%CC%81', '/bucket/%C3%A9'),

  ...['..', '.', 'a', 'ab%2Fcd', 'a%00b', 'b%20c', '-abc', '_abc', 'a'.repeat(256), '%2E%2E', '..%2Fetc', 'b;c'].map(
    (name) => bad(`the bucket name ${name.slice(0, 20)}`, 400, 'InvalidBucketName', { ...put, path: `/${name}/key` }),
  ),
  ...[
    'Bucket',
    'ab',
    'a_b',
    'a..b',
    '-ab',
    'ab-',
    '192.168.0.1',
    'xn--abc',
    'abc-s3alias',
    'abc--ol-s3',
    'sthree-abc',
    'a'.repeat(64),
  ].map((name) =>
    bad(`a new bucket ${name.slice(0, 20)}`, 400, 'InvalidBucketName', { method: 'PUT', path: `/${name}` }),
  ),
  bad('a bucket that is not there', 404, 'NoSuchBucket', { ...put, path: '/absent/key' }),
  bad('a listing of a bucket that is not there', 404, 'NoSuchBucket', { path: '/absent', query: 'list-type=2' }),
  bad('a key that is not there', 404, 'NoSuchKey', { path: '/bucket/absent' }),
  bad('a key below one that is there', 404, 'NoSuchKey', { path: '/kept/seed/below' }),
  bad('a prefix of a key that is there', 404, 'NoSuchKey', { path: '/kept/see' }),
  served('a bucket that is there already', 200, (port) => forge(port, { method: 'PUT', path: '/kept' })),
  bad('a bucket that is not empty', 409, 'BucketNotEmpty', { method: 'DELETE', path: '/kept' }),

  list('a query parameter without "="', 'list-type=2&prefix=', (text) => assert.match(text, /<Key>seed</)),
  served('a query parameter without "=" on the wire', 200, (port) =>
    forge(port, { path: '/kept', query: 'location=' }).toString('latin1').replace('?location=', '?location'),
  ),
  served('a query in another order than it was signed', 200, (port) =>
    forge(port, { path: '/kept', query: 'list-type=2&prefix=s' })
      .toString('latin1')
      .replace('list-type=2&prefix=s', 'prefix=s&list-type=2'),
  ),
  list('a prefix with everything', 'list-type=2&prefix=%20%26%2B%2F%3D%3F', (text) =>
    assert.doesNotMatch(text, /<Key>/),
  ),
  list('max-keys of 0', 'list-type=2&max-keys=0', (text) => assert.match(text, /<IsTruncated>false</)),
  list('max-keys above a page', 'list-type=2&max-keys=2147483647', (text) => assert.match(text, /<MaxKeys>1000</)),
  argument('max-keys that is negative', 'list-type=2&max-keys=-1'),
  argument('max-keys that is none', 'list-type=2&max-keys=abc'),
  argument('max-keys beyond its type', 'list-type=2&max-keys=2147483648'),
  argument('max-keys with a fraction', 'list-type=2&max-keys=1.5'),
  argument('max-keys of version 1', 'max-keys=-5'),
  argument('an encoding that nobody knows', 'encoding-type=base64&list-type=2'),
  argument('an encoding in capitals', 'encoding-type=URL&list-type=2'),
  argument('a continuation token of somebody else', 'continuation-token=abc&list-type=2'),
  argument('a continuation token that is a path', 'continuation-token=..%2F..%2Fetc&list-type=2'),
  argument('max-uploads that is none', 'max-uploads=x&uploads='),
  argument('max-uploads that is negative', 'max-uploads=-1&uploads='),
  argument('max-parts that is none', 'max-parts=x&uploadId=a', '/kept/seed'),
  argument('max-buckets of 0', 'max-buckets=0', '/'),
  argument('max-buckets above all', 'max-buckets=10001', '/'),
  argument('a parameter that stands twice', 'prefix=a&prefix=b'),
  argument('a parameter that stands twice, once encoded', 'prefix=a&prefi%78=b'),
  argument('a response header with a line break', 'response-content-type=a%0D%0Ab', '/kept/seed'),
  bad('a parameter that is not UTF-8', 400, 'InvalidURI', { path: '/kept', query: 'prefix=%FF' }),
  bad('a parameter with a percent alone', 400, 'InvalidURI', { path: '/kept', query: 'prefix=%' }),
  refused('a parameter that was changed', 403, 'SignatureDoesNotMatch', (port) =>
    forge(port, { path: '/kept', query: 'list-type=2&prefix=a' }).toString('latin1').replace('prefix=a', 'prefix='),
  ),
  refused('a parameter that was taken away', 403, 'SignatureDoesNotMatch', (port) =>
    forge(port, { path: '/kept', query: 'list-type=2&prefix=a' }).toString('latin1').replace('&prefix=a', ''),
  ),
  refused('a presigned query with a header name in it', 400, 'InvalidArgument', (port) =>
    forgePresigned(port, { ...put, query: 'x-amz-meta-a%20b=c' }),
  ),
]);
