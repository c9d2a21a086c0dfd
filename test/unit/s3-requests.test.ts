/** What goes over the wire, as a server that only reads bytes sees it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTarget, parseEndpoint } from '../../stores/s3/call-target.ts';
import { catchFailure } from '../support/catch-failure.ts';
import { createScriptedStore } from '../support/create-scripted-store.ts';
import { printAnswer, printError } from '../support/start-scripted-server.ts';

const BODY = { sizeBytes: 3, content: Buffer.from('abc') };
const NONE = { metadata: {} };

test('a key goes over the wire encoded once and never folded', () => {
  const endpoint = parseEndpoint('http://127.0.0.1:9000', 'path');
  const targetOf = (key: string): string => buildTarget(endpoint, { bucket: 'b', key }).path;
  assert.equal(targetOf('../a//./b'), '/b/../a//./b');
  assert.equal(targetOf('/lead'), '/b//lead');
  assert.equal(targetOf('a b+c%2F'), '/b/a%20b%2Bc%252F');
  assert.equal(targetOf("ü😀!'()*"), '/b/%C3%BC%F0%9F%98%80%21%27%28%29%2A');
  assert.equal(buildTarget(endpoint, { bucket: 'b' }).path, '/b');
});

test('virtual addressing puts the bucket before the host, and refuses one that is no host name', () => {
  const endpoint = parseEndpoint('https://s3.example.com', 'virtual');
  const { origin, host, path } = buildTarget(endpoint, { bucket: 'my-bucket', key: 'k' });
  assert.deepEqual([origin, host, path], ['https://my-bucket.s3.example.com', 'my-bucket.s3.example.com', '/k']);
  assert.equal(buildTarget(endpoint, { bucket: 'my-bucket' }).path, '/');
  for (const bucket of ['', 'a/b', 'a@evil.example', 'A_B', 'a#', '-']) {
    assert.throws(() => buildTarget(endpoint, { bucket, key: 'k' }), { type: 'store_refused' }, bucket);
  }
});

test('an endpoint with credentials, a query or another protocol is refused', () => {
  for (const endpoint of ['ftp://host', 'http://user:secret@host', 'http://host?x=1', 'host:9000', '']) {
    assert.throws(
      () => parseEndpoint(endpoint, 'path'),
      (error: Error) => !error.message.includes('secret'),
    );
  }
});

test('an empty key never becomes an operation on its bucket', async (context) => {
  const { store, server } = await createScriptedStore(context, (_, socket) => socket.write(printAnswer(204, {})));
  const nowhere = { bucket: 'bucket', key: '' };
  await catchFailure('store_refused', store.delete(nowhere));
  await catchFailure('store_refused', store.put({ ...nowhere, headers: NONE }, BODY));
  await catchFailure('store_refused', store.get(nowhere));
  await catchFailure('store_refused', store.putTags(nowhere, {}));
  await catchFailure('store_refused', store.list({ bucket: '' }));
  assert.equal(server.requests.length, 0);
});

test('a put carries headers, metadata, tags, encryption and conditions, all of them signed', async (context) => {
  const { store, server } = await createScriptedStore(context, (_, socket) =>
    socket.write(printAnswer(200, { 'x-amz-version-id': 'v2' })),
  );
  const result = await store.put(
    {
      bucket: 'bucket',
      key: 'key',
      headers: {
        contentType: 'text/plain',
        contentDisposition: 'inline; filename="Größe"',
        metadata: { owner: 'Größe 😀', bytes: 'a\udcff' },
      },
      tags: { 'a b': 'c+d&e' },
      encryption: { algorithm: 'aws:kms', kmsKeyId: 'alias/key' },
      ifMatch: 'abc',
    },
    BODY,
  );
  assert.equal(result.versionId, 'v2');
  const headers = server.requests[0]!.headers;
  assert.equal(Buffer.from(headers['x-amz-meta-owner']!, 'latin1').toString(), 'Größe 😀');
  assert.deepEqual(Buffer.from(headers['x-amz-meta-bytes']!, 'latin1'), Buffer.from([0x61, 0xff]));
  assert.equal(headers['x-amz-tagging'], 'a%20b=c%2Bd%26e');
  assert.equal(headers['x-amz-server-side-encryption'], 'aws:kms');
  assert.equal(headers['x-amz-server-side-encryption-aws-kms-key-id'], 'alias/key');
  assert.equal(headers['if-match'], '"abc"');
  assert.equal(headers['x-amz-content-sha256'], 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  const signed = /SignedHeaders=([^,]*)/.exec(headers['authorization']!)![1]!.split(';');
  for (const name of Object.keys(headers)) {
    if (!['authorization', 'connection', 'content-length'].includes(name)) assert.ok(signed.includes(name), name);
  }
});

test('bytes of metadata that are not UTF-8 come through a read and a write unchanged', async (context) => {
  const wire = Buffer.from([0x47, 0xf6, 0xdf, 0xe2, 0x82, 0x20, 0xf0, 0x9f, 0x98, 0x80]).toString('latin1');
  const { store, server } = await createScriptedStore(context, (_, socket) =>
    socket.write(printAnswer(200, { 'x-amz-meta-raw': wire })),
  );
  const { metadata } = await store.head({ bucket: 'bucket', key: 'key' });
  await store.put({ bucket: 'bucket', key: 'copy', headers: { metadata } }, BODY);
  assert.equal(server.requests[1]!.headers['x-amz-meta-raw'], wire);
});

test('what a header cannot hold is refused before it is sent', async (context) => {
  const { store, server } = await createScriptedStore(context, (_, socket) => socket.write(printAnswer(200, {})));
  for (const metadata of [{ a: 'x\r\nx-amz-acl: public-read' }, { a: '\0' }, { 'a b': 'x' }, { a: '\ud800' }]) {
    await catchFailure('store_refused', store.put({ bucket: 'bucket', key: 'key', headers: { metadata } }, BODY));
  }
  assert.equal(server.requests.length, 0);
});

test('an ETag is no content hash under KMS or a key of the customer', async (context) => {
  const { store } = await createScriptedStore(context, ({ target }, socket) => {
    const encryption: Record<string, string> = {
      kms: 'x-amz-server-side-encryption: aws:kms',
      dsse: 'x-amz-server-side-encryption: aws:kms:dsse',
      s3: 'x-amz-server-side-encryption: AES256',
      own: 'x-amz-server-side-encryption-customer-algorithm: AES256',
    };
    const [name, value] = encryption[target.split('/').at(-1)!]!.split(': ') as [string, string];
    socket.write(printAnswer(200, { [name]: value }));
  });
  const isHash = async (key: string): Promise<boolean> =>
    (await store.head({ bucket: 'bucket', key })).etagIsContentHash;
  assert.deepEqual(await Promise.all(['kms', 'dsse', 's3', 'own'].map(isHash)), [false, false, true, false]);
});

test('a listing asks for one page, url-encoded, and decodes each key once', async (context) => {
  const objects = ['a+b', 'a%2Bb', 'a%252Bb', 'a%FFb', '%F0%9F%98%80'].map(
    (key) =>
      `<Contents><Key>${key}</Key><LastModified>2026-01-01T00:00:00.900Z</LastModified><ETag>"e"</ETag><Size>1</Size></Contents>`,
  );
  const fields = '<IsTruncated>true</IsTruncated><NextContinuationToken>t+/=</NextContinuationToken>';
  const page = (encoding: string): string =>
    `<ListBucketResult>${encoding}${fields}${objects.join('')}</ListBucketResult>`;
  const { store, server } = await createScriptedStore(context, ({ target }, socket) =>
    socket.write(printAnswer(200, {}, page(target.includes('plain') ? '' : '<EncodingType>url</EncodingType>'))),
  );
  const encoded = await store.list({ bucket: 'bucket', prefix: 'a b+', delimiter: '/', startAfter: 'a%', maxKeys: 5 });
  assert.deepEqual(
    encoded.objects.map(({ key }) => key),
    ['a b', 'a+b', 'a%2Bb', 'a\udcffb', '😀'],
  );
  assert.equal(encoded.objects[0]!.lastModifiedMs, Date.parse('2026-01-01T00:00:00Z'));
  assert.equal(encoded.nextContinuationToken, 't+/=');
  assert.equal(
    server.requests[0]!.target,
    '/bucket?list-type=2&encoding-type=url&max-keys=5&prefix=a%20b%2B&delimiter=%2F&start-after=a%25',
  );
  const plain = await store.list({ bucket: 'bucket', prefix: 'plain', continuationToken: 't+/=' });
  assert.equal(plain.objects[1]!.key, 'a%2Bb', 'a store that ignores encoding-type is taken at its word');
  assert.match(server.requests[1]!.target, /continuation-token=t%2B%2F%3D$/);
});

test('deleting succeeds where a store says that nothing was there, and fails where the bucket is not', async (context) => {
  const { store } = await createScriptedStore(context, ({ target }, socket) =>
    socket.write(printError(404, target.startsWith('/absent') ? 'NoSuchBucket' : 'NoSuchKey')),
  );
  await store.delete({ bucket: 'bucket', key: 'key' });
  await catchFailure('no_such_bucket', store.delete({ bucket: 'absent', key: 'key' }));
});

test('neither the secret nor the session token is in what a refusal says', async (context) => {
  const { store } = await createScriptedStore(
    context,
    (_, socket) => socket.write(printError(403, 'SignatureDoesNotMatch')),
    {
      credentials: async () => ({
        accessKeyId: 'AKIDEXAMPLE',
        secretAccessKey: 'the-secret',
        sessionToken: 'the-token',
      }),
    },
  );
  for (const failure of [
    await catchFailure(
      'bad_credentials',
      store.head({ bucket: 'bucket', key: 'key' }).catch(() => store.get({ bucket: 'bucket', key: 'key' })),
    ),
    await catchFailure('bad_credentials', store.createBucket('bucket')),
  ]) {
    assert.doesNotMatch(`${failure.stack ?? ''} ${JSON.stringify(failure.details)}`, /the-secret|the-token/);
  }
});
