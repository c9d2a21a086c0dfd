/** What is signed verifies, and no single change to a signed part does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { printQuery } from '../../sigv4/canonical-query.ts';
import { decodeComponent, encodePath } from '../../sigv4/encode.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { presignRequest } from '../../sigv4/presign.ts';
import { signRequest } from '../../sigv4/sign.ts';
import { createSigningKeyCache } from '../../sigv4/signing-key.ts';
import type { Credentials, PathRule, VerifyInput, WireRequest } from '../../sigv4/types.ts';
import { verifyRequest } from '../../sigv4/verify.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const HASH = 'b'.repeat(64);
const CREDENTIALS: Credentials = { accessKeyId: 'AKIDTEST', secretAccessKey: 'secret', sessionToken: 'token' };

const text = fc.string({ unit: 'binary', maxLength: 10 });
const scenario = fc.record({
  form: fc.constantFrom('header' as const, 'presigned' as const),
  pathRule: fc.constantFrom<PathRule>('s3', 'standard'),
  method: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'HEAD'),
  path: text.map((key) => '/' + encodePath(key)),
  query: fc.array(
    fc.tuple(
      text.map((name) => `q${name}`),
      text,
    ),
    { maxLength: 4 },
  ),
  metadata: fc.uniqueArray(
    fc.tuple(fc.stringMatching(/^[a-z]{1,5}$/), fc.stringMatching(/^[ -~\u00a0-\u00ff]{0,12}$/)),
    {
      maxLength: 3,
      selector: ([name]) => name,
    },
  ),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

/** A shared cache, so that a stale or mixed-up signing key would be seen. */
const keyCache = createSigningKeyCache(2);

function sign(drawn: Scenario): WireRequest {
  const headers: [string, string][] = [['Host', 'storage.example.com']];
  for (const [name, value] of drawn.metadata) headers.push([`X-Amz-Meta-${name}`, value]);
  const request = { method: drawn.method, path: drawn.path, query: printQuery(drawn.query), headers };
  const { pathRule } = drawn;
  const input = {
    request,
    credentials: CREDENTIALS,
    region: 'r',
    service: 's3',
    pathRule,
    payloadHash: HASH,
    at: NOW,
    keyCache,
  };
  if (drawn.form === 'header') return { ...request, headers: signRequest(nodeCrypto, input).headers };
  const { target } = presignRequest(nodeCrypto, { ...input, expiresSeconds: 60 });
  const question = target.indexOf('?');
  return { ...request, path: target.slice(0, question), query: target.slice(question + 1) };
}

function verify(request: WireRequest, pathRule: PathRule, more: Partial<VerifyInput> = {}) {
  return verifyRequest(nodeCrypto, {
    request,
    now: NOW,
    region: 'r',
    service: 's3',
    pathRule,
    findCredentials: (id) => (id === CREDENTIALS.accessKeyId ? [CREDENTIALS] : []),
    keyCache,
    ...more,
  });
}

test('what is signed verifies, in both forms and under both path rules', () => {
  fc.assert(
    fc.property(scenario, (drawn) => {
      const result = verify(sign(drawn), drawn.pathRule);
      assert.ok(result.ok, JSON.stringify(result));
      assert.equal(result.form, drawn.form);
      assert.equal(result.accessKeyId, CREDENTIALS.accessKeyId);
      assert.equal(result.payloadHash, HASH);
      assert.equal(result.at.getTime(), NOW.getTime());
    }),
    { numRuns: 200 },
  );
});

test('the order of the query and of the headers, and the case of header names, are not signed', () => {
  fc.assert(
    fc.property(scenario, (drawn) => {
      const request = sign(drawn);
      const query = request.query.split('&').reverse().join('&');
      const headers = [...request.headers]
        .reverse()
        .map(([name, value]) => [name.toUpperCase(), ` ${value}\t`] as const);
      // Repeats of one query name are sorted by value, so reversing them changes nothing either.
      assert.equal(verify({ ...request, query, headers }, drawn.pathRule).ok, true);
    }),
    { numRuns: 100 },
  );
});

test('any single change to a signed part is refused as SignatureDoesNotMatch', () => {
  fc.assert(
    fc.property(
      scenario,
      fc.constantFrom('method', 'path', 'query', 'value', 'host', 'secret', 'hash', 'signature'),
      (drawn, part) => {
        const request = sign({
          ...drawn,
          metadata: [['m', 'value'], ...drawn.metadata.filter(([name]) => name !== 'm')],
        });
        const result = verify(change(request, part), drawn.pathRule, {
          ...(part === 'secret' && { findCredentials: () => [{ ...CREDENTIALS, secretAccessKey: 'Secret' }] }),
        });
        assert.ok(!result.ok, `${part}: it was verified`);
        assert.equal(result.code, 'SignatureDoesNotMatch', `${part}: ${result.message}`);
      },
    ),
    { numRuns: 400 },
  );
});

function change(request: WireRequest, part: string): WireRequest {
  const header = (name: string, to: (value: string) => string): WireRequest => ({
    ...request,
    headers: request.headers.map(([key, value]) => [key, key.toLowerCase() === name ? to(value) : value]),
  });
  const flip = (signature: string) => signature.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
  switch (part) {
    case 'method':
      return { ...request, method: request.method === 'PUT' ? 'DELETE' : 'PUT' };
    case 'path':
      return { ...request, path: request.path + 'x' };
    case 'query':
      return { ...request, query: request.query === '' ? 'acl' : `${request.query}&acl` };
    case 'value':
      return header('x-amz-meta-m', (value) => value.toUpperCase());
    case 'host':
      return header('host', (value) => `${value}:8080`);
    case 'hash': {
      const query = request.query.replace(HASH, 'c'.repeat(64));
      return { ...header('x-amz-content-sha256', () => 'c'.repeat(64)), query };
    }
    case 'signature': {
      const query = request.query.replace(/(?<=X-Amz-Signature=)[0-9a-f]{64}/, flip);
      return { ...header('authorization', flip), query };
    }
    default:
      return request;
  }
}

test('whatever arrives is answered and never thrown at', () => {
  const anything = fc.string({ unit: 'binary', maxLength: 30 });
  const nearly = fc.constantFrom(
    'AWS4-HMAC-SHA256 ',
    'AWS4-HMAC-SHA256 Credential=A/20261122/r/s3/aws4_request, SignedHeaders=host, Signature=',
  );
  fc.assert(
    fc.property(
      fc.tuple(anything, anything, anything, nearly, anything, fc.boolean()),
      ([method, path, query, scheme, rest, inQuery]) => {
        const base = inQuery ? `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${rest}&` : '';
        const headers: [string, string][] = [
          ['host', 'h'],
          ['x-amz-date', '20261122T120000Z'],
          [rest, rest],
        ];
        if (!inQuery) headers.push(['authorization', scheme + rest]);
        for (const request of [
          { method, path, query: base + query, headers },
          {
            method: 'GET',
            path: '/',
            query: base + encodeURIComponent('a'),
            headers: headers.filter(([name]) => name !== rest),
          },
        ]) {
          assert.equal(verify(request, 's3').ok, false);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('the path that is signed for S3 is the key that is served, and nothing is folded', () => {
  const piece = fc.constantFrom(
    '.',
    '..',
    '/',
    '//',
    '%2F',
    '%2f',
    '%2E',
    'a',
    '%61',
    '%25',
    '%252F',
    '+',
    '%2B',
    '%00',
    '\\',
    '%5c',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.array(piece, { maxLength: 8 }), (one, other) => {
      const [signedPath, servedPath] = [one, other].map((pieces) => '/bucket/' + pieces.join('')) as [string, string];
      const request = sign({
        form: 'header',
        pathRule: 's3',
        method: 'GET',
        path: signedPath,
        query: [],
        metadata: [],
      });
      const holds = verify({ ...request, path: servedPath }, 's3').ok;
      assert.equal(holds, decodeComponent(signedPath) === decodeComponent(servedPath));
    }),
    { numRuns: 300 },
  );
});
