/** A signature that holds, in a log that tells of a failure: the failure is said, and what to do next. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEvidence } from '../../sigv4/evidence/read-evidence.ts';
import { explain } from '../../sigv4/explain/explain.ts';
import { printVerdict } from '../../sigv4/explain/print-explanation.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { CORRECT, SECRET, sha256, signTexts, toRequest } from '../support/broken-requests.ts';

const texts = CORRECT();
const empty = sha256('');
const request = toRequest(
  signTexts({
    ...texts,
    payload: empty,
    headers: texts.headers.map(([name, value]) => [name, name === 'x-amz-content-sha256' ? empty : value]),
  }),
);
const head = [
  `PUT ${request.path}?${request.query} HTTP/1.1`,
  ...request.headers.map(([name, value]) =>
    name.toLowerCase() === 'x-amz-content-sha256' ? `${name}: ${empty}` : `${name}: ${value}`,
  ),
  '',
];
const CURL = head.map((line) => `> ${line}`).join('\n');
const explainText = (text: string) => explain(readEvidence(text), { crypto: nodeCrypto, secret: SECRET });

test('alone, or answered with 200, it holds', () => {
  assert.equal(explainText(CURL).verdict, 'holds');
  assert.equal(explainText(`${CURL}\n< HTTP/1.1 200 OK\n< Server: s\n`).verdict, 'holds');
});

for (const [behind, id, said] of [
  [
    '< HTTP/1.1 400 Bad Request\n< Server: s\n',
    'refused-though-signed',
    /but the answer was 400 Bad Request: something/,
  ],
  [
    'An error occurred (SignatureDoesNotMatch) when calling the PutObject operation: The request',
    'refused-though-signed',
    /but the answer was SignatureDoesNotMatch to PutObject.*\(seen in the answer\)/,
  ],
  [
    'botocore.exceptions.EndpointConnectionError: Could not connect to the endpoint URL: "http://h/"',
    'not-answered',
    /but no server answered.*\(seen in the log\)/,
  ],
  [
    '<Error><Code>AccessDenied</Code><Message>UNSIGNED-PAYLOAD is not allowed</Message></Error>',
    'refused-though-signed',
    /refused it with AccessDenied: UNSIGNED-PAYLOAD is not allowed/,
  ],
] as const) {
  test(`beside ${behind.slice(0, 40).trim()}: ${id}`, () => {
    const explanation = explainText(`${CURL}\n${behind}`);
    assert.deepEqual(
      explanation.findings.map((one) => one.id),
      [id],
    );
    assert.match(printVerdict(explanation), said);
    assert.match(explanation.findings[0]?.mend ?? '', /waybill doctor/);
  });
}
