/** Each known way to sign wrongly is proved by the signature itself, and a correct request is never accused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { toEvidence } from '../../sigv4/evidence/evidence.ts';
import { explain } from '../../sigv4/explain/explain.ts';
import { BODY, BREAKS, CORRECT, SECRET, signTexts, toRequest, type Texts } from '../support/broken-requests.ts';

const explainOne = (signature: string) =>
  explain([toEvidence('http', 'a request', { request: toRequest(signature), body: Buffer.from(BODY) })], {
    crypto: nodeCrypto,
    secret: SECRET,
  });

test('a correct request is not accused', () => {
  const { verdict, findings } = explainOne(signTexts(CORRECT()));
  assert.deepEqual([verdict, findings], ['holds', []]);
});

for (const [id, bend] of BREAKS) {
  test(`proved by the signature: ${id}`, () => {
    const { verdict, findings } = explainOne(signTexts(bend(CORRECT())));
    assert.equal(verdict, 'found');
    assert.equal(findings[0]?.id, id, JSON.stringify(findings.map((one) => one.culprit)));
    assert.equal(findings[0].proof, 'signature');
  });
}

const withHost = (t: Texts, host: string): Texts => ({
  ...t,
  headers: t.headers.map((line) => (line[0] === 'host' ? ['host', host] : line)),
});

test('two at once are found as a pair', () => {
  const { findings } = explainOne(
    signTexts(withHost({ ...CORRECT(), uri: '/bucket/a b/c+d:é//x/../y.txt' }, 'store.example.com')),
  );
  assert.deepEqual(findings.map(({ id }) => id).sort(), ['host-port', 'path-not-encoded']);
});

test('without the secret it says what would settle it, and a wrong secret proves nothing', () => {
  const signature = signTexts({ ...CORRECT(), region: 'us-east-1' });
  const evidence = toEvidence('http', 'a request', { request: toRequest(signature), body: Buffer.from(BODY) });
  const without = explain([evidence], { crypto: nodeCrypto, secret: null });
  assert.equal(without.verdict, 'unknown');
  assert.ok(without.needs.some((need) => need.includes('secret')));
  const before = process.cpuUsage();
  const wrong = explain([evidence], { crypto: nodeCrypto, secret: 'not-the-secret' });
  assert.equal(wrong.verdict, 'unknown');
  // Of the processor, which others use as well; a search ends after some two seconds of it.
  const { user } = process.cpuUsage(before);
  assert.ok(user < 20_000_000, `${String(user / 1000)} ms of work`);
});
