/** What `waybill sign` makes of a URL, headers and a body, against another signer and against real shells. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { prepareRequest } from '../../cli/sign/prepare-request.ts';
import {
  printCurl,
  printHeaders,
  printJson,
  presignPrepared,
  printUrl,
  signPrepared,
} from '../../cli/sign/print-request.ts';
import { printScript } from '../../cli/sign/print-script.ts';
import { quoteShell } from '../../cli/sign/quote-shell.ts';
import { splitWords } from '../../sigv4/evidence/shell-words.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { findSecrets } from '../support/find-secrets.ts';
import { runShell, SHELLS } from '../support/run-shell.ts';

const character = fc.oneof(
  fc.constantFrom(...'/. +~-_:@=!\'()*;,"<>\\^`{|}[]$&\t'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }).filter((one) => !/[%?#\0]/.test(one)),
);
const text = fc.array(character, { maxLength: 12 }).map((parts) => parts.join(''));
/** What a query has between & and = when a person types it. */
const word = text.map((typed) => typed.replace(/[&=+]/g, '-'));
const query = fc.uniqueArray(
  fc.tuple(
    word.map((one) => `q${one}`),
    word,
  ),
  { maxLength: 4, selector: ([name]) => name },
);
const printable = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);
const headers = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z0-9]{1,8}$/), printable), {
  maxLength: 4,
  selector: ([name]) => name,
});
const credentials: fc.Arbitrary<Credentials> = fc.record(
  {
    accessKeyId: fc.stringMatching(/^[A-Z0-9]{8,20}$/),
    secretAccessKey: fc.stringMatching(/^[!-~]{12,80}$/),
    sessionToken: fc.stringMatching(/^[!-~]{4,40}$/),
  },
  { requiredKeys: ['accessKeyId', 'secretAccessKey'] },
);
const drawn = fc.record({
  service: fc.constantFrom('kms', 'sts', 'execute-api', 'lambda'),
  method: fc.constantFrom('GET', 'POST', 'DELETE'),
  path: fc.array(character, { maxLength: 12 }).map((parts) => `/${parts.join('')}`),
  query,
  headers: headers.map((pairs) => pairs.map(([name, value]) => [`x-amz-meta-${name}`, value] as const)),
  body: text,
  credentials,
  at: fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => new Date(seconds * 1_000)),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never;

function prepare(one: Drawn) {
  const typed = one.query.map(([name, value]) => `${name}=${value}`).join('&');
  const options = {
    method: one.method,
    header: one.headers.map(([name, value]) => `${name}: ${value}`),
    part: [],
    data: one.body,
    service: one.service,
  };
  const request = prepareRequest(`https://${one.service}.eu-west-1.amazonaws.com${one.path}?${typed}`, options, {});
  const payloadHash = createHash('sha256').update(one.body).digest('hex');
  return { request, time: { at: one.at, credentials: one.credentials, payloadHash } };
}

test('@smithy/signature-v4 signs what is printed in the same way, for services other than s3', async () => {
  await fc.assert(
    fc.asyncProperty(drawn, async (one) => {
      const { request, time } = prepare(one);
      assert.equal(request.region, 'eu-west-1');
      const theirs = await new SignatureV4({
        credentials: one.credentials,
        region: 'eu-west-1',
        service: one.service,
        sha256: Sha256,
        applyChecksum: false,
      }).sign(
        {
          method: one.method,
          protocol: 'https:',
          hostname: `${one.service}.eu-west-1.amazonaws.com`,
          path: request.path,
          query: Object.fromEntries(one.query),
          headers: { host: `${one.service}.eu-west-1.amazonaws.com`, ...Object.fromEntries(one.headers) },
          body: one.body,
        },
        { signingDate: one.at },
      );
      const ours = signPrepared(request, time);
      assert.equal(ours.authorization, theirs.headers['authorization'], ours.stages.canonicalRequest);
    }),
    { numRuns: 200 },
  );
});

test('no form of output holds the secret, whatever the request is', () => {
  fc.assert(
    fc.property(drawn, (one) => {
      const { request, time } = prepare(one);
      const { secretAccessKey } = one.credentials;
      const signed = signPrepared(request, time);
      const places = [
        { name: 'headers', text: printHeaders(signed) },
        { name: 'curl', text: printCurl(request, signed) },
        { name: 'json', text: printJson(request, time, undefined) },
        { name: 'url', text: printUrl(request, presignPrepared(request, time, 60)) },
        { name: 'sh', text: printScript(request, undefined) },
      ];
      assert.deepEqual(findSecrets(places, [{ name: 'secret', value: secretAccessKey }]), []);
    }),
    { numRuns: 100 },
  );
});

test('a curl command is read back as the words that it was made of', () => {
  fc.assert(
    fc.property(drawn, (one) => {
      const { request, time } = prepare(one);
      const words = splitWords(printCurl(request, signPrepared(request, time))) ?? [];
      assert.equal(words.at(-1), request.origin + request.path + (request.query === '' ? '' : `?${request.query}`));
      assert.equal(words[words.indexOf('--data-raw') + 1], one.body);
      for (const [name, value] of one.headers) assert.ok(words.includes(`${name}: ${value}`));
    }),
    { numRuns: 200 },
  );
});

for (const shell of SHELLS) {
  test(`${shell} reads a quoted word as the text that it was`, async () => {
    const hostile = fc.string({ unit: 'binary', maxLength: 30 }).map((one) => one.replaceAll('\0', ''));
    const special = fc
      .array(fc.constantFrom(...'\'"\\$`!*?~#;&|<>(){}[]= \t\n\r%-@aé☃'), { maxLength: 20 })
      .map((parts) => parts.join(''));
    const texts = fc.sample(fc.oneof(hostile, special), 500).map((one) => Buffer.from(one).toString());
    const { stdout, stderr } = await runShell(shell, ['-c', `printf '%s\\0' ${texts.map(quoteShell).join(' ')}`]);
    assert.equal(stderr, '');
    assert.deepEqual(stdout.toString().split('\0').slice(0, -1), texts);
  });
}
