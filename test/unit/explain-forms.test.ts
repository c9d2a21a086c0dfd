/** Every way to break, in every form in which a person may have the request: the culprit is named first. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain } from '../../sigv4/explain/explain.ts';
import { readEvidence } from '../../sigv4/evidence/read-evidence.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import {
  BODY,
  BREAKS,
  CORRECT,
  SECRET,
  printCanonicalText,
  printStringText,
  signTexts,
  toRequest,
} from '../support/broken-requests.ts';

type Request = ReturnType<typeof toRequest>;

const printHttp = (request: Request, newline: string): string =>
  [
    `${request.method} ${request.path}?${request.query} HTTP/1.1`,
    ...request.headers.map(([name, value]) => `${name}: ${value}`),
    '',
    BODY,
  ].join(newline);

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const printCurl = (request: Request): string =>
  [
    'curl -v',
    `-X ${request.method}`,
    ...request.headers.map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    `--data-binary ${quote(BODY)}`,
    quote(`http://store.example.com:9000${request.path}?${request.query}`),
  ].join(' \\\n  ');
const printHar = (request: Request): string =>
  JSON.stringify({
    log: {
      entries: [
        {
          request: {
            method: request.method,
            url: `http://store.example.com:9000${request.path}?${request.query}`,
            headers: request.headers.map(([name, value]) => ({ name, value })),
            postData: { text: BODY },
          },
        },
      ],
    },
  });
const printVerbose = (request: Request): string =>
  [
    '* Connected to store.example.com',
    `> ${request.method} ${request.path}?${request.query} HTTP/1.1`,
    ...request.headers.map(([name, value]) => `> ${name}: ${value}`),
    '>',
    '< HTTP/1.1 403 Forbidden',
  ].join('\n');

const toHex = (text: string): string => (Buffer.from(text).toString('hex').match(/../g) ?? []).join(' ');
const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
function printError(signature: string): string {
  const right = CORRECT();
  const [canonical, toSign] = [printCanonicalText(right), printStringText(right)];
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message>` +
    `<AWSAccessKeyId>AKID</AWSAccessKeyId><StringToSign>${escape(toSign)}</StringToSign><SignatureProvided>${signature}</SignatureProvided>` +
    `<StringToSignBytes>${toHex(toSign)}</StringToSignBytes><CanonicalRequest>${escape(canonical)}</CanonicalRequest>` +
    `<CanonicalRequestBytes>${toHex(canonical)}</CanonicalRequestBytes></Error>`
  );
}

const WITH_SECRET: readonly (readonly [form: string, print: (request: Request) => string])[] = [
  ['an HTTP dump with LF', (request) => printHttp(request, '\n')],
  ['an HTTP dump with CRLF', (request) => printHttp(request, '\r\n')],
  ['a curl command', printCurl],
  ['a HAR file', printHar],
];
/** Nothing but the body tells these. */
const NEEDS_BODY = new Set(['payload-line-ends', 'payload-reformatted', 'content-length-changed']);

for (const [form, print] of WITH_SECRET) {
  test(`with the secret, from ${form}`, () => {
    const holds = explain(readEvidence(print(toRequest(signTexts(CORRECT())))), { crypto: nodeCrypto, secret: SECRET });
    assert.deepEqual([holds.verdict, holds.findings], ['holds', []], form);
    for (const [id, bend] of BREAKS) {
      const text = print(toRequest(signTexts(bend(CORRECT()))));
      const { findings } = explain(readEvidence(text), { crypto: nodeCrypto, secret: SECRET });
      assert.equal(findings[0]?.id, id, `${form}: ${findings[0]?.culprit ?? ''}`);
    }
  });
}

test('from what curl -v prints, which has no body', () => {
  for (const [id, bend] of BREAKS) {
    if (NEEDS_BODY.has(id)) continue;
    const text = printVerbose(toRequest(signTexts(bend(CORRECT()))));
    const { findings } = explain(readEvidence(text), { crypto: nodeCrypto, secret: SECRET });
    assert.equal(findings[0]?.id, id);
  }
});

test("without the secret, from the client's log and the server's error document", () => {
  for (const [id, bend] of BREAKS) {
    // What was done to the secret or to the scope of the key alone stands in no text.
    if (id.startsWith('secret-')) continue;
    const bent = bend(CORRECT());
    const log = `2026-11-22 10:11:12,000 - MainThread - botocore.auth - DEBUG - CanonicalRequest:\n${printCanonicalText(bent)}\n2026-11-22 10:11:12,001 - MainThread - botocore.auth - DEBUG - StringToSign:\n${printStringText(bent)}\n`;
    const sides = [...readEvidence(log), ...readEvidence(printError(signTexts(bent)))];
    if (sides.length < 2) continue;
    const { findings, difference } = explain(sides, { crypto: nodeCrypto, secret: null });
    assert.notEqual(difference, null, id);
    // The client's text is known, not its request, so some causes have the name of what they look like from there.
    assert.equal(findings[0]?.proof, 'texts', id);
  }
});

test('the same texts on both sides, and a refusal: the secret is another', () => {
  const right = CORRECT();
  const log = `botocore.auth - DEBUG - CanonicalRequest:\n${printCanonicalText(right)}\nStringToSign:\n${printStringText(right)}\n`;
  const sides = [...readEvidence(log), ...readEvidence(printError(signTexts({ ...right, secret: 'quite another' })))];
  const { verdict, findings } = explain(sides, { crypto: nodeCrypto, secret: null });
  assert.deepEqual([verdict, findings[0]?.id], ['found', 'secret-differs']);
  // The secret at hand signs it, and the server refuses it all the same.
  const signature = signTexts(right);
  const request = [...readEvidence(printHttp(toRequest(signature), '\n')), ...readEvidence(printError(signature))];
  const known = explain(request, { crypto: nodeCrypto, secret: SECRET });
  assert.deepEqual([known.verdict, known.findings[0]?.id], ['found', 'secret-differs']);
  // With the request and the server's texts alone, both are possible.
  const unsettled = explain(request, { crypto: nodeCrypto, secret: null });
  assert.equal(unsettled.verdict, 'unknown');
  assert.match(unsettled.needs[0] ?? '', /another secret than the server has, or the client signed other texts/);
});
