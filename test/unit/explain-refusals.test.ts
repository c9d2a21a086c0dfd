/** What servers answer beside SignatureDoesNotMatch, and where other services and other SDKs put their texts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain } from '../../sigv4/explain/explain.ts';
import { readEvidence } from '../../sigv4/evidence/read-evidence.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { BODY, CORRECT, SECRET, printCanonicalText, printStringText, signTexts } from '../support/broken-requests.ts';

const ask = (text: string, secret: string | null = null) => explain(readEvidence(text), { crypto: nodeCrypto, secret });
const document = (code: string, message: string, more = ''): string =>
  `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`;

const REFUSALS: readonly (readonly [text: string, id: string, says: RegExp])[] = [
  [
    document(
      'RequestTimeTooSkewed',
      'too large',
      '<RequestTime>20261122T101112Z</RequestTime><ServerTime>2026-11-22T10:31:12Z</ServerTime>',
    ),
    'clock',
    /the client is 1200 seconds behind/,
  ],
  [
    document(
      'AuthorizationHeaderMalformed',
      "the region 'us-east-1' is wrong; expecting 'eu-west-1'",
      '<Region>eu-west-1</Region>',
    ),
    'region-wrong',
    /it expects eu-west-1/,
  ],
  [document('InvalidAccessKeyId', 'does not exist in our records'), 'access-key-unknown', /does not know/],
  [document('ExpiredToken', 'The provided token has expired.'), 'token-expired', /expired/],
  [document('InvalidToken', 'malformed or otherwise invalid'), 'token-invalid', /token/],
  [document('XAmzContentSHA256Mismatch', 'does not match'), 'payload-changed', /body that arrived/],
  [document('AccessDenied', 'Request has expired'), 'signature-expired', /out of its time/],
  [
    document('AccessDenied', 'There were headers present in the request which were not signed'),
    'amz-header-not-signed',
    /not signed/,
  ],
  [document('InvalidArgument', 'Only one auth mechanism allowed'), 'header-and-query', /header and in the query/],
  [document('InvalidRequest', 'Please use AWS4-HMAC-SHA256.'), 'sigv2', /Version 2/],
  [
    document('NotImplemented', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER not implemented'),
    'payload-form-unsupported',
    /form/,
  ],
  [
    document('PermanentRedirect', 'must be addressed', '<Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint>'),
    'endpoint-wrong',
    /eu-west-1/,
  ],
  [
    '{"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."}',
    'access-key-unknown',
    /know/,
  ],
  ['{"message":"Credential should be scoped to correct service: \'execute-api\'."}', 'service-wrong', /service/],
];

for (const [text, id, says] of REFUSALS) {
  test(`a refusal names its cause: ${id} ${text.slice(0, 60).replace(/\s+/g, ' ')}`, () => {
    const { verdict, findings } = ask(text);
    assert.deepEqual([verdict, findings[0]?.id], ['found', id]);
    assert.match(findings[0]?.culprit ?? '', says);
    assert.ok((findings[0]?.mend.length ?? 0) > 10);
  });
}

test('a code that says nothing of the signature accuses nothing', () => {
  for (const code of ['NoSuchKey', 'SlowDown', 'InternalError', 'AccessDenied', 'NoSuchBucket'])
    assert.equal(ask(document(code, 'a message')).verdict, 'unknown', code);
});

/** What each prints of a request whose query was signed unsorted; the server's texts beside it. */
const bent = { ...CORRECT(), query: 'uploads=&partNumber=7&list-type=2&prefix=a%20b%2Fc%2Bd' };
const right = CORRECT();
const toSign = (texts: typeof right): string => printStringText(texts);
const LOGS: readonly (readonly [label: string, log: string])[] = [
  [
    'AWS SDK for Go log',
    `SDK 2026/11/22 10:11:12 DEBUG Request Signature:\n---[ CANONICAL STRING  ]-----------------------------\n${printCanonicalText(bent)}\n---[ STRING TO SIGN ]--------------------------------\n${toSign(bent)}\n-----------------------------------------------------\n`,
  ],
  [
    'AWS SDK for Java log',
    `10:11:12.123 [main] DEBUG software.amazon.awssdk.auth.signer.Aws4Signer - AWS4 Canonical Request: ${printCanonicalText(bent)}\n10:11:12.124 [main] DEBUG software.amazon.awssdk.auth.signer.Aws4Signer - AWS4 String to sign: ${toSign(bent)}\n`,
  ],
  [
    'botocore debug log',
    `DEBUG:botocore.auth:CanonicalRequest:\n${printCanonicalText(bent)}\nDEBUG:botocore.auth:StringToSign:\n${toSign(bent)}\nDEBUG:botocore.auth:Signature:\n${signTexts(bent)}\n`,
  ],
];
const hex = (text: string): string => (Buffer.from(text).toString('hex').match(/../g) ?? []).join(' ');
const s3Error = `<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message><StringToSignBytes>${hex(toSign(right))}</StringToSignBytes><CanonicalRequestBytes>${hex(printCanonicalText(right))}</CanonicalRequestBytes></Error>`;
const said = `The request signature we calculated does not match the signature you provided.\n\nThe Canonical String for this request should have been\n'${printCanonicalText(right)}'\n\nThe String-to-Sign should have been\n'${toSign(right)}'\n`;
const SERVERS: readonly (readonly [name: string, text: string])[] = [
  ['S3', s3Error],
  ['a service that speaks JSON', JSON.stringify({ __type: 'InvalidSignatureException', message: said })],
  [
    'a service that speaks XML',
    `<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>${said}</Message></Error></ErrorResponse>`,
  ],
  [
    'the error of the SDK for JavaScript, as JSON',
    JSON.stringify({
      name: 'SignatureDoesNotMatch',
      $fault: 'client',
      $metadata: {},
      Code: 'SignatureDoesNotMatch',
      CanonicalRequest: printCanonicalText(right),
      StringToSign: toSign(right),
    }),
  ],
];

for (const [label, log] of LOGS) {
  for (const [name, server] of SERVERS) {
    test(`the texts of ${label} beside those of ${name}`, () => {
      const sides = [...readEvidence(log), ...readEvidence(server)];
      assert.deepEqual([sides.length, sides[0]?.label, sides[1]?.kind], [2, label, 'error']);
      const { findings, difference } = explain(sides, { crypto: nodeCrypto, secret: null });
      assert.deepEqual([findings[0]?.id, difference?.line], ['query-unsorted', 'canonical query']);
    });
  }
}

test('a string to sign that is not of the canonical request beside it is told apart from another secret', () => {
  const log = `2026-11-22 10:11:12,000 - MainThread - botocore.auth - DEBUG - CanonicalRequest:\n${printCanonicalText(right)}\n2026-11-22 10:11:12,000 - MainThread - botocore.auth - DEBUG - StringToSign:\n${toSign(right).replace(/[0-9a-f]{64}$/, (one) => one.toUpperCase())}\n`;
  const { findings } = explain([...readEvidence(log), ...readEvidence(s3Error)], { crypto: nodeCrypto, secret: null });
  assert.equal(findings[0]?.id, 'string-to-sign-form');
  assert.match(findings[0]?.culprit ?? '', /upper case/);
});

test('a body that cannot be whole accuses nobody', () => {
  const head = `PUT /bucket/key HTTP/1.1\nHost: store.example.com\nContent-Length: ${String(BODY.length)}\nx-amz-date: 20261122T101112Z\nx-amz-content-sha256: ${right.payload}\n`;
  const texts = {
    ...right,
    uri: '/bucket/key',
    query: '',
    headers: [
      ['host', 'store.example.com'],
      ['x-amz-content-sha256', right.payload],
      ['x-amz-date', right.amzDate],
    ] as [string, string][],
    signed: 'host;x-amz-content-sha256;x-amz-date',
  };
  const authorization = `Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261122/eu-central-1/s3/aws4_request, SignedHeaders=${texts.signed}, Signature=${signTexts(texts)}\n`;
  const verdictOf = (body: string): string => ask(`${head}${authorization}\n${body}`, SECRET).verdict;
  assert.equal(verdictOf(BODY), 'holds');
  assert.equal(verdictOf(''), 'holds', 'no body is at hand');
  assert.equal(verdictOf(BODY.slice(0, 5)), 'holds', 'the paste was cut');
  assert.equal(verdictOf(BODY.replace('1', '2')), 'found', 'another body of the same length');
  assert.equal(verdictOf(`${'\ufffd'}${BODY.slice(3)}`), 'holds', 'the paste lost bytes');
});
