import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAILURES } from '../../core/failures.ts';
import type { FailureType } from '../../core/failures.ts';
import { FAILURE_BY_CODE, toFailureType } from '../../stores/s3/error-map.ts';
import { buildS3Failure, parseRetryAfter } from '../../stores/s3/s3-failure.ts';
import { toTransportFailure } from '../../stores/s3/transport-failure.ts';

const CALL = { operation: 'GetObject', bucket: 'bucket', key: 'key' } as const;
const typeOf = (status: number, s3Code?: string): FailureType => toFailureType({ status, s3Code, about: 'object' });

test('a code that is tried again is retryable in the table, and one that cannot help is not', () => {
  const retryable = [
    'SlowDown',
    'ServiceUnavailable',
    'InternalError',
    'ConditionalRequestConflict',
    'RequestTimeout',
    'BadDigest',
    'XAmzContentChecksumMismatch',
    'IncompleteBody',
  ];
  const final = [
    'AccessDenied',
    'NoSuchKey',
    'PreconditionFailed',
    'SignatureDoesNotMatch',
    'RequestTimeTooSkewed',
    'NotImplemented',
  ];
  for (const code of retryable) assert.ok(FAILURES[FAILURE_BY_CODE[code]!].retryable, code);
  for (const code of final) assert.ok(!FAILURES[FAILURE_BY_CODE[code]!].retryable, code);
});

test('the code decides before the status, and the status where the code is unknown', () => {
  assert.equal(typeOf(400, 'ExpiredToken'), 'bad_credentials');
  assert.equal(typeOf(403, 'RequestTimeTooSkewed'), 'store_refused');
  assert.equal(typeOf(409, 'ConditionalRequestConflict'), 'store_error');
  assert.equal(typeOf(409, 'BucketNotEmpty'), 'store_refused');
  assert.equal(typeOf(400, 'RequestTimeout'), 'store_timeout');
  assert.equal(typeOf(503, 'SomethingNew'), 'store_slow_down');
  assert.equal(typeOf(500, 'SomethingNew'), 'store_error');
  assert.equal(typeOf(502), 'store_error');
  assert.equal(typeOf(404, 'SomethingNew'), 'store_refused');
  assert.equal(typeOf(418), 'store_refused');
  assert.equal(typeOf(400, 'constructor'), 'store_refused');
});

test('a bare 404 is about what the request named', () => {
  const typeAbout = (about: 'bucket' | 'object' | 'upload'): FailureType => toFailureType({ status: 404, about });
  assert.deepEqual(
    ['bucket', 'object', 'upload'].map((about) => typeAbout(about as 'bucket')),
    ['no_such_bucket', 'no_such_key', 'no_such_upload'],
  );
});

test('a clock that is wrong is said to be the clock', () => {
  const failure = buildS3Failure(CALL, {
    status: 403,
    headers: {},
    s3Code: 'RequestTimeTooSkewed',
    message: 'The difference …',
  });
  assert.match(failure.message, /clock/);
});

test('a page of a proxy does not become a message of many lines', () => {
  const failure = buildS3Failure(CALL, { status: 400, headers: {}, s3Code: 'Odd', message: 'x'.repeat(10_000) });
  assert.ok(failure.message.length < 500);
});

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(parseRetryAfter('3', now), 3000);
  assert.equal(parseRetryAfter('Thu, 01 Jan 2026 00:00:10 GMT', now), 10_000);
  assert.equal(parseRetryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now), 0);
  assert.equal(parseRetryAfter('soon', now), undefined);
  assert.equal(parseRetryAfter(undefined, now), undefined);
});

test('whatever a socket throws is of the table, and only lengths that differ are the body', () => {
  const typeOfCode = (code: string): FailureType =>
    toTransportFailure(Object.assign(new Error(code), { code }), {}).type;
  for (const code of [
    'ECONNREFUSED',
    'ENOTFOUND',
    'ECONNRESET',
    'EPIPE',
    'CERT_HAS_EXPIRED',
    'HTTP_CLOSED',
    'EWHATEVER',
  ]) {
    assert.equal(typeOfCode(code), 'store_unreachable', code);
  }
  assert.equal(typeOfCode('HTTP_TRUNCATED'), 'body_corrupt');
  assert.equal(typeOfCode('HTTP_UNSENDABLE'), 'store_refused');
  assert.equal(toTransportFailure('not even an error', {}).type, 'store_unreachable');
});
