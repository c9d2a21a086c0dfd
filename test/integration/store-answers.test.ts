/** What S3's clients and cleaners read beside objects: owners, versions, conditions of deletions, locations, redirects. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { send, type Answer } from '../support/signed-request.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

let store: StartedStore;
before(async () => {
  store = await startStore({ buckets: ['bucket', 'second', 'third'] });
});
after(() => store.close());

type Headers = readonly (readonly [string, string])[];

const ask = (method: string, target: string, headers: Headers = [], body?: string): Promise<Answer> =>
  send(store, { method, target, headers, ...(body !== undefined && { body }) });
const codeOf = ({ status, code }: Answer): [number, string] => [status, code];
const elementsOf = ({ text }: Answer, name: string): string[] =>
  [...text.matchAll(new RegExp(`<${name}>([^<]*)<`, 'g'))].map(([, value]) => value ?? '');
const deleteAll = (body: string): Promise<Answer> =>
  ask('POST', '/bucket?delete', [['Content-MD5', createHash('md5').update(body).digest('base64')]], body);

test('a bucket belongs to whoever asks, and nothing is done to the bucket of somebody else', async () => {
  const { accessKeyId } = store.credentials;
  assert.deepEqual(elementsOf(await ask('GET', '/'), 'ID'), [accessKeyId]);
  const owner: Headers = [['x-amz-expected-bucket-owner', '123456789012']];
  for (const [method, target] of [
    ['PUT', '/bucket/owned'],
    ['GET', '/bucket?list-type=2'],
    ['DELETE', '/third'],
  ] as const) {
    assert.deepEqual(codeOf(await ask(method, target, owner)), [403, 'AccessDenied'], method);
  }
  assert.equal((await ask('PUT', '/bucket/owned', [['x-amz-expected-bucket-owner', accessKeyId]], 'x')).status, 200);
  const fetched = await ask('GET', '/bucket?list-type=2&fetch-owner=true');
  assert.deepEqual(elementsOf(fetched, 'ID'), [accessKeyId]);
  assert.deepEqual(elementsOf(await ask('GET', '/bucket?list-type=2'), 'ID'), []);
});

test('buckets are listed page by page, by prefix and by region', async () => {
  const first = await ask('GET', '/?max-buckets=2');
  assert.deepEqual(elementsOf(first, 'Name'), ['bucket', 'second']);
  const token = elementsOf(first, 'ContinuationToken')[0] ?? '';
  const rest = await ask('GET', `/?max-buckets=2&continuation-token=${token}`);
  assert.deepEqual([elementsOf(rest, 'Name'), elementsOf(rest, 'ContinuationToken')], [['third'], []]);
  assert.deepEqual(elementsOf(await ask('GET', '/?prefix=th'), 'Name'), ['third']);
  assert.deepEqual(elementsOf(await ask('GET', '/?bucket-region=eu-west-1'), 'Name'), []);
  assert.deepEqual(codeOf(await ask('GET', '/?max-buckets=0')), [400, 'InvalidArgument']);
});

test('every object is its own only version, page by page', async () => {
  for (const key of ['v/a', 'v/b', 'w']) await ask('PUT', `/second/${key}`, [], key);
  const first = await ask('GET', '/second?versions&max-keys=2');
  assert.deepEqual(elementsOf(first, 'VersionId'), ['null', 'null']);
  const marker = elementsOf(first, 'NextKeyMarker')[0] ?? '';
  const rest = await ask('GET', `/second?versions&max-keys=2&key-marker=${encodeURIComponent(marker)}`);
  assert.deepEqual([...elementsOf(first, 'Key'), ...elementsOf(rest, 'Key')], ['v/a', 'v/b', 'w']);
  assert.match((await ask('GET', '/second?versions&delimiter=%2F')).text, /<CommonPrefixes><Prefix>v\/</);
  assert.match((await ask('GET', '/second?versioning')).text, /<VersioningConfiguration xmlns="[^"]*"><\/Versioning/);
  assert.deepEqual(codeOf(await ask('GET', '/second/w?versionId=')), [400, 'InvalidArgument']);
});

test('a deletion under a condition happens only when it holds, one by one and in a list', async () => {
  const etag = String((await ask('PUT', '/bucket/kept', [], 'kept')).headers.etag);
  assert.deepEqual(codeOf(await ask('DELETE', '/bucket/kept', [['If-Match', '"other"']])), [412, 'PreconditionFailed']);
  assert.equal((await ask('DELETE', '/bucket/kept', [['x-amz-if-match-size', '5']])).status, 412);
  const listed = await deleteAll('<Delete><Object><Key>kept</Key><ETag>"other"</ETag></Object></Delete>');
  assert.deepEqual(elementsOf(listed, 'Code'), ['PreconditionFailed']);
  assert.equal((await ask('HEAD', '/bucket/kept')).status, 200);
  assert.equal(
    (
      await ask('DELETE', '/bucket/kept', [
        ['If-Match', etag],
        ['x-amz-if-match-size', '4'],
      ])
    ).status,
    204,
  );
  assert.equal((await ask('HEAD', '/bucket/kept')).status, 404);
});

test('a key that is too long is an error of its own, and not sent back whole', async () => {
  const { text } = await deleteAll(
    `<Delete><Object><Key>${'k'.repeat(5000)}</Key></Object><Object><Key>absent</Key></Object></Delete>`,
  );
  assert.match(text, /<Code>KeyTooLongError<.*<Deleted><Key>absent</);
  assert.ok(text.length < 2500, String(text.length));
  const empty = await deleteAll('<Delete><Object><Key></Key></Object><Object><Key>absent</Key></Object></Delete>');
  assert.deepEqual(codeOf(empty), [400, 'MalformedXML']);
});

test('a bucket that could not be what it is asked to be is not made', async () => {
  const configure = (inside: string): string => `<CreateBucketConfiguration>${inside}</CreateBucketConfiguration>`;
  for (const [headers, body, status, code] of [
    [[], configure('<LocationConstraint>eu-west-1</LocationConstraint>'), 400, 'InvalidLocationConstraint'],
    [[], configure('<Surprise/>'), 400, 'MalformedXML'],
    [[['x-amz-acl', 'public-read']], '', 400, 'InvalidBucketAclWithObjectOwnership'],
    [[['x-amz-acl', 'mine']], '', 400, 'InvalidArgument'],
    [[['x-amz-bucket-object-lock-enabled', 'true']], '', 501, 'NotImplemented'],
  ] as const) {
    assert.deepEqual(codeOf(await ask('PUT', '/not-made', headers, body)), [status, code]);
  }
  assert.equal((await ask('HEAD', '/not-made')).status, 404);
});

test('a redirect is kept and told, and a copy does not inherit it', async () => {
  const name = 'x-amz-website-redirect-location';
  assert.equal((await ask('PUT', '/bucket/moved', [[name, 'https://example.com/']], 'x')).status, 200);
  assert.equal((await ask('GET', '/bucket/moved')).headers[name], 'https://example.com/');
  await ask('PUT', '/bucket/moved-copy', [['x-amz-copy-source', 'bucket/moved']]);
  assert.equal((await ask('HEAD', '/bucket/moved-copy')).headers[name], undefined);
  assert.deepEqual(codeOf(await ask('PUT', '/bucket/moved', [[name, 'elsewhere']], 'x')), [
    400,
    'InvalidRedirectLocation',
  ]);
});

test('an error names the argument, the bucket or the upload that it is about', async () => {
  assert.match(
    (await ask('GET', '/absent/key')).text,
    /<Message>The specified bucket does not exist\.<.*<BucketName>absent</,
  );
  assert.match(
    (await ask('GET', '/bucket?max-keys=-1')).text,
    /<ArgumentName>max-keys<\/ArgumentName><ArgumentValue>-1</,
  );
  const parts =
    '<CompleteMultipartUpload><Part><PartNumber>0</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>';
  assert.deepEqual(codeOf(await ask('POST', '/bucket/k?uploadId=x', [], parts)), [400, 'InvalidArgument']);
  assert.match((await ask('DELETE', '/bucket/k?uploadId=lost')).text, /<Code>NoSuchUpload<.*<UploadId>lost</);
});

test('an error names the condition that did not hold, or the range and the size that it lies outside of', async () => {
  await ask('PUT', '/bucket/told', [], 'told');
  const past = 'Sat, 01 Jan 2000 00:00:00 GMT';
  assert.match((await ask('GET', '/bucket/told', [['If-Match', '"x"']])).text, /<Condition>If-Match</);
  assert.match(
    (await ask('GET', '/bucket/told', [['If-Unmodified-Since', past]])).text,
    /<Condition>If-Unmodified-Since</,
  );
  assert.match(
    (await ask('GET', '/bucket/told', [['Range', 'bytes=9-']])).text,
    /<Code>InvalidRange<.*<ActualObjectSize>4<\/ActualObjectSize>/,
  );
  assert.match(
    (await ask('GET', '/bucket/told', [['Range', 'bytes=9-']])).text,
    /<RangeRequested>bytes=9-<\/RangeRequested>/,
  );
});

test('a key of the customer opens nothing that is not locked with it', async () => {
  await ask('PUT', '/bucket/open', [], 'open');
  const ofCustomer = 'server-side-encryption-customer-algorithm';
  const key: [string, string] = [`x-amz-${ofCustomer}`, 'AES256'];
  const keyOfSource: [string, string] = [`x-amz-copy-source-${ofCustomer}`, 'AES256'];
  assert.deepEqual(codeOf(await ask('GET', '/bucket/open', [key])), [400, 'InvalidRequest']);
  assert.equal((await ask('HEAD', '/bucket/open', [key])).status, 400);
  const attributes: [string, string] = ['x-amz-object-attributes', 'ETag'];
  assert.deepEqual(codeOf(await ask('GET', '/bucket/open?attributes', [key, attributes])), [400, 'InvalidRequest']);
  const copied = await ask('PUT', '/bucket/opened', [['x-amz-copy-source', 'bucket/open'], keyOfSource]);
  assert.deepEqual(codeOf(copied), [400, 'InvalidRequest']);
  assert.equal((await ask('HEAD', '/bucket/opened')).status, 404);
});
