/** POST /sign: what is signed, and that it binds whoever has it. What is not, and who may ask, have files of their own. */
import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { deriveSigningKey } from '../../sigv4/signing-key.ts';
import { ask, askFor, get, put, sha256, signOne, use, type Signed, type Wish } from '../support/ask-signatures.ts';
import { ADMIN_TOKEN, SESSION_SECRET, startSignGround } from '../support/sign-ground.ts';
import { PROVIDER_CREDENTIALS } from '../support/start-fake-provider.ts';
import { toCallerCredentials } from '../support/start-gateway.ts';

const MINUTE_MS = 60_000;

const ground = await startSignGround();
const { clocks, cloud, gateway } = ground;
after(() => ground.close());
beforeEach(() => ground.reset());

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
    const lines = gateway.logged.filter((line) => /^request /.test(line) && !/operation: 'Sign'/.test(line));
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
    clocks.cloudMs = 5 * MINUTE_MS - 30_000;
    assert.equal((await use(cloud, 'GET', signed)).status, 200);
    clocks.cloudMs = 5 * MINUTE_MS + 1_000;
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
      await fetch(`${gateway.adminUrl}/metrics`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })
    ).text();
    assert.match(metrics, /waybill_gateway_signed_total\{operation="PutObject"\} [1-9]/);
    assert.match(metrics, /waybill_gateway_sign_batches_total [1-9]/);
    assert.match(metrics, /waybill_s3_requests_total\{operation="Sign",status="200"\} [1-9]/);
    assert.doesNotMatch(metrics, /operation="Unknown"/);
    assert.match(metrics, /waybill_gateway_refusals_total\{code="AccessDenied"\} [1-9]/);
  });
});
