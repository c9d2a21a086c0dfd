/** A secret that came with something around it: the explanation says so, and accuses nobody else of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toEvidence } from '../../sigv4/evidence/evidence.ts';
import { explain } from '../../sigv4/explain/explain.ts';
import { printExplanation } from '../../sigv4/explain/print-explanation.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { BODY, CORRECT, SECRET, signTexts, toRequest, type Texts } from '../support/broken-requests.ts';

function explainWith(secret: string, change: Partial<Texts> = {}) {
  const request = toRequest(signTexts({ ...CORRECT(), ...change }));
  const evidence = toEvidence('http', 'HTTP request', { request, body: new TextEncoder().encode(BODY) });
  return explain([evidence], { crypto: nodeCrypto, secret });
}
const idsOf = ({ findings }: ReturnType<typeof explain>) => findings.map(({ id }) => id);

for (const [around, flaw] of [
  [(secret: string) => `${secret}\n`, /ends with a newline/],
  [(secret: string) => `${secret}\r\n`, /ends with a newline/],
  [(secret: string) => ` ${secret}`, /white space/],
  [(secret: string) => `\ufeff${secret}`, /byte order mark/],
  [(secret: string) => `"${secret}"`, /stands in quotes/],
] as const) {
  test(`given as ${JSON.stringify(around('S'))}: a correct request is not accused, one signed with it does not hold`, () => {
    const correct = explainWith(around(SECRET));
    assert.deepEqual(idsOf(correct), ['secret-given-flawed']);
    assert.match(correct.findings[0]?.culprit ?? '', flaw);
    assert.match(correct.findings[0]?.culprit ?? '', /without it the signature holds/);
    const broken = explainWith(around(SECRET), { secret: around(SECRET) });
    assert.equal(broken.verdict, 'found');
    assert.equal(idsOf(broken)[0], 'secret-given-flawed');
    assert.match(idsOf(broken)[1] ?? '', /^secret-(?:white-space|form)$/);
    assert.ok(!printExplanation(broken).includes(SECRET));
  });
}

test('another cause is still found first, and the flaw is said behind it', () => {
  assert.deepEqual(idsOf(explainWith(`${SECRET}\n`, { region: 'us-east-1' })), [
    'region-differs',
    'secret-given-flawed',
  ]);
});

test('a secret that is clean, with a blank within, is taken as it is', () => {
  assert.equal(explainWith('my own secret', { secret: 'my own secret' }).verdict, 'holds');
});

test('two newlines, which no search tries: the request was signed with them', () => {
  const { findings } = explainWith(`${SECRET}\n\n`, { secret: `${SECRET}\n\n` });
  assert.match(findings[0]?.culprit ?? '', /was signed with it as it stands/);
});
