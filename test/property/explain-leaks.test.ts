/**
 * With secrets in every place of what is pasted, and in every form in which they are written, no output holds one: not the text, not
 * the JSON, not what the page shows, which is the same explanation. Tokens and signatures are there by their first characters only.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readEvidence } from '../../sigv4/evidence/read-evidence.ts';
import { explain } from '../../sigv4/explain/explain.ts';
import { findSensitive } from '../../sigv4/explain/find-sensitive.ts';
import { printExplanation } from '../../sigv4/explain/print-explanation.ts';
import { createRedactor, redactExplanation, shorten } from '../../sigv4/explain/redact.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';

const HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const SCOPE = '20261122/eu-central-1/s3/aws4_request';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** As AWS issues them, and with what makes escaping matter. */
const secrets = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9/+]{40}$/),
  fc.stringMatching(/^[A-Za-z0-9/+=]{20,60}$/),
  fc.stringMatching(/^[A-Za-z0-9!#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~é]{16,40}$/),
);
const tokens = fc.stringMatching(/^[A-Za-z0-9/+]{80,300}={0,2}$/);
const signatures = fc.stringMatching(/^[0-9a-f]{64}$/);

const FORMS: Readonly<Record<string, (secret: string) => string>> = {
  plain: (secret) => secret,
  'URL-encoded': encodeURIComponent,
  'URL-encoded twice': (secret) => encodeURIComponent(encodeURIComponent(secret)),
  base64,
  'escaped for JSON': (secret) => JSON.stringify(secret).slice(1, -1),
  hex: (secret) => Buffer.from(secret).toString('hex'),
  'of basic authentication': (secret) => base64(`AKID:${secret}`),
};

interface Place {
  readonly secret: string;
  /** The secret in one of its forms. */
  readonly form: string;
  readonly token: string;
  readonly signature: string;
}
const authorization = (signature: string, names: string): string =>
  `AWS4-HMAC-SHA256 Credential=AKID/${SCOPE}, SignedHeaders=${names}, Signature=${signature}`;
const oneLine = (text: string): string => text.replace(/[\r\n]/g, '');
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const canonical = (form: string, token: string): string =>
  `GET\n/b/${form}\na=${form}\nhost:h\nx-amz-date:20261122T101112Z\nx-amz-meta-a:${form}\nx-amz-security-token:${token}\n\nhost;x-amz-date;x-amz-meta-a;x-amz-security-token\n${HASH}`;
const toSign = `AWS4-HMAC-SHA256\n20261122T101112Z\n${SCOPE}\n${HASH}`;
const NAMES = 'host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-security-token';
const urlOf = (form: string): string => encodeURIComponent(form);

const INPUTS: Readonly<Record<string, (place: Place) => string>> = {
  'a header, the path, the query and the body': ({ form, token, signature }) =>
    `PUT /b/${urlOf(form)}?a=${urlOf(form)} HTTP/1.1\nHost: h\nx-amz-date: 20261122T101112Z\nx-amz-content-sha256: ${HASH}\nx-amz-meta-a: ${form}\n` +
    `x-amz-security-token: ${token}\nAuthorization: ${authorization(signature, NAMES)}\n\n{"secret":"${form}"}`,
  'a Host and a region': ({ form, token, signature }) =>
    `GET /b HTTP/1.1\nHost: ${form}\nx-amz-date: ${form}\nx-amz-security-token: ${token}\nAuthorization: AWS4-HMAC-SHA256 Credential=AKID/20261122/${form}/s3/aws4_request, SignedHeaders=host;x-amz-security-token, Signature=${signature}\n\n`,
  'the user of curl': ({ secret, form, token }) =>
    `curl -v --aws-sigv4 aws:amz:eu-central-1:s3 -u ${quote(`AKID:${secret}`)} -H ${quote(`x-amz-security-token: ${token}`)} -H ${quote(`x-amz-meta-a: ${form}`)} -d ${quote(form)} ${quote(`http://h/b?a=${urlOf(form)}`)}`,
  'curl with ready headers': ({ form, token, signature }) =>
    `curl -X PUT -H ${quote(`x-amz-date: 20261122T101112Z`)} -H ${quote(`x-amz-meta-a: ${form}`)} -H ${quote(`x-amz-security-token: ${token}`)} -H ${quote(`Authorization: ${authorization(signature, NAMES)}`)} ${quote(`https://AKID:${urlOf(form)}@h/b/${urlOf(form)}`)}`,
  'a presigned URL': ({ form, token, signature }) =>
    `https://h/b/${urlOf(form)}?a=${urlOf(form)}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeURIComponent(`AKID/${SCOPE}`)}&X-Amz-Date=20261122T101112Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Security-Token=${encodeURIComponent(token)}&X-Amz-Signature=${signature}`,
  'a HAR entry': ({ form, token, signature }) =>
    JSON.stringify({
      method: 'POST',
      url: `http://h/b?a=${urlOf(form)}`,
      headers: [
        { name: 'x-amz-date', value: '20261122T101112Z' },
        { name: 'x-amz-meta-a', value: form },
        { name: 'x-amz-security-token', value: token },
        { name: 'Authorization', value: authorization(signature, NAMES) },
      ],
      postData: { text: form },
    }),
  'a debug log': ({ form, token, signature }) =>
    `botocore.auth DEBUG CanonicalRequest:\n${canonical(form, token)}\nDEBUG StringToSign:\n${toSign}\nDEBUG Signature:\n${signature}\n{"aws_secret_access_key": "${form}"}\n`,
  'a structured log': ({ form, token, signature }) =>
    JSON.stringify({ level: 'debug', msg: `${canonical(form, token)}\n${toSign}\nSignature=${signature}` }),
  'an error document': ({ form, token, signature }) =>
    `<Error><Code>SignatureDoesNotMatch</Code><Message>${form.replace(/[<&>]/g, '')}</Message><SignatureProvided>${signature}</SignatureProvided><StringToSign>${toSign}</StringToSign><CanonicalRequest>${canonical(form, token).replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</CanonicalRequest></Error>`,
};

const RUNS = 25;
for (const [place, print] of Object.entries(INPUTS)) {
  for (const [name, write] of Object.entries(FORMS)) {
    test(`in ${place}, ${name}`, () => {
      let read = 0;
      fc.assert(
        fc.property(secrets, tokens, signatures, fc.boolean(), (secret, token, signature, isKnown) => {
          // Where curl's own option says it, nobody needs to know it beforehand.
          const isSaid = place === 'the user of curl' && name === 'plain' && !isKnown && !/[\s"':]/.test(secret);
          const text = print({ secret, form: write(secret), token, signature });
          read += checkOutputs([text], { secret, token, signature }, isSaid ? [] : [secret]);
        }),
        { numRuns: RUNS },
      );
      assert.ok(read > RUNS / 2, 'most of them were read, or nothing was tested');
    });
  }
}

test('beside another side, where both differ in the secret', () => {
  const secret = 'wJalr/UtnFEMI+K7MDENG&bPxRfiCY"EXAMPLEKEY';
  const token = 'FwoGZXIvYXdzEXAMPLETOKENthatIsLong'.repeat(4);
  const signature = HASH.replaceAll('e', 'd');
  // A search that finds nothing takes a second or more, so these are few.
  for (const place of ['a header, the path, the query and the body', 'a debug log'] as const) {
    const text = INPUTS[place]?.({ secret, form: secret, token, signature }) ?? '';
    const other = INPUTS['an error document']?.({ secret, form: `x${secret}`, token: `x${token}`, signature }) ?? '';
    assert.equal(checkOutputs([text, other], { secret, token, signature }, [secret]), 2);
  }
});

/** @return how many sides were read */
function checkOutputs(
  texts: readonly string[],
  { secret, token, signature }: Omit<Place, 'form'>,
  given: readonly string[],
): number {
  const sides = texts.flatMap((text) => readEvidence(text)).slice(0, 2);
  // Without the secret: the search costs a second, and what it finds is shown through the same redaction.
  const found = explain(sides, { crypto: nodeCrypto, secret: null });
  const explanation = redactExplanation(found, findSensitive(texts, given));
  for (const output of [printExplanation(explanation), JSON.stringify(explanation)]) {
    for (const [form, hide] of Object.entries(FORMS))
      assert.ok(!output.includes(hide(secret)), `${form}: ${hide(secret)} in\n${output}`);
    assert.ok(!output.includes(token), `the token in\n${output}`);
    assert.ok(!output.includes(signature), `the signature in\n${output}`);
  }
  return sides.length;
}

test('what is shortened keeps its beginning, so that two can be told apart', () => {
  const token = 'FwoGZXIvYXdzEXAMPLETOKENthatIsLong';
  const redact = createRedactor({ secrets: [], shortened: [] });
  assert.equal(redact(`x-amz-security-token:${token}`), `x-amz-security-token:FwoGZX…(${token.length})`);
  assert.equal(redact(`Signature=${HASH}`), 'Signature=e3b0c4…(64)');
  assert.equal(shorten('short'), '…(5)');
});

test('the bytes around a difference are not shown where the line holds a secret', () => {
  const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
  const document = (value: string): string =>
    `<Error><Code>SignatureDoesNotMatch</Code><StringToSign>${toSign}</StringToSign><CanonicalRequest>${canonical(value, 'token-of-a-session')}</CanonicalRequest></Error>`;
  const texts = [document(`a${secret}`), document(`b${secret}`)];
  const found = explain(
    texts.flatMap((text) => readEvidence(text)),
    { crypto: nodeCrypto, secret: null },
  );
  assert.match(found.difference?.leftBytes ?? '', /\[61\]/);
  const { difference } = redactExplanation(found, findSensitive(texts, [secret]));
  assert.match(difference?.leftBytes ?? '', /not shown/);
});

test('secrets are found where configurations, environments and commands hold them', () => {
  const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
  for (const text of [
    `aws_secret_access_key = ${secret}`,
    `AWS_SECRET_ACCESS_KEY=${secret} aws s3 ls`,
    `export AWS_SECRET_ACCESS_KEY="${secret}"`,
    `{"SecretAccessKey": "${secret}"}`,
    `{\\"secretAccessKey\\":\\"${secret}\\"}`,
    `<SecretAccessKey>${secret}</SecretAccessKey>`,
    `--secret_key=${secret}`,
    `curl -u AKID:${secret} http://h/`,
    `curl --user 'AKID:${secret}' http://h/`,
    `curl -u "AKID:${secret}" http://h/`,
    `Authorization: Basic ${base64(`AKID:${secret}`)}`,
    `Authorization: Bearer ${secret}`,
  ])
    assert.ok(findSensitive([text], []).secrets.includes(secret), text);
  assert.ok(!oneLine(createRedactor(findSensitive([`-u A:${secret}`], []))(`x ${secret} y`)).includes(secret));
});
