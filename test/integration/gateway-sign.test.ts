/**
 * POST /sign: what is signed, for whom, and every way to get more out of it. The store that the signed requests are sent to is a real
 * one with a clock that the test sets; nothing but the gateway knows its secret.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { S3_STANDARD_PRICES } from '../../config/default-prices.ts';
import { createSessionSealer } from '../../gateway/keys/session-token.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { deriveSigningKey } from '../../sigv4/signing-key.ts';
import type { Credentials } from '../../sigv4/types.ts';
import {
  ask,
  askFor,
  signOne,
  toOutcome,
  use,
  type Refusal,
  type Signed,
  type Wish,
} from '../support/ask-signatures.ts';
import { send } from '../support/signed-request.ts';
import {
  answerWell,
  PROVIDER_CREDENTIALS,
  startFakeProvider,
  type FakeProvider,
} from '../support/start-fake-provider.ts';
import { providerStore, startGateway, toCallerCredentials, type StartedGateway } from '../support/start-gateway.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

const SESSION_SECRET = 'a-session-secret-of-the-tests-own-0123456789';
const MINUTE_MS = 60_000;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const put = (target: string, body: string, headers: Record<string, unknown> = {}): Wish => ({
  method: 'PUT',
  target,
  headers,
  payload_sha256: sha256(body),
  content_length: Buffer.byteLength(body),
});
const get = (target: string, headers?: Record<string, unknown>): Wish => ({
  method: 'GET',
  target,
  ...(headers && { headers }),
});

let cloud: StartedStore;
let provider: FakeProvider;
let gateway: StartedGateway;
let directory: string;
let gatewayClockMs = 0;
let cloudClockMs = 0;
const now = (): Date => new Date(Date.now() + gatewayClockMs);

before(async () => {
  cloud = await startStore({
    buckets: ['data', 'other'],
    keys: [PROVIDER_CREDENTIALS],
    region: 'eu-west-1',
    allowUnsignedPayload: true,
    now: () => new Date(Date.now() + cloudClockMs),
  });
  provider = await startFakeProvider();
  directory = await mkdtemp(join(tmpdir(), 'waybill-sign-'));
  const direct = { traffic: 'direct' } as const;
  const token = { ...PROVIDER_CREDENTIALS, sessionToken: 'sts-token-of-the-provider' };
  const sts = {
    accessKeyId: 'env:PROVIDER_ID',
    secretAccessKey: 'env:PROVIDER_SECRET',
    sessionToken: 'env:PROVIDER_TOKEN',
  } as const;
  const kms = { algorithm: 'aws:kms', kmsKeyId: 'key-1' } as const;
  gateway = await startGateway({
    stores: [
      providerStore(cloud.endpoint, { name: 'cloud', ...direct }),
      providerStore(cloud.endpoint, { name: 'loose', ...direct, unsignedPayload: true }),
      providerStore(cloud.endpoint, { name: 'confined' }),
      providerStore(cloud.endpoint, {
        name: 'tunnelled',
        ...direct,
        egress: { kind: 'socks5', secure: false, host: '127.0.0.1', port: 9, credentials: null },
      }),
      providerStore('https://s3.example.com', {
        name: 'aws',
        ...direct,
        addressing: 'virtual',
        encryption: kms,
        unsafeDirectWrites: true,
      }),
      providerStore(provider.endpoint, { name: 'sts', ...direct, credentials: sts }),
      ...['lax', 'terse', 'closed', 'failing'].map((name) => providerStore(provider.endpoint, { name, ...direct })),
      providerStore(provider.endpoint, { name: 'trusted', ...direct, unsafeDirectWrites: true }),
      {
        name: 'here',
        kind: 'directory',
        region: 'us-east-1',
        conditionalWrites: true,
        etags: 'md5',
        prices: S3_STANDARD_PRICES,
        directory,
        fsync: false,
      },
    ],
    keys: [
      {
        name: 'etl',
        sign: true,
        session: true,
        buckets: ['data'],
        prefixes: ['in/'],
        operations: ['list', 'read', 'write'],
      },
      { name: 'wide', sign: true, session: true },
      { name: 'reader', sign: true, operations: ['list', 'read'] },
      { name: 'plain', session: true, bearerSha256: sha256('a-bearer-token') },
      { name: 'elsewhere', sign: true, sourceNetworks: ['192.0.2.0/24'] },
      { name: 'leaving', sign: true, session: true },
      { name: 'loose-no', store: 'loose', sign: true },
      { name: 'loose-yes', store: 'loose', sign: true, allowUnsignedPayload: true },
      { name: 'strict-yes', sign: true, allowUnsignedPayload: true },
      { name: 'confined', store: 'confined', sign: true },
      { name: 'tunnelled', store: 'tunnelled', sign: true },
      { name: 'aws', store: 'aws', sign: true },
      { name: 'sts', store: 'sts', sign: true },
      { name: 'here', store: 'here', sign: true },
      ...['lax', 'terse', 'closed', 'failing', 'trusted'].map((name) => ({ name, store: name, sign: true })),
    ],
    gateway: { sessionSecret: 'env:SESSION', adminListen: { host: '127.0.0.1', port: 0 }, adminToken: 'env:ADMIN' },
    secrets: { SESSION: SESSION_SECRET, ADMIN: 'an-admin-token-of-the-tests', PROVIDER_TOKEN: token.sessionToken },
    now,
  });
  for (const [target, body] of [
    ['/data/in/a', 'inside'],
    ['/data/out/b', 'outside'],
    ['/other/in/a', 'elsewhere'],
  ] as const) {
    const kept = await use(cloud, 'PUT', await signOne(gateway, 'wide', put(target, body)), { body });
    assert.equal(kept.status, 200, kept.text);
  }
});
after(async () => {
  await gateway.close();
  await provider.close();
  await cloud.close();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(() => {
  gatewayClockMs = 0;
  cloudClockMs = 0;
  cloud.resetCounts();
});

async function openSession(body: object, key = 'etl'): Promise<Credentials> {
  const text = JSON.stringify({ run: 'run-1', ...body });
  const answer = await send(gateway.caller(key), { method: 'POST', target: '/session', body: text });
  assert.equal(answer.status, 200, answer.text);
  const session = JSON.parse(answer.text) as Record<string, string>;
  return {
    accessKeyId: session['access_key_id'] ?? '',
    secretAccessKey: session['secret_access_key'] ?? '',
    sessionToken: session['session_token'] ?? '',
  };
}

/** The outcome of each wish, asked for together: one that is refused takes no other along. */
async function outcomes(key: string, wishes: readonly Wish[], credentials?: Credentials): Promise<string[]> {
  const { answers } = await askFor(gateway, key, wishes, credentials && { credentials });
  assert.equal(answers.length, wishes.length);
  return answers.map(toOutcome);
}

describe('what is signed', () => {
  it('is done by the store as if it had been proxied, and no byte of it passes the gateway', async () => {
    const body = 'straight to the store';
    const headers = {
      'content-type': 'text/plain',
      'cache-control': 'no-store',
      'x-amz-meta-name': Buffer.from('Größe').toString('latin1'),
      'if-none-match': '*',
      'x-amz-tagging': 'tier=gold',
    };
    const { valid_ms, answers } = await askFor(gateway, 'etl', [
      put('/data/in/new%20one', body, headers),
      get('/data/in/new%20one'),
      { method: 'HEAD', target: '/data/in/new%20one' },
      get('/data?list-type=2&prefix=in%2Fnew'),
      get('/data/in/new%20one?tagging'),
    ]);
    assert.equal(valid_ms, 5 * MINUTE_MS);
    const [write, read, head, list, tags] = answers as [Signed, Signed, Signed, Signed, Signed];
    assert.equal((await use(cloud, 'PUT', write, { body })).status, 200);
    assert.equal((await use(cloud, 'PUT', write, { body })).status, 412, 'the condition is part of it');
    const got = await use(cloud, 'GET', read);
    assert.equal(got.text, body);
    assert.equal(got.headers['x-amz-meta-name'], headers['x-amz-meta-name']);
    assert.equal(got.headers['cache-control'], 'no-store');
    assert.equal((await use(cloud, 'HEAD', head)).headers['content-length'], String(body.length));
    assert.match((await use(cloud, 'GET', list)).text, /<Key>in\/new one<\/Key>/);
    assert.match((await use(cloud, 'GET', tags)).text, /<Key>tier<\/Key><Value>gold<\/Value>/);
    const lines = gateway.logged.filter((line) => /^request /.test(line) && !/operation: 'Unknown'/.test(line));
    assert.deepEqual(lines, []);
  });

  it('is every step of a multipart upload, and a copy whose source the key may read', async () => {
    const part = 'x'.repeat(20);
    const create = await signOne(gateway, 'etl', { method: 'POST', target: '/data/in/parts?uploads' });
    const id = /<UploadId>([^<]+)</.exec((await use(cloud, 'POST', create)).text)?.[1] ?? '';
    assert.notEqual(id, '');
    const of = `uploadId=${encodeURIComponent(id)}`;
    const one = await signOne(gateway, 'etl', put(`/data/in/parts?partNumber=1&${of}`, part));
    const etag = (await use(cloud, 'PUT', one, { body: part })).headers.etag ?? '';
    const xml = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`;
    const complete = { ...put(`/data/in/parts?${of}`, xml), method: 'POST' };
    const done = await use(cloud, 'POST', await signOne(gateway, 'etl', complete), { body: xml });
    assert.match(done.text, /CompleteMultipartUploadResult/);
    const copy: Wish = { method: 'PUT', target: '/data/in/copy', headers: { 'x-amz-copy-source': '/data/in/parts' } };
    assert.match((await use(cloud, 'PUT', await signOne(gateway, 'etl', copy))).text, /CopyObjectResult/);
  });

  it('has the address, the encryption and the session token that the store of its key takes', async () => {
    const aws = await signOne(gateway, 'aws', put('/data/in/x', 'x'));
    assert.equal(aws.url, 'https://data.s3.example.com/in/x');
    assert.equal(aws.headers['host'], 'data.s3.example.com');
    assert.equal(aws.headers['x-amz-server-side-encryption'], 'aws:kms');
    assert.equal(aws.headers['x-amz-server-side-encryption-aws-kms-key-id'], 'key-1');
    const dotted = await signOne(gateway, 'aws', get('/with.dots/x'));
    assert.equal(dotted.url, 'https://s3.example.com/with.dots/x');
    const own = { 'x-amz-server-side-encryption': 'AES256' };
    assert.equal(
      (await signOne(gateway, 'aws', put('/data/in/x', 'x', own))).headers[Object.keys(own)[0] ?? ''],
      'AES256',
    );

    const sts = await signOne(gateway, 'sts', get('/data/in/x'));
    assert.equal(sts.headers['x-amz-security-token'], 'sts-token-of-the-provider');
    assert.match(sts.headers['authorization'] ?? '', /SignedHeaders=[^,]*x-amz-security-token/);
    assert.equal((await signOne(gateway, 'etl', get('/data/in/a'))).headers['x-amz-security-token'], undefined);
  });

  it('is bound in all that matters: another body, length, key, method, query or header is refused by the store', async () => {
    const body = 'as signed';
    const signed = await signOne(
      gateway,
      'etl',
      put('/data/in/bound', body, { 'x-amz-meta-a': '1', 'if-none-match': '*' }),
    );
    const without = (name: string) => (headers: readonly (readonly [string, string])[]) =>
      headers.filter(([other]) => other !== name);
    const other = 'replaced!';
    assert.equal(other.length, body.length);
    for (const [claim, bend, code] of [
      ['another body of the same length', { body: other }, 'XAmzContentSHA256Mismatch'],
      [
        'its hash changed with it',
        {
          body: other,
          headers: (all: readonly (readonly [string, string])[]) =>
            all.map(([name, value]) => [name, name === 'x-amz-content-sha256' ? sha256(other) : value] as const),
        },
        'SignatureDoesNotMatch',
      ],
      [
        'a longer body',
        {
          body: `${body}!`,
          headers: (all: readonly (readonly [string, string])[]) =>
            all.map(([name, value]) => [name, name === 'content-length' ? '10' : value] as const),
        },
        'SignatureDoesNotMatch',
      ],
      ['another key', { body, target: '/data/in/bound2' }, 'SignatureDoesNotMatch'],
      ['another bucket', { body, target: '/other/in/bound' }, 'SignatureDoesNotMatch'],
      ['another method', { method: 'DELETE', body }, 'SignatureDoesNotMatch'],
      ['a sub-resource', { body, target: '/data/in/bound?tagging' }, 'SignatureDoesNotMatch'],
      ['the condition left out', { body, headers: without('if-none-match') }, 'SignatureDoesNotMatch'],
      ['metadata left out', { body, headers: without('x-amz-meta-a') }, 'SignatureDoesNotMatch'],
      [
        'an unsigned header that would make a copy of it',
        {
          body,
          headers: (all: readonly (readonly [string, string])[]) => [
            ...all,
            ['x-amz-copy-source', '/other/in/a'] as const,
          ],
        },
        'AccessDenied',
      ],
    ] as const) {
      const answer = await use(cloud, 'PUT', signed, bend);
      assert.equal(answer.code, code, `${claim}: ${answer.text}`);
    }
    assert.equal((await use(cloud, 'GET', await signOne(gateway, 'etl', get('/data/in/bound')))).status, 404);
  });

  it('ends after five minutes by the clock of the store, and holds until then', async () => {
    const signed = await signOne(gateway, 'etl', get('/data/in/a'));
    cloudClockMs = 5 * MINUTE_MS - 30_000;
    assert.equal((await use(cloud, 'GET', signed)).status, 200);
    cloudClockMs = 5 * MINUTE_MS + 1_000;
    const late = await use(cloud, 'GET', signed);
    assert.deepEqual([late.status, late.code], [403, 'RequestTimeTooSkewed']);
  });

  it('has no secret in it, none in the log, and no signing key', async () => {
    const answer = await ask(gateway, 'etl', {
      requests: [get('/data/in/a'), put('/data/in/s', 'x'), get('/data/out/b')],
    });
    const date = new Date(Date.now() - 10 * MINUTE_MS).toISOString().slice(0, 10).replaceAll('-', '');
    const scope = { date, region: 'eu-west-1', service: 's3' };
    const signingKey = Buffer.from(deriveSigningKey(nodeCrypto, PROVIDER_CREDENTIALS.secretAccessKey, scope));
    const secrets = [
      PROVIDER_CREDENTIALS.secretAccessKey,
      Buffer.from(PROVIDER_CREDENTIALS.secretAccessKey).toString('base64'),
      signingKey.toString('hex'),
      signingKey.toString('base64'),
      SESSION_SECRET,
      toCallerCredentials('etl').secretAccessKey,
    ];
    const signature = /Signature=([0-9a-f]{64})/.exec(answer.text)?.[1] ?? assert.fail('nothing was signed');
    for (const [place, text] of [
      ['the answer', answer.text],
      ['its head', JSON.stringify(answer.headers)],
      ['the log', gateway.logged.join('\n')],
    ] as const) {
      for (const secret of secrets) assert.ok(!text.includes(secret), place);
    }
    assert.ok(!gateway.logged.join('\n').includes(signature), 'the log has no signature');
    assert.equal(answer.headers['cache-control'], 'no-store');
    const line = gateway.logged.filter((one) => one.startsWith('requests signed')).at(-1) ?? '';
    assert.match(line, /'GetObject data\/in\/a'/);
    assert.match(line, /'PutObject data\/in\/s'/);
    assert.match(line, /'AccessDenied GET \/data\/out\/b'/);
    assert.match(line, /key: 'etl'/);
    const metrics = await (
      await fetch(`${gateway.adminUrl}/metrics`, { headers: { authorization: 'Bearer an-admin-token-of-the-tests' } })
    ).text();
    assert.match(metrics, /waybill_gateway_signed_total\{operation="PutObject"\} [1-9]/);
    assert.match(metrics, /waybill_gateway_sign_batches_total [1-9]/);
    assert.match(metrics, /waybill_gateway_refusals_total\{code="AccessDenied"\} [1-9]/);
  });
});

describe('what is not signed', () => {
  it('is outside the key: another prefix, bucket or verb, however it is spelt', async () => {
    const denied = [
      get('/data/out/b'),
      get('/data/in'),
      get('/data/IN/a'),
      get('/other/in/a'),
      put('/data/out/b', 'x'),
      put('/data/in/../out/b', 'x'),
      get('/data/in/../out/b'),
      get('/data/in%2F..%2Fout%2Fb'),
      get('/data/in/%2e%2e/out/b'),
      get('/data/in/.%2E/%2e./b'),
      get('/data/in/..%5Cout%5Cb'),
      get('/data/out%2F..%2Fin%2Fa'),
      get('/data/%2e%2e/other/in/a'),
      get('/data?list-type=2'),
      get('/data?list-type=2&prefix=out%2F'),
      get('/data?list-type=2&prefix=i'),
      { method: 'DELETE', target: '/data/in/a' },
    ];
    assert.deepEqual(
      await outcomes('etl', denied),
      denied.map(() => 'AccessDenied'),
    );
    const written = [
      put('/data/in/a', 'x'),
      { method: 'POST', target: '/data/in/a?uploads' },
      { method: 'DELETE', target: '/data/in/a?uploadId=x' },
      { method: 'DELETE', target: '/data/in/a' },
    ];
    assert.deepEqual(
      await outcomes('reader', written),
      written.map(() => 'AccessDenied'),
    );
    // An encoded letter is the letter, and what is signed is its one spelling.
    const signed = await signOne(gateway, 'etl', get('/data/%69n/a'));
    assert.ok(signed.url.endsWith('/data/in/a'), signed.url);
  });

  it('is a copy of what the key may not read', async () => {
    const from = (source: string): Wish => ({
      method: 'PUT',
      target: '/data/in/copy',
      headers: { 'x-amz-copy-source': source },
    });
    const sources = [
      '/data/out/b',
      'data/out/b',
      '/other/in/a',
      '/data/in/../out/b',
      '/data/in%2F..%2Fout%2Fb',
      '%2Fother%2Fin%2Fa',
    ];
    assert.deepEqual(
      await outcomes('etl', sources.map(from)),
      sources.map(() => 'AccessDenied'),
    );
    const part = { ...from('/other/in/a'), target: '/data/in/copy?partNumber=1&uploadId=x' };
    assert.deepEqual(await outcomes('etl', [part]), ['AccessDenied']);
    assert.deepEqual(
      await outcomes('etl', [{ ...get('/data/in/a'), headers: { 'x-amz-copy-source': '/data/in/a' } }]),
      ['InvalidArgument'],
    );
  });

  it('is another operation than those on objects and their listings', async () => {
    const wishes: [Wish, string][] = [
      [get('/'), 'NotImplemented'],
      [{ method: 'PUT', target: '/new' }, 'NotImplemented'],
      [{ method: 'DELETE', target: '/data' }, 'NotImplemented'],
      [{ method: 'POST', target: '/data?delete', payload_sha256: sha256('x'), content_length: 1 }, 'NotImplemented'],
      [get('/data?location'), 'NotImplemented'],
      [put('/data/in/a?acl', 'x'), 'NotImplemented'],
      [get('/data/in/a?policy'), 'NotImplemented'],
      [{ method: 'POST', target: '/data' }, 'NotImplemented'],
      [{ method: 'POST', target: '/data/in/a' }, 'MethodNotAllowed'],
      [put('/data/in/a?partNumber=1', 'x'), 'InvalidRequest'],
      [put('/data/in/a?partNumber=1&uploadId=', 'x'), 'InvalidRequest'],
      [put('/data/in/a?partNumber=0&uploadId=x', 'x'), 'InvalidRequest'],
      [put('/data/in/a?uploadId=x', 'x'), 'MethodNotAllowed'],
    ];
    assert.deepEqual(
      await outcomes(
        'wide',
        wishes.map(([wish]) => wish),
      ),
      wishes.map(([, code]) => code),
    );
  });

  it('is a target that two could read apart, or one that is signed or carries headers', async () => {
    for (const [target, code] of [
      ['data/in/a', 'InvalidURI'],
      ['', 'InvalidURI'],
      ['http://evil.example/data/in/a', 'InvalidURI'],
      ['//evil.example/in/a', 'InvalidBucketName'],
      ['/data/in/a b', 'InvalidURI'],
      ['/data/in/a\r\nhost: evil', 'InvalidURI'],
      ['/data/in/a%', 'InvalidURI'],
      ['/data/in/%ff', 'InvalidURI'],
      ['/data/in/a#x', 'InvalidURI'],
      ['/data%2Fin/a', 'InvalidBucketName'],
      ['/../data/in/a', 'InvalidBucketName'],
      [`/data/in/${'x'.repeat(1024)}`, 'KeyTooLongError'],
      ['/data/in/a?versionId=1&versionId=2', 'InvalidArgument'],
      ['/data/in/a?X-Amz-Signature=x', 'InvalidRequest'],
      ['/data/in/a?X-Amz-Expires=604800', 'InvalidRequest'],
      ['/data/in/a?x%2Damz-copy-source=%2Fother%2Fin%2Fa', 'InvalidRequest'],
      ['/data/in/a?x-amz-meta-a=b', 'InvalidRequest'],
    ] as const) {
      assert.deepEqual(await outcomes('etl', [get(target)]), [code], JSON.stringify(target));
    }
  });

  it('has a header that the gateway owns, that nobody can send, or that no policy has looked at', async () => {
    for (const [headers, code] of [
      [{ host: 'evil.example' }, 'InvalidRequest'],
      [{ Host: 'evil.example' }, 'InvalidRequest'],
      [{ authorization: 'AWS4-HMAC-SHA256 x' }, 'InvalidRequest'],
      [{ 'x-amz-date': '20300101T000000Z' }, 'InvalidRequest'],
      [{ 'x-amz-security-token': 'x' }, 'InvalidRequest'],
      [{ 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' }, 'InvalidRequest'],
      [{ 'content-length': '1' }, 'InvalidRequest'],
      [{ 'transfer-encoding': 'chunked' }, 'InvalidRequest'],
      [{ 'x-amz-decoded-content-length': '1' }, 'InvalidRequest'],
      [{ 'x-amz-meta-a': '1', 'X-Amz-Meta-A': '2' }, 'InvalidRequest'],
      [{ 'Content-Type': 'a/b', 'content-type': 'c/d' }, 'InvalidRequest'],
      [{ 'x-amz-meta-a': '1\r\nx-amz-copy-source: /other/in/a' }, 'InvalidRequest'],
      [{ 'x-amz-meta-a\r\nx-amz-copy-source': '/other/in/a' }, 'InvalidRequest'],
      [{ 'x-amz-meta-a: 1\nx': '2' }, 'InvalidRequest'],
      [{ 'content-type': 'a/b\n' }, 'InvalidRequest'],
      [{ 'content-type': 'a/b\0' }, 'InvalidRequest'],
      [{ 'x-amz-meta-a': '\u2028' }, 'InvalidRequest'],
      [{ 'x-amz-meta-a': 'ſ' }, 'InvalidRequest'],
      [{ '': 'x' }, 'InvalidRequest'],
      [{ 'x-amz-server-side-encryption-customer-key': 'x' }, 'NotImplemented'],
      [{ 'x-amz-object-lock-mode': 'COMPLIANCE' }, 'NotImplemented'],
      [{ 'x-amz-bypass-governance-retention': 'true' }, 'NotImplemented'],
      [{ 'x-amz-write-offset-bytes': '1' }, 'NotImplemented'],
      [{ 'x-amz-website-redirect-location': '/' }, 'NotImplemented'],
    ] as const) {
      assert.deepEqual(await outcomes('wide', [put('/data/in/h', 'x', headers)]), [code], JSON.stringify(headers));
    }
    // What is on no list is left out, as it is of a proxied request: nobody opens an object to the world.
    const { headers } = await signOne(
      gateway,
      'wide',
      put('/data/in/h', 'x', { 'x-amz-acl': 'public-read', 'x-other': '1' }),
    );
    assert.deepEqual(Object.keys(headers).sort(), [
      'authorization',
      'content-length',
      'host',
      'x-amz-content-sha256',
      'x-amz-date',
    ]);
    const polluted = await signOne(gateway, 'wide', put('/data/in/h', 'x', { 'x-amz-meta-__proto__': '1' }));
    assert.equal(polluted.headers['x-amz-meta-__proto__'], '1');
  });

  it('is a body that nothing binds, unless the store and the key both consent', async () => {
    const unsigned = { ...put('/data/in/u', 'x'), payload_sha256: 'UNSIGNED-PAYLOAD' };
    assert.deepEqual(await outcomes('loose-yes', [unsigned]), ['signed']);
    for (const key of ['loose-no', 'strict-yes', 'etl'])
      assert.deepEqual(await outcomes(key, [unsigned]), ['AccessDenied']);
    for (const [wish, code] of [
      [{ ...unsigned, method: 'POST', target: '/data/in/u?uploadId=x' }, 'InvalidRequest'],
      [{ ...unsigned, payload_sha256: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' }, 'InvalidRequest'],
      [{ ...unsigned, payload_sha256: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' }, 'InvalidRequest'],
      [{ ...unsigned, payload_sha256: sha256('x').toUpperCase() }, 'InvalidRequest'],
      [{ ...unsigned, payload_sha256: `${sha256('x')}\n` }, 'InvalidRequest'],
      [{ ...unsigned, payload_sha256: '' }, 'InvalidRequest'],
      [{ ...put('/data/in/u', 'x'), content_length: 0 }, 'XAmzContentSHA256Mismatch'],
      [{ ...put('/data/in/u', 'x'), content_length: 5 * 1024 ** 3 + 1 }, 'EntityTooLarge'],
      [{ ...get('/data/in/u'), payload_sha256: sha256('x'), content_length: 1 }, 'UnexpectedContent'],
      [
        { ...put('/data/in/u?partNumber=1&uploadId=x', 'x', { 'x-amz-copy-source': '/data/in/a' }) },
        'UnexpectedContent',
      ],
    ] as const) {
      assert.deepEqual(await outcomes('loose-yes', [wish]), [code], JSON.stringify(wish));
    }
  });

  it('is a write for a store that takes headers which nothing has signed, unless that is allowed by name', async () => {
    const answers: Record<string, (hasUnsigned: boolean) => [status: number, code: string]> = {
      lax: () => [404, 'NoSuchKey'],
      terse: (hasUnsigned) => (hasUnsigned ? [403, 'Forbidden'] : [404, 'NoSuchKey']),
      closed: () => [403, 'AccessDenied'],
      failing: () => [503, 'SlowDown'],
    };
    provider.script = (request, response) => {
      const bucket = request.url.split('/')[1] ?? '';
      const [status, code] = answers[bucket]?.(!request.verdict.ok) ?? [500, 'InternalError'];
      response.writeHead(status, { 'content-type': 'application/xml' }).end(`<Error><Code>${code}</Code></Error>`);
    };
    try {
      for (const [key, outcome] of [
        ['lax', 'AccessDenied'],
        ['closed', 'AccessDenied'],
        ['terse', 'signed'],
        ['trusted', 'signed'],
      ] as const) {
        const wishes = [
          put(`/${key}/x`, 'x'),
          { method: 'POST', target: `/${key}/x?uploads` },
          { method: 'DELETE', target: `/${key}/x` },
          get(`/${key}/x`),
          { method: 'HEAD', target: `/${key}/x` },
        ];
        const before = provider.requests.length;
        assert.deepEqual(await outcomes(key, wishes), [outcome, outcome, outcome, 'signed', 'signed'], key);
        const [asked] = provider.requests.slice(before);
        if (key === 'trusted') assert.equal(asked, undefined);
        else assert.equal(asked?.verdict.ok === false && asked.verdict.code, 'AccessDenied', 'all else of it held');
        const once = provider.requests.length;
        await outcomes(key, wishes);
        assert.equal(provider.requests.length, once, 'it is asked once');
      }
      const reads = provider.requests.length;
      assert.deepEqual(await outcomes('failing', [get('/failing/x')]), ['signed']);
      assert.equal(provider.requests.length, reads, 'for reads nobody asks');
      const failed = await ask(gateway, 'failing', { requests: [put('/failing/x', 'x')] });
      assert.ok(failed.status >= 500, failed.text);
      answers['failing'] = (hasUnsigned) => (hasUnsigned ? [403, 'AccessDenied'] : [404, 'NoSuchKey']);
      assert.deepEqual(await outcomes('failing', [put('/failing/x', 'x')]), ['signed'], 'a failure is no answer');
    } finally {
      provider.script = answerWell;
    }
  });

  it('is for a store that is a directory, whose traffic is proxied, or that stands behind an egress proxy', async () => {
    for (const [key, status, code] of [
      ['here', 501, 'NotImplemented'],
      ['confined', 403, 'AccessDenied'],
      ['tunnelled', 403, 'AccessDenied'],
    ] as const) {
      const answer = await ask(gateway, key, { requests: [get('/data/in/a')] });
      assert.deepEqual([answer.status, (JSON.parse(answer.text) as Refusal).code], [status, code], key);
    }
  });
});

describe('who may ask', () => {
  const body = { requests: [get('/data/in/a')] };
  const refused = async (answer: ReturnType<typeof ask>): Promise<[number, string]> => {
    const { status, text } = await answer;
    assert.ok(!/"url"|Signature=[0-9a-f]{64}/.test(text), text);
    return [status, (JSON.parse(text) as Refusal).code];
  };

  it('is a key with the right to it, and a session of one within what the session may', async () => {
    const session = await openSession({ operations: ['read'], prefixes: ['in/sub/'] });
    const wishes = [get('/data/in/sub/x'), get('/data/in/a'), put('/data/in/sub/x', 'x'), get('/other/in/sub/x')];
    assert.deepEqual(await outcomes('etl', wishes, session), [
      'signed',
      'AccessDenied',
      'AccessDenied',
      'AccessDenied',
    ]);
    const line = gateway.logged.filter((one) => one.startsWith('requests signed')).at(-1) ?? '';
    assert.match(line, /run: 'run-1'/);
    // Another run of a wider key has its own place, and neither may use the other's.
    const other = await openSession({ run: 'run-2', operations: ['read'], prefixes: ['out/'] }, 'wide');
    assert.deepEqual(await outcomes('wide', [get('/data/out/b'), get('/data/in/a')], other), [
      'signed',
      'AccessDenied',
    ]);
    // What the key itself may not do, its session may not, whatever its token says.
    const sealer = createSessionSealer(SESSION_SECRET);
    const forged = sealer.issue({
      key: 'etl',
      secretMark: sealer.toSecretMark(toCallerCredentials('etl').secretAccessKey),
      run: 'r',
      expiresAtMs: Date.now() + MINUTE_MS,
      operations: ['read', 'delete'],
      buckets: [],
      prefixes: [],
    });
    const beyond = [get('/data/out/b'), { method: 'DELETE', target: '/data/in/a' }];
    assert.deepEqual(await outcomes('etl', beyond, forged), ['AccessDenied', 'AccessDenied']);
  });

  it('is nobody else: without the right, from elsewhere, by a bearer token, unsigned, or with a signature that does not hold', async () => {
    assert.deepEqual(await refused(ask(gateway, 'plain', body)), [403, 'AccessDenied']);
    const session = await openSession({}, 'plain');
    assert.deepEqual(await refused(ask(gateway, 'plain', body, { credentials: session })), [403, 'AccessDenied']);
    assert.deepEqual(await refused(ask(gateway, 'elsewhere', body)), [403, 'AccessDenied']);
    const wrong = { ...toCallerCredentials('etl'), secretAccessKey: 'guess' };
    assert.deepEqual(await refused(ask(gateway, 'etl', body, { credentials: wrong })), [403, 'SignatureDoesNotMatch']);
    const replaced = JSON.stringify({ requests: [get('/data/in/b')] });
    assert.deepEqual(await refused(ask(gateway, 'etl', body, { sendBody: replaced })), [
      400,
      'XAmzContentSHA256Mismatch',
    ]);
    assert.deepEqual(await refused(ask(gateway, 'etl', body, { payloadHash: 'UNSIGNED-PAYLOAD' })), [
      400,
      'InvalidRequest',
    ]);
    assert.deepEqual(await refused(ask(gateway, 'etl', body, { at: new Date(Date.now() - 16 * MINUTE_MS) })), [
      403,
      'RequestTimeTooSkewed',
    ]);
    for (const headers of [{}, { authorization: 'Bearer a-bearer-token' }] as Record<string, string>[]) {
      const answer = await fetch(`${gateway.url}/sign`, { method: 'POST', body: JSON.stringify(body), headers });
      assert.ok(answer.status >= 400 && answer.status < 500, String(answer.status));
      assert.doesNotMatch(await answer.text(), /"url"/);
    }
    // A presigned POST is another path than /sign, and POST of a bucket is offered to nobody.
    const presigned = await ask(gateway, 'etl', body, { presignSeconds: 60 });
    assert.ok(presigned.status >= 400 && !presigned.text.includes('"url"'), presigned.text);
  });

  it('is no session whose time, token, key or secret is over', async () => {
    const session = await openSession({ duration_seconds: 60 });
    const other = await openSession({});
    assert.equal((await ask(gateway, 'etl', body, { credentials: session })).status, 200);
    const borrowed = { ...session, sessionToken: other.sessionToken ?? '' };
    assert.deepEqual(await refused(ask(gateway, 'etl', body, { credentials: borrowed })), [403, 'InvalidAccessKeyId']);
    const { accessKeyId, secretAccessKey } = session;
    const bare = { accessKeyId, secretAccessKey };
    assert.deepEqual(await refused(ask(gateway, 'etl', body, { credentials: bare })), [403, 'InvalidAccessKeyId']);
    gatewayClockMs = 61_000;
    assert.deepEqual(await refused(ask(gateway, 'etl', body, { credentials: session, at: now() })), [
      400,
      'ExpiredToken',
    ]);
    gatewayClockMs = 0;

    const leaving = await openSession({}, 'leaving');
    assert.equal((await ask(gateway, 'leaving', body, { credentials: leaving })).status, 200);
    const revoked = await fetch(`${gateway.adminUrl}/keys/leaving/revoke`, {
      method: 'POST',
      headers: { Authorization: 'Bearer an-admin-token-of-the-tests' },
    });
    assert.equal(revoked.status, 200);
    assert.deepEqual(await refused(ask(gateway, 'leaving', body, { credentials: leaving })), [
      403,
      'InvalidAccessKeyId',
    ]);
    assert.deepEqual(await refused(ask(gateway, 'leaving', body)), [403, 'InvalidAccessKeyId']);
  });
});

describe('a batch', () => {
  it('is read strictly: what two could read apart, or nobody asked for, refuses all of it', async () => {
    const good = '{"method":"GET","target":"/data/in/a"}';
    for (const text of [
      '',
      'null',
      '[]',
      '"x"',
      '{}',
      '{"requests":[]}',
      '{"requests":{}}',
      '{"requests":[null]}',
      '{"requests":[[]]}',
      `{"requests":[${good}],"more":1}`,
      `{"requests":[${good}],"requests":[${good}]}`,
      `{"requests":[${good}],"\\u0072equests":[${good}]}`,
      '{"requests":[{"method":"GET","target":"/data/in/a","target":"/data/out/b"}]}',
      '{"requests":[{"method":"GET","target":"/data/in/a","\\u0074arget":"/data/out/b"}]}',
      '{"requests":[{"method":"PUT","target":"/data/in/a","headers":{"if-match":"a","if-match":"b"}}]}',
      '{"requests":[{"method":"GET","target":"/data/in/a","store":"other"}]}',
      '{"requests":[{"method":"GET","target":"/data/in/a","__proto__":{}}]}',
      '{"requests":[{"method":"get","target":"/data/in/a"}]}',
      '{"requests":[{"method":"PATCH","target":"/data/in/a"}]}',
      '{"requests":[{"method":"GET"}]}',
      '{"requests":[{"method":"GET","target":["/data/in/a"]}]}',
      '{"requests":[{"method":"GET","target":"/data/in/a","headers":[]}]}',
      '{"requests":[{"method":"GET","target":"/data/in/a","headers":{"range":["bytes=0-1"]}}]}',
      '{"requests":[{"method":"GET","target":"/data/in/a","headers":null}]}',
      '{"requests":[{"method":"PUT","target":"/data/in/a","payload_sha256":1}]}',
      '{"requests":[{"method":"PUT","target":"/data/in/a","content_length":"1"}]}',
      '{"requests":[{"method":"PUT","target":"/data/in/a","content_length":-1}]}',
      '{"requests":[{"method":"PUT","target":"/data/in/a","content_length":1.5}]}',
      '{"requests":[{"method":"PUT","target":"/data/in/a","content_length":1e300}]}',
      `\ufeff{"requests":[${good}]}`,
      `{"requests":[${good}]} x`,
    ]) {
      const answer = await ask(gateway, 'wide', text);
      assert.equal(answer.status, 400, `${text}: ${answer.text}`);
      assert.equal((JSON.parse(answer.text) as Refusal).code, 'InvalidRequest', text);
    }
  });

  it('has at most so many requests and bytes, and no more is read', async () => {
    const many = Array.from({ length: 129 }, () => get('/data/in/a'));
    assert.equal((await ask(gateway, 'etl', { requests: many })).status, 413);
    assert.equal((await askFor(gateway, 'etl', many.slice(1))).answers.length, 128);
    const long = { requests: [{ ...get('/data/in/a'), headers: { 'x-amz-meta-a': 'x'.repeat(1024 * 1024) } }] };
    assert.equal((await ask(gateway, 'etl', long)).status, 413);
    const deep = `{"requests":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    assert.equal((await ask(gateway, 'etl', deep)).status, 400);
  });

  it('is answered in its order, each request for itself', async () => {
    const wishes = [get('/data/in/1'), get('/data/out/2'), get('/data/in/3'), get('/nowhere/in/4'), get('bad')];
    const { answers } = await askFor(gateway, 'etl', wishes);
    assert.deepEqual(answers.map(toOutcome), ['signed', 'AccessDenied', 'signed', 'AccessDenied', 'InvalidURI']);
    assert.match((answers[2] as Signed).url, /\/data\/in\/3$/);
    const { type, status, message } = answers[1] as Refusal;
    assert.deepEqual([type, status], ['access_denied', 403]);
    assert.match(message, /its own prefixes only/);
  });
});
