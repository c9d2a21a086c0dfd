/** The parts that a signature is made of, each alone. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { parseAmzDate, toAmzDate } from '../../sigv4/amz-date.ts';
import { buildCanonicalHeaders } from '../../sigv4/canonical-headers.ts';
import { buildCanonicalQuery, parseQuery } from '../../sigv4/canonical-query.ts';
import { buildCanonicalUri } from '../../sigv4/canonical-uri.ts';
import { equalConstantTime } from '../../sigv4/constant-time.ts';
import { decodeComponent, decodePercent, encodeComponent, encodePath } from '../../sigv4/encode.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { presignRequest } from '../../sigv4/presign.ts';
import { signRequest } from '../../sigv4/sign.ts';
import { createSigningKeyCache, deriveSigningKey } from '../../sigv4/signing-key.ts';
import type { SignInput } from '../../sigv4/types.ts';

test('only unreserved characters stay as they are', () => {
  assert.equal(encodeComponent("AZaz09-._~!'()*/+ %"), 'AZaz09-._~%21%27%28%29%2A%2F%2B%20%25');
  assert.equal(encodePath('a/b c/\u00e9\u{1f4e6}'), 'a/b%20c/%C3%A9%F0%9F%93%A6');
});

test('decoding happens once, keeps a byte order mark and refuses what is malformed', () => {
  assert.equal(decodeComponent('%2541'), '%41');
  assert.equal(decodeComponent('%EF%BB%BFa'), '\ufeffa');
  for (const malformed of ['%', '%4', '%zz', 'a%', '%-1', '% 1', '%0x'])
    assert.equal(decodePercent(malformed), null, malformed);
  for (const notUtf8 of ['%ff', '%c0%af', '%ed%a0%80']) assert.equal(decodeComponent(notUtf8), null, notUtf8);
});

test('the S3 path rule folds nothing; the standard one folds and encodes again', () => {
  for (const [path, s3, standard] of [
    ['', '/', '/'],
    ['/a//b/./c/../d', '/a//b/./c/../d', '/a/b/d'],
    ['/a%2Fb', '/a/b', '/a%252Fb'],
    ['/a+b%20c', '/a%2Bb%20c', '/a%2Bb%2520c'],
    ['/%7Ea%2e', '/~a.', '/%257Ea%252e'],
    ['/%ff', '/%FF', '/%25ff'],
    ['/../..', '/../..', '/'],
    ['/a/../', '/a/../', '/'],
    ['/%4', null, '/%254'],
  ] as const) {
    assert.equal(buildCanonicalUri(path, 's3'), s3, path);
    assert.equal(buildCanonicalUri(path, 'standard'), standard, path);
  }
});

test('a query is sorted by encoded name, then by encoded value', () => {
  for (const [query, canonical] of [
    ['uploads', 'uploads='],
    ['a=2&a=1&a', 'a=&a=1&a=2'],
    ['a-b=1&a=2', 'a=2&a-b=1'],
    ['b=1&&a=1&', 'a=1&b=1'],
    ['a=x=y', 'a=x%3Dy'],
    ['B=1&a=1&%41=1', 'A=1&B=1&a=1'],
    ['a=%7e%2f%c3%a9', 'a=~%2F%C3%A9'],
    ['a=1%2B1', 'a=1%2B1'],
    ['a=1+1', 'a=1%201'],
    ['%F0%9F%93%A6=1&%EF%BF%BF=1', '%EF%BF%BF=1&%F0%9F%93%A6=1'],
    ['a=%', null],
  ] as const) {
    assert.equal(buildCanonicalQuery(query), canonical, query);
  }
  assert.deepEqual(parseQuery('a=1+1&b=%2B&c'), [
    ['a', '1 1'],
    ['b', '+'],
    ['c', ''],
  ]);
});

test('header values are trimmed and collapsed, repeats joined, and bytes read as the UTF-8 that was sent', () => {
  const headers = [
    ['X-B', '  a \t b  '],
    ['x-a', '2'],
    ['X-A', '1'],
    ['x-u', Buffer.from('\u00e0 \u00e9').toString('latin1')],
  ] as const;
  assert.equal(
    buildCanonicalHeaders(headers, ['x-a', 'x-absent', 'x-b', 'x-u']),
    'x-a:2,1\nx-absent:\nx-b:a b\nx-u:\u00e0 \u00e9\n',
  );
});

test('a date is a real one or none', () => {
  assert.equal(toAmzDate(new Date('2026-02-03T04:05:06.789Z')), '20260203T040506Z');
  assert.equal(parseAmzDate('20260203T040506Z')?.toISOString(), '2026-02-03T04:05:06.000Z');
  for (const text of [
    '',
    '20260230T000000Z',
    '20261301T000000Z',
    '20260203T240000Z',
    '2026-02-03T04:05:06Z',
    '20260203T040506',
    '20260203T040506Z\n',
  ]) {
    assert.equal(parseAmzDate(text), null, text);
  }
});

test('texts are equal only when all of them is', () => {
  assert.equal(equalConstantTime('', '') && equalConstantTime('abc', 'abc'), true);
  for (const [a, b] of [
    ['abc', 'abd'],
    ['abc', 'ab'],
    ['ab', 'abc'],
    ['', 'a'],
    ['a', ''],
    ['a\0', 'a'],
    ['ä', '\u00c3'],
    ['\ud800', '\ufffd'],
    ['\ud83d\ude00a', 'abc'],
  ] as const) {
    assert.ok(!equalConstantTime(a, b), `${a} ${b}`);
  }
  for (const length of [64, 1024, 1025, 5000]) {
    const same = 'f'.repeat(length);
    assert.ok(equalConstantTime(same, 'f'.repeat(length)));
    for (const at of [0, length >> 1, length - 1]) {
      assert.ok(!equalConstantTime(`${same.slice(0, at)}0${same.slice(at + 1)}`, same), `${length} at ${at}`);
    }
  }
});

test('a cached signing key is the derived one, for its own secret and scope only, and the cache stays small', () => {
  const cache = createSigningKeyCache(2);
  const scope = { date: '20261122', region: 'r', service: 's3' };
  for (const secret of ['a', 'b', 'c', 'a']) {
    for (const service of ['s3', 'kms']) {
      const key = deriveSigningKey(nodeCrypto, secret, { ...scope, service });
      assert.deepEqual(deriveSigningKey(nodeCrypto, secret, { ...scope, service }, cache), key);
      assert.deepEqual(cache.get(secret, { ...scope, service }), key);
    }
  }
  assert.equal(cache.get('b', scope), undefined);
  assert.doesNotMatch(inspect(cache, { depth: 9, showHidden: true }), /20261122/);
});

const SIGN: SignInput = {
  request: { method: 'GET', path: '/b/k', query: '', headers: [['Host', 'h']] },
  credentials: { accessKeyId: 'A', secretAccessKey: 's' },
  region: 'r',
  service: 's3',
  pathRule: 's3',
  payloadHash: 'UNSIGNED-PAYLOAD',
  at: new Date('2026-11-22T12:00:00Z'),
};

test('signing what is signed already gives the same request', () => {
  const once = signRequest(nodeCrypto, SIGN);
  const twice = signRequest(nodeCrypto, { ...SIGN, request: { ...SIGN.request, headers: once.headers } });
  assert.deepEqual(twice, once);
});

test('what cannot be signed is an invalid_request that does not show the target', () => {
  const malformed = { ...SIGN, request: { ...SIGN.request, query: 'token=secret%' } };
  for (const attempt of [
    () => signRequest(nodeCrypto, malformed),
    () => presignRequest(nodeCrypto, { ...malformed, expiresSeconds: 60 }),
    () => presignRequest(nodeCrypto, { ...SIGN, expiresSeconds: 604_801 }),
    () => presignRequest(nodeCrypto, { ...SIGN, expiresSeconds: 0.5 }),
    () =>
      presignRequest(nodeCrypto, { ...SIGN, request: { ...SIGN.request, query: 'X-Amz-Date=1' }, expiresSeconds: 60 }),
  ]) {
    assert.throws(
      attempt,
      (error: Error & { type?: string }) => error.type === 'invalid_request' && !error.message.includes('secret'),
    );
  }
});

test('the folder runs in a browser: no Node module outside node-crypto.ts, no Buffer, no clock', () => {
  const folder = new URL('../../sigv4/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts') && name !== 'node-crypto.ts');
  assert.ok(files.length >= 15, 'the folder was looked at');
  for (const name of files) {
    const code = readFileSync(new URL(name, folder), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
    assert.doesNotMatch(code, /from 'node:|\bBuffer\b|\bprocess\.|Date\.now|new Date\(\)|Math\.random|\bfetch\(/, name);
  }
});
