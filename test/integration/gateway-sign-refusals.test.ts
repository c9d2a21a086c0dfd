/** POST /sign: what is not signed, and every way to get more out of it than the key has. */
import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { ask, get, put, sha256, signOne, type Refusal, type Wish } from '../support/ask-signatures.ts';
import { startSignGround } from '../support/sign-ground.ts';
import { answerWell } from '../support/start-fake-provider.ts';

const ground = await startSignGround();
const { gateway, outcomes, provider } = ground;
after(() => ground.close());
beforeEach(() => ground.reset());

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
