/** A signature that holds and is out of its time: told when a time is passed in, and never without one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toEvidence } from '../../sigv4/evidence/evidence.ts';
import { readEvidence } from '../../sigv4/evidence/read-evidence.ts';
import { explain } from '../../sigv4/explain/explain.ts';
import { printVerdict } from '../../sigv4/explain/print-explanation.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { presignRequest } from '../../sigv4/presign.ts';
import { BODY, CORRECT, SECRET, signTexts, toRequest } from '../support/broken-requests.ts';

const SIGNED = Date.parse('2026-11-22T10:11:12Z');
const MINUTE = 60_000;

const explainHeader = (now?: number, secret: string | null = SECRET) =>
  explain(
    [
      toEvidence('http', 'HTTP request', {
        request: toRequest(signTexts(CORRECT())),
        body: new TextEncoder().encode(BODY),
      }),
    ],
    { crypto: nodeCrypto, secret, ...(now !== undefined && { now }) },
  );

test('a signed header: 15 minutes either way are right; later is noted, earlier is the clock', () => {
  for (const now of [undefined, SIGNED - 14 * MINUTE, SIGNED, SIGNED + 14 * MINUTE]) {
    const { verdict, notes } = explainHeader(now);
    assert.deepEqual([verdict, notes], ['holds', []], String(now));
  }
  const late = explainHeader(SIGNED + 130 * MINUTE);
  assert.equal(late.verdict, 'holds');
  assert.match(
    printVerdict(late),
    /^The signature holds: .* but it was signed at 2026-11-22T10:11:12Z, 2 hours 10 minutes ago/,
  );
  const ahead = explainHeader(SIGNED - 60 * MINUTE);
  assert.equal(ahead.findings[0]?.id, 'clock');
  assert.match(printVerdict(ahead), /1 hour ahead of the clock here/);
});

const { target } = presignRequest(nodeCrypto, {
  request: { method: 'GET', path: '/photos/cat.jpg', query: '', headers: [['Host', 'store.example.com']] },
  credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: SECRET },
  region: 'eu-central-1',
  service: 's3',
  at: new Date(SIGNED),
  expiresSeconds: 60,
  payloadHash: 'UNSIGNED-PAYLOAD',
  pathRule: 's3',
});
const explainUrl = (now?: number, secret: string | null = SECRET) =>
  explain(readEvidence(`https://store.example.com${target}`), {
    crypto: nodeCrypto,
    secret,
    ...(now !== undefined && { now }),
  });

test('a presigned URL: it holds for its 60 seconds; expired is the finding, with a secret or without', () => {
  for (const now of [undefined, SIGNED, SIGNED + MINUTE]) assert.equal(explainUrl(now).verdict, 'holds', String(now));
  for (const secret of [SECRET, null]) {
    const expired = explainUrl(SIGNED + MINUTE + 62_000, secret);
    assert.equal(expired.findings[0]?.id, 'signature-expired');
    assert.match(printVerdict(expired), /expired at 2026-11-22T10:12:12Z, 1 minute 2 seconds ago/);
    assert.equal(/The signature holds/.test(printVerdict(expired)), secret !== null);
  }
  assert.equal(explainUrl(SIGNED, null).verdict, 'unknown');
});

test('another cause that is proved stays the only one: what is signed anew has a new time', () => {
  const now = SIGNED + 20 * MINUTE;
  assert.deepEqual(
    explainUrl(now, `${SECRET}x`).findings.map(({ id }) => id),
    ['secret-form'],
  );
});
