/** Every way that a signature can be wrong, each with its S3 code. Each was accepted by some real server once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256Hex } from '../../sigv4/hex.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { presignRequest } from '../../sigv4/presign.ts';
import { signRequest } from '../../sigv4/sign.ts';
import { createSigningKeyCache } from '../../sigv4/signing-key.ts';
import type {
  Credentials,
  Crypto,
  SignInput,
  Verified,
  VerifyFailure,
  VerifyInput,
  WireRequest,
} from '../../sigv4/types.ts';
import { verifyRequest } from '../../sigv4/verify.ts';

type Code = VerifyFailure['code'];
type Headers = WireRequest['headers'];

const NOW = new Date('2026-11-22T12:00:00Z');
const KEY: Credentials = { accessKeyId: 'AKIDTEST', secretAccessKey: 'a secret that never shows' };
const TEMPORARY: Credentials = {
  accessKeyId: 'ASIDTEST',
  secretAccessKey: 'another secret',
  sessionToken: 'the token',
};
const EMPTY = sha256Hex(nodeCrypto, '');
const HEADERS: Headers = [
  ['Host', 'storage.example.com'],
  ['x-amz-meta-a', '1'],
];
const REQUEST: WireRequest = { method: 'PUT', path: '/bucket/a%20key', query: 'b=2&a=1', headers: HEADERS };
const SIGN: SignInput = {
  request: REQUEST,
  credentials: KEY,
  region: 'us-east-1',
  service: 's3',
  pathRule: 's3',
  payloadHash: EMPTY,
  at: NOW,
};

function verify(request: WireRequest, more: Partial<VerifyInput> = {}): Verified | VerifyFailure {
  return verifyRequest(nodeCrypto, {
    request,
    now: NOW,
    region: 'us-east-1',
    service: 's3',
    pathRule: 's3',
    findCredentials: (id) => [KEY, TEMPORARY].filter((credentials) => credentials.accessKeyId === id),
    ...more,
  });
}

function signed(more: Partial<SignInput> = {}): WireRequest {
  const input = { ...SIGN, ...more };
  return { ...input.request, headers: signRequest(nodeCrypto, input).headers };
}

function presigned(more: Partial<SignInput> & { expiresSeconds?: number } = {}): WireRequest {
  const input = { ...SIGN, payloadHash: 'UNSIGNED-PAYLOAD', expiresSeconds: 60, ...more };
  const { target } = presignRequest(nodeCrypto, input);
  const question = target.indexOf('?');
  return { ...input.request, path: target.slice(0, question), query: target.slice(question + 1) };
}

/** The request with one header's value replaced, removed (null) or added. */
function withHeader(
  request: WireRequest,
  name: string,
  change: ((value: string) => string) | string | null,
): WireRequest {
  const headers = request.headers.flatMap(([key, value]) => {
    if (key.toLowerCase() !== name) return [[key, value] as const];
    return change === null ? [] : [[key, typeof change === 'string' ? change : change(value)] as const];
  });
  const present = request.headers.some(([key]) => key.toLowerCase() === name);
  return { ...request, headers: present || typeof change !== 'string' ? headers : [...headers, [name, change]] };
}

function plusHeader(request: WireRequest, name: string, value: string): WireRequest {
  return { ...request, headers: [...request.headers, [name, value]] };
}

function authorization(request: WireRequest, from: string | RegExp, to: string): WireRequest {
  return withHeader(request, 'authorization', (value) => {
    const changed = value.replace(from, to);
    assert.notEqual(changed, value, 'the test must change something');
    return changed;
  });
}

function inQuery(request: WireRequest, from: string | RegExp, to: string): WireRequest {
  const query = request.query.replace(from, to);
  assert.notEqual(query, request.query, 'the test must change something');
  return { ...request, query };
}

function at(offsetMs: number): Date {
  return new Date(NOW.getTime() + offsetMs);
}

const MINUTES = 60_000;
const MALFORMED = 'AuthorizationHeaderMalformed';
const QUERY_ERROR = 'AuthorizationQueryParametersError';

const REFUSALS: readonly (readonly [title: string, code: Code, make: () => Verified | VerifyFailure, says?: RegExp])[] =
  [
    // Which form.
    ['a request without a signature', 'AccessDenied', () => verify(REQUEST)],
    [
      'header and query authentication together',
      'InvalidArgument',
      () => verify({ ...presigned(), headers: signed().headers }),
    ],
    [
      'a second Authorization',
      'InvalidRequest',
      () => verify(plusHeader(signed(), 'authorization', 'AWS4-HMAC-SHA256 x')),
    ],
    [
      'SigV2 in the header',
      'InvalidRequest',
      () => verify(plusHeader(REQUEST, 'authorization', 'AWS AKID:abc=')),
      /AWS4-HMAC-SHA256/,
    ],
    [
      'SigV2 in the query',
      'InvalidRequest',
      () => verify({ ...REQUEST, query: 'AWSAccessKeyId=A&Signature=b&Expires=1' }),
      /AWS4-HMAC-SHA256/,
    ],
    [
      'SigV4A in the header',
      'InvalidRequest',
      () => verify(authorization(signed(), 'AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256')),
      /4A/,
    ],
    [
      'SigV4A in the query',
      QUERY_ERROR,
      () => verify(inQuery(presigned(), 'AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256')),
      /4A/,
    ],
    [
      'another algorithm in the query',
      QUERY_ERROR,
      () => verify(inQuery(presigned(), 'AWS4-HMAC-SHA256', 'AWS4-HMAC-SHA1')),
    ],
    ['Basic authorization', 'InvalidArgument', () => verify(plusHeader(REQUEST, 'authorization', 'Basic QTpi'))],
    ['a bare scheme', 'InvalidArgument', () => verify(plusHeader(REQUEST, 'authorization', 'AWS4-HMAC-SHA256'))],
    ['no Signature field', MALFORMED, () => verify(authorization(signed(), /, Signature=.*/, ''))],
    ['two Signature fields', MALFORMED, () => verify(authorization(signed(), /$/, ', Signature=00'))],
    ['an unknown field', MALFORMED, () => verify(authorization(signed(), /$/, ', Extra=1'))],
    ['a credential of four parts', MALFORMED, () => verify(authorization(signed(), '/s3/', '/'))],
    [
      'upper-case signed headers',
      MALFORMED,
      () => verify(authorization(signed(), 'SignedHeaders=host', 'SignedHeaders=Host')),
    ],
    [
      'a repeated signed header',
      MALFORMED,
      () => verify(authorization(signed(), 'SignedHeaders=host', 'SignedHeaders=host;host')),
    ],
    ['a missing query parameter', QUERY_ERROR, () => verify(inQuery(presigned(), /&X-Amz-Date=[^&]*/, ''))],
    [
      'a repeated query parameter',
      QUERY_ERROR,
      () => verify(inQuery(presigned(), /$/, '&X-Amz-Expires=600000')),
      /only once/,
    ],
    // Where and when.
    ['no x-amz-date', 'AccessDenied', () => verify(withHeader(signed(), 'x-amz-date', null)), /x-amz-date/],
    [
      'a Date header instead of x-amz-date',
      'AccessDenied',
      () => verify(plusHeader(withHeader(signed(), 'x-amz-date', null), 'date', NOW.toUTCString())),
    ],
    ['a second x-amz-date', 'InvalidRequest', () => verify(plusHeader(signed(), 'X-Amz-Date', '20261122T120000Z'))],
    [
      'a date that does not exist',
      'AccessDenied',
      () => verify(withHeader(signed(), 'x-amz-date', '20260230T120000Z')),
    ],
    ['a scope of another day', MALFORMED, () => verify(authorization(signed(), '/20261122/', '/20261121/'))],
    [
      'a scope of another day in the query',
      QUERY_ERROR,
      () => verify(inQuery(presigned(), '%2F20261122%2F', '%2F20261121%2F')),
    ],
    [
      'another region',
      MALFORMED,
      () => verify(signed({ region: 'eu-west-1' })),
      /'eu-west-1' is wrong; expecting 'us-east-1'/,
    ],
    ['another region in the query', QUERY_ERROR, () => verify(presigned({ region: 'eu-west-1' }))],
    ['another service', MALFORMED, () => verify(signed({ service: 'sts', addContentSha256: true }))],
    ['another terminator', MALFORMED, () => verify(authorization(signed(), 'aws4_request', 'aws5_request'))],
    [
      'a request 15 minutes and a second old',
      'RequestTimeTooSkewed',
      () => verify(signed({ at: at(-15 * MINUTES - 1_000) })),
    ],
    [
      'a request 15 minutes and a second ahead',
      'RequestTimeTooSkewed',
      () => verify(signed({ at: at(15 * MINUTES + 1_000) })),
    ],
    ['a request a year old', 'RequestTimeTooSkewed', () => verify(signed({ at: at(-365 * 24 * 60 * MINUTES) }))],
    ['an expired URL', 'AccessDenied', () => verify(presigned({ at: at(-61_000) })), /Request has expired/],
    [
      'a URL from the future',
      'AccessDenied',
      () => verify(presigned({ at: at(15 * MINUTES + 1_000) })),
      /not valid yet/,
    ],
    ['an expiry above seven days', QUERY_ERROR, () => verify(inQuery(presigned(), 'Expires=60', 'Expires=604801'))],
    ['an expiry of nothing', QUERY_ERROR, () => verify(inQuery(presigned(), 'Expires=60', 'Expires=0'))],
    ['a negative expiry', QUERY_ERROR, () => verify(inQuery(presigned(), 'Expires=60', 'Expires=-60'))],
    ['an expiry that is no number', QUERY_ERROR, () => verify(inQuery(presigned(), 'Expires=60', 'Expires=6e9'))],
    // What it covers.
    ['no Host', 'InvalidRequest', () => verify(withHeader(signed(), 'host', null))],
    ['a second Host', 'InvalidRequest', () => verify(plusHeader(signed(), 'HOST', 'other.example.com'))],
    [
      'an unsigned Host',
      'AccessDenied',
      () => verify(signed({ signedHeaders: ['x-amz-content-sha256', 'x-amz-date', 'x-amz-meta-a'] })),
      /host/,
    ],
    [
      'an unsigned x-amz-date',
      'AccessDenied',
      () => verify(signed({ signedHeaders: ['host', 'x-amz-content-sha256', 'x-amz-meta-a'] })),
      /x-amz-date/,
    ],
    [
      'an x-amz header that nobody signed',
      'AccessDenied',
      () => verify(plusHeader(signed(), 'X-Amz-Acl', 'public-read')),
      /x-amz-acl/,
    ],
    [
      'the same on a presigned URL',
      'AccessDenied',
      () => verify(plusHeader(presigned(), 'X-Amz-Acl', 'public-read')),
      /x-amz-acl/,
    ],
    ['a repeated x-amz header', 'InvalidRequest', () => verify(plusHeader(signed(), 'X-Amz-Meta-A', '2'))],
    [
      'a repeated Content-Length',
      'InvalidRequest',
      () => verify(plusHeader(plusHeader(signed(), 'content-length', '1'), 'Content-Length', '2')),
    ],
    [
      'no x-amz-content-sha256',
      'InvalidRequest',
      () => verify(signed({ addContentSha256: false })),
      /x-amz-content-sha256/,
    ],
    [
      'a payload hash that is none',
      'InvalidArgument',
      () => verify(signed({ payloadHash: 'STREAMING-NOTHING' })),
      /"ArgumentName","x-amz-content-sha256"\],\["ArgumentValue","STREAMING-NOTHING"/,
    ],
    [
      'chunks signed as SigV4A does',
      'InvalidArgument',
      () => verify(signed({ payloadHash: 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD' })),
      /Signature Version 4A/,
    ],
    [
      'two payload hashes',
      QUERY_ERROR,
      () =>
        verify(
          presigned({
            request: {
              ...REQUEST,
              query: 'X-Amz-Content-Sha256=UNSIGNED-PAYLOAD',
              headers: [...HEADERS, ['x-amz-content-sha256', EMPTY]],
            },
            payloadHash: EMPTY,
          }),
        ),
    ],
    // What cannot be read in one way only.
    ['a malformed escape in the path', 'InvalidRequest', () => verify({ ...signed(), path: '/bucket/%zz' })],
    ['a cut escape in the path', 'InvalidRequest', () => verify({ ...signed(), path: '/bucket/%4' })],
    ['a malformed escape in the query', 'InvalidRequest', () => verify({ ...signed(), query: 'a=%' })],
    ['a query that is not UTF-8', 'InvalidRequest', () => verify({ ...signed(), query: 'a=%ff' })],
    ['a raw space in the target', 'InvalidRequest', () => verify({ ...signed(), path: '/bucket/a key' })],
    [
      'a target with a scheme',
      'InvalidRequest',
      () => verify({ ...signed(), path: 'http://storage.example.com/bucket' }),
    ],
    [
      'a line feed in a header',
      'InvalidRequest',
      () => verify(withHeader(signed(), 'x-amz-meta-a', '1\nx-amz-acl:public-read')),
    ],
    // Who.
    [
      'an unknown access key',
      'InvalidAccessKeyId',
      () => verify(signed({ credentials: { ...KEY, accessKeyId: 'AKIDOTHER' } })),
    ],
    [
      'another secret',
      'SignatureDoesNotMatch',
      () => verify(signed({ credentials: { ...KEY, secretAccessKey: 'guess' } })),
    ],
    [
      'an identity taken from the credential alone',
      'SignatureDoesNotMatch',
      () => verify(authorization(signed(), 'AKIDTEST', 'ASIDTEST')),
    ],
    ['an empty signature', MALFORMED, () => verify(authorization(signed(), /Signature=[0-9a-f]+/, 'Signature='))],
    ['a signature cut short', 'SignatureDoesNotMatch', () => verify(authorization(signed(), /.$/, ''))],
    [
      'an upper-case signature',
      'SignatureDoesNotMatch',
      () =>
        verify(
          authorization(
            signed(),
            /Signature=.*/,
            /Signature=(.*)/.exec(signed().headers.at(-1)![1])![0].toUpperCase().replace('SIGNATURE', 'Signature'),
          ),
        ),
    ],
    [
      'a temporary key without its token',
      'InvalidToken',
      () => verify(signed({ credentials: { accessKeyId: 'ASIDTEST', secretAccessKey: 'another secret' } })),
    ],
    [
      'a temporary key with another token',
      'InvalidToken',
      () => verify(signed({ credentials: { ...TEMPORARY, sessionToken: 'the tokem' } })),
    ],
    [
      'a lasting key with a token',
      'InvalidToken',
      () => verify(signed({ credentials: { ...KEY, sessionToken: 'the token' } })),
    ],
    [
      'another token in a URL',
      'InvalidToken',
      () => verify(presigned({ credentials: { ...TEMPORARY, sessionToken: 'x' } })),
    ],
    ['a token beside the URL', QUERY_ERROR, () => verify(plusHeader(presigned(), 'x-amz-security-token', 'the token'))],
  ];

for (const [title, code, make, says] of REFUSALS) {
  test(`${title} is refused with ${code}`, () => {
    const result = make();
    assert.ok(!result.ok, 'it was verified');
    assert.equal(result.code, code, result.message);
    if (says !== undefined) assert.match(`${result.message} ${JSON.stringify(result.fields ?? [])}`, says);
    // Stages explain a mismatch to somebody who holds the key; no other refusal may carry them.
    assert.equal(result.stages !== undefined, code === 'SignatureDoesNotMatch');
  });
}

test('what the refusals start from verifies, at both ends of the window', () => {
  for (const request of [
    signed(),
    signed({ at: at(-15 * MINUTES) }),
    signed({ at: at(15 * MINUTES) }),
    signed({ credentials: TEMPORARY }),
    presigned(),
    presigned({ at: at(-60_000) }),
    presigned({ at: at(15 * MINUTES) }),
    presigned({ expiresSeconds: 604_800, at: at(-6 * 24 * 60 * MINUTES) }),
    presigned({ credentials: TEMPORARY, payloadHash: EMPTY }),
  ]) {
    const result = verify(request);
    assert.ok(result.ok, JSON.stringify(result));
  }
});

test('while a secret rotates, both are valid', () => {
  const next = { ...KEY, secretAccessKey: 'the next secret' };
  const findCredentials = () => [KEY, next];
  assert.equal(verify(signed(), { findCredentials }).ok, true);
  assert.equal(verify(signed({ credentials: next }), { findCredentials }).ok, true);
});

test('a mismatch tells both texts and never the expected signature, the secret or the signing key', () => {
  const genuine = signRequest(nodeCrypto, SIGN);
  const result = verify({ ...signed(), method: 'DELETE' });
  assert.ok(!result.ok && result.stages !== undefined, 'a mismatch has its stages');
  assert.match(result.stages.canonicalRequest, /^DELETE\n\/bucket\/a%20key\na=1&b=2\n/);
  assert.equal(result.signatureProvided, genuine.signature);
  const expected = signRequest(nodeCrypto, { ...SIGN, request: { ...REQUEST, method: 'DELETE' } }).signature;
  const told = JSON.stringify(result);
  assert.equal(told.includes(expected) || told.includes(KEY.secretAccessKey), false);
});

test('an unknown key costs the work of a known one', () => {
  const counts = [KEY.accessKeyId, 'AKIDOTHER'].map((accessKeyId) => {
    const calls = { sha256: 0, hmacSha256: 0 };
    const counting: Crypto = {
      sha256: (data) => (calls.sha256++, nodeCrypto.sha256(data)),
      hmacSha256: (key, data) => (calls.hmacSha256++, nodeCrypto.hmacSha256(key, data)),
    };
    const request = signed({ credentials: { ...KEY, accessKeyId } });
    const findCredentials = (id: string) => (id === KEY.accessKeyId ? [KEY] : []);
    const keyCache = createSigningKeyCache();
    const input = {
      request,
      now: NOW,
      region: 'us-east-1',
      service: 's3',
      pathRule: 's3' as const,
      findCredentials,
      keyCache,
    };
    verifyRequest(counting, input);
    const cold = { ...calls };
    verifyRequest(counting, input);
    return { cold, both: calls };
  });
  assert.deepEqual(counts[0], { cold: { sha256: 1, hmacSha256: 5 }, both: { sha256: 2, hmacSha256: 6 } });
  assert.deepEqual(counts[1], counts[0]);
});
