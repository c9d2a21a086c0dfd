/** What real clients print of a request that was signed with a wrong secret; the script in test/support made the recordings. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { readEvidence } from '../../sigv4/evidence/read-evidence.ts';
import { explain } from '../../sigv4/explain/explain.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';

const LOGS = path.join(import.meta.dirname, '../vectors/client-logs');
/** Beside each stands the error document of the server; s3cmd breaks it over lines. */
const CLIENTS: readonly (readonly [name: string, label: string])[] = [
  ['aws-cli', 'botocore debug log'],
  ['boto3', 'botocore debug log'],
  ['rclone', 'rclone dump'],
  ['s3cmd', 's3cmd debug log'],
  ['sdk-js', 'AWS SDK for JavaScript log'],
  ['curl', 'HTTP request'],
];

for (const [name, label] of CLIENTS) {
  test(`the log of ${name} is recognised, and nothing but the key is accused`, async () => {
    const sides = readEvidence(await readFile(path.join(LOGS, `${name}.txt`), 'utf8'));
    assert.equal(sides[0]?.label, label);
    assert.equal(sides[1]?.error?.code, 'SignatureDoesNotMatch');
    const { findings, difference, sides: explained } = explain(sides, { crypto: nodeCrypto, secret: null });
    assert.match(explained[0]?.canonicalRequest ?? '', /^(?:GET|PUT)\n\/bucket/);
    assert.equal(difference, null, 'both sides have the same texts');
    assert.deepEqual(
      findings.map(({ id }) => id).filter((id) => id !== 'secret-differs'),
      [],
    );
  });
}

test('what curl -v printed is read as curl, alone and behind the command that printed it', async () => {
  const printed = await readFile(path.join(LOGS, 'curl.txt'), 'utf8');
  for (const text of [
    printed,
    `$ curl -v --aws-sigv4 'aws:amz:us-east-1:s3' -u 'A:B' http://h/bucket/key\n${printed}`,
  ]) {
    for (const as of ['curl', undefined] as const) {
      const sides = readEvidence(text, as);
      assert.match(sides[0]?.request?.path ?? '', /^\/bucket\/key/);
      assert.ok(sides[0]?.request?.headers.some(([name]) => name.toLowerCase() === 'authorization'));
    }
  }
});
