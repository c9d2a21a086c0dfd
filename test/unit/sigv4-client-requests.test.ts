/** Requests that eighteen real clients sent, recorded whole, verified with the clock at the moment they arrived. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { verifyRequest } from '../../sigv4/verify.ts';

interface Recorded {
  readonly client: string;
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly receivedAt: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

const recorded = readFileSync(new URL('../vectors/client-requests.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded);

function verify(request: Recorded, later = 0) {
  const headers = request.rawHeaders.flatMap((name, index, all) =>
    index % 2 === 0 ? [[name, all[index + 1]!] as const] : [],
  );
  const [path = '', query = ''] = request.url.split('?');
  return verifyRequest(nodeCrypto, {
    request: { method: request.method, path, query, headers },
    now: new Date(Date.parse(request.receivedAt) + later),
    region: request.region,
    service: 's3',
    pathRule: 's3',
    findCredentials: (accessKeyId) =>
      accessKeyId === request.accessKey ? [{ accessKeyId, secretAccessKey: request.secretKey }] : [],
  });
}

function hasHeader(request: Recorded, name: string): boolean {
  return request.rawHeaders.some((text, index) => index % 2 === 0 && text.toLowerCase() === name);
}

const isSigV2 = (request: Recorded): boolean => request.url.includes('AWSAccessKeyId=');
const isCurlWithoutHash = (request: Recorded): boolean =>
  request.client === 'curl' && !hasHeader(request, 'x-amz-content-sha256');
const isSound = (request: Recorded): boolean => !isSigV2(request) && !isCurlWithoutHash(request);

test('every sound request of every client verifies', () => {
  const sound = recorded.filter(isSound);
  assert.equal(sound.length, 162);
  for (const request of sound) {
    const result = verify(request);
    assert.ok(result.ok, `${request.client} ${request.method} ${request.url}: ${JSON.stringify(result)}`);
  }
});

test('SigV2 URLs are refused with InvalidRequest that names AWS4-HMAC-SHA256', () => {
  const sigV2 = recorded.filter(isSigV2);
  assert.equal(sigV2.length, 3);
  for (const request of sigV2) {
    const result = verify(request);
    assert.ok(!result.ok && result.code === 'InvalidRequest', 'it was not refused');
    assert.match(result.message, /AWS4-HMAC-SHA256/);
  }
});

test("curl's requests without a payload hash are refused with InvalidRequest", () => {
  const curl = recorded.filter(isCurlWithoutHash);
  assert.equal(curl.length, 10);
  for (const request of curl) {
    const result = verify(request);
    assert.ok(!result.ok && result.code === 'InvalidRequest', 'it was not refused');
    assert.match(result.message, /x-amz-content-sha256/);
  }
});

test('none of them verifies a day later', () => {
  for (const request of recorded.filter(isSound)) {
    const result = verify(request, 24 * 3_600_000);
    const expected = hasHeader(request, 'authorization') ? 'RequestTimeTooSkewed' : 'AccessDenied';
    assert.ok(!result.ok && result.code === expected, `${request.client}: ${JSON.stringify(result)}`);
  }
});

test('none of them verifies with another method', () => {
  for (const request of recorded.filter(isSound)) {
    const result = verify({ ...request, method: request.method === 'GET' ? 'DELETE' : 'GET' });
    assert.ok(!result.ok && result.code === 'SignatureDoesNotMatch', request.client);
  }
});
