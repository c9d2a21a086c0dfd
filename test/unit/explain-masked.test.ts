/** A log that hides the Authorization header is told from a header that is malformed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEvidence } from '../../sigv4/evidence/read-evidence.ts';
import { explain } from '../../sigv4/explain/explain.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';

const idsOf = (authorization: string) =>
  explain(
    readEvidence(
      `GET /photos HTTP/1.1\nHost: h\nAuthorization: ${authorization}\nX-Amz-Date: 20261122T101112Z\nX-Amz-Content-Sha256: UNSIGNED-PAYLOAD\n\n`,
    ),
    { crypto: nodeCrypto, secret: 'secret-secret' },
  ).findings.map(({ id }) => id);

for (const mask of [
  'XXXX',
  '***',
  '****',
  '[REDACTED]',
  'REDACTED',
  '**REDACTED**',
  '<hidden>',
  'AWS4-HMAC-SHA256 ***',
])
  test(`Authorization: ${mask} is masked`, () => assert.deepEqual(idsOf(mask), ['authorization-masked']));

test('another scheme is malformed, as before', () => {
  assert.ok(idsOf('Bearer abc').includes('authorization-malformed'));
  assert.ok(idsOf('AWS4-HMAC-SHA256').includes('authorization-malformed'));
});
