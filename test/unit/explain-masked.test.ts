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

test('a curl command that signs by itself is not accused of having no signature', () => {
  const idOf = (options: string) =>
    explain(readEvidence(`curl ${options} -u 'A:B' 'http://h/photos/'`), { crypto: nodeCrypto, secret: null })
      .findings[0]?.id;
  assert.equal(idOf("--aws-sigv4 'aws:amz:us-east-1:s3'"), 'signed-by-curl');
  assert.equal(idOf('-s'), 'not-signed');
});
