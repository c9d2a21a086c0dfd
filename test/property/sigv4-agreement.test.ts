/** Our signer against two that share no code with it, over arbitrary keys, queries and headers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import aws4 from 'aws4';
import fc from 'fast-check';
import { printQuery } from '../../sigv4/canonical-query.ts';
import { encodePath } from '../../sigv4/encode.ts';
import { sha256Hex } from '../../sigv4/hex.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { presignRequest } from '../../sigv4/presign.ts';
import { signRequest } from '../../sigv4/sign.ts';
import type { Credentials, SignInput } from '../../sigv4/types.ts';

const HOST = 'storage.example.com';

const character = fc.oneof(
  fc.constantFrom(...'/.%+ ~-_:@=&?#!\'()*;,"<>\\^`{|}[]$'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
);
const text = fc.array(character, { maxLength: 12 }).map((parts) => parts.join(''));
const name = fc.array(character, { minLength: 1, maxLength: 6 }).map((parts) => `q${parts.join('')}`);
const query = fc.uniqueArray(fc.tuple(name, text), { maxLength: 5, selector: ([key]) => key });
const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);
const headers = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z0-9]{1,8}$/), value), {
  maxLength: 4,
  selector: ([key]) => key,
});
const credentials: fc.Arbitrary<Credentials> = fc.record(
  { accessKeyId: fc.stringMatching(/^[A-Z0-9]{8,20}$/), secretAccessKey: value, sessionToken: value },
  { requiredKeys: ['accessKeyId', 'secretAccessKey'] },
);
const request = fc.record({
  method: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'HEAD'),
  key: text,
  query,
  headers: headers.map((pairs) => pairs.map(([key, text]) => [`x-amz-meta-${key}`, text] as const)),
  credentials,
  region: fc.constantFrom('us-east-1', 'eu-central-1', 'auto'),
  body: fc.string({ maxLength: 20 }),
  // Whole seconds of years with four digits, which is all that a signature can say.
  at: fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => new Date(seconds * 1_000)),
});
type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;

function toInput(drawn: Request, service: string, payloadHash: string): SignInput {
  return {
    request: {
      method: drawn.method,
      path: '/' + encodePath(drawn.key),
      query: printQuery(drawn.query),
      headers: [['host', HOST], ...drawn.headers],
    },
    credentials: drawn.credentials,
    region: drawn.region,
    service,
    pathRule: service === 's3' ? 's3' : 'standard',
    payloadHash,
    at: drawn.at,
  };
}

function toSmithy(drawn: Request, service: string): SignatureV4 {
  return new SignatureV4({
    credentials: drawn.credentials,
    region: drawn.region,
    service,
    sha256: Sha256,
    uriEscapePath: service !== 's3',
    applyChecksum: service === 's3',
  });
}

function toSmithyRequest(drawn: Request) {
  return {
    method: drawn.method,
    protocol: 'https:',
    hostname: HOST,
    path: '/' + encodePath(drawn.key),
    query: Object.fromEntries(drawn.query),
    headers: { host: HOST, ...Object.fromEntries(drawn.headers) },
    body: drawn.body,
  };
}

for (const service of ['s3', 'execute-api']) {
  test(`@smithy/signature-v4 makes the same Authorization header for ${service}`, async () => {
    await fc.assert(
      fc.asyncProperty(request, async (drawn) => {
        const theirs = await toSmithy(drawn, service).sign(toSmithyRequest(drawn), { signingDate: drawn.at });
        const ours = signRequest(nodeCrypto, toInput(drawn, service, sha256Hex(nodeCrypto, drawn.body)));
        assert.equal(ours.authorization, theirs.headers['authorization'], ours.stages.canonicalRequest);
      }),
      { numRuns: 150 },
    );
  });

  test(`aws4 makes the same Authorization header for ${service}`, () => {
    fc.assert(
      fc.property(request, (drawn) => {
        // aws4 reads a plus in an S3 path as a space, which S3 does not; its own issue 115.
        const plain = { ...drawn, key: drawn.key.replaceAll('+', '') };
        // No body: aws4 would add a content type and a length to one, and sign them.
        const input = toInput(plain, service, sha256Hex(nodeCrypto, ''));
        const theirs = aws4.sign(toAws4(plain, input), { ...plain.credentials });
        const ours = signRequest(nodeCrypto, input);
        assert.equal(ours.authorization, theirs.headers?.['Authorization'], ours.stages.canonicalRequest);
      }),
      { numRuns: 150 },
    );
  });
}

test('@smithy/signature-v4 presigns the same', async () => {
  await fc.assert(
    fc.asyncProperty(request, fc.integer({ min: 1, max: 604_800 }), async (drawn, expiresSeconds) => {
      // It moves x-amz-* headers into the query when it presigns.
      const plain = { ...drawn, headers: [] };
      const options = { signingDate: drawn.at, expiresIn: expiresSeconds };
      const theirs = await toSmithy(plain, 'execute-api').presign(toSmithyRequest(plain), options);
      const input = toInput(plain, 'execute-api', sha256Hex(nodeCrypto, plain.body));
      const ours = presignRequest(nodeCrypto, { ...input, expiresSeconds });
      assert.equal(ours.signature, theirs.query?.['X-Amz-Signature'], ours.stages.canonicalRequest);
    }),
    { numRuns: 100 },
  );
});

test('aws4 presigns the same for s3', () => {
  fc.assert(
    fc.property(request, (drawn) => {
      const plain = { ...drawn, key: drawn.key.replaceAll('+', '') };
      const input = toInput(plain, 's3', 'UNSIGNED-PAYLOAD');
      const theirs = aws4.sign(toAws4(plain, input, true), { ...plain.credentials });
      const ours = presignRequest(nodeCrypto, { ...input, expiresSeconds: 86_400 });
      const theirSignature = new URLSearchParams(theirs.path!.slice(theirs.path!.indexOf('?'))).get('X-Amz-Signature');
      assert.equal(ours.signature, theirSignature, ours.stages.canonicalRequest);
    }),
    { numRuns: 100 },
  );
});

/** aws4 takes the time and the payload hash from headers that are there already; presigning, it takes the time from the query. */
function toAws4(drawn: Request, input: SignInput, signQuery = false) {
  const { method, path, query } = input.request;
  const amzDate = input.at.toISOString().replace(/[:-]|\.\d{3}/g, '');
  const pieces = [query, signQuery ? `X-Amz-Date=${amzDate}` : ''].filter((piece) => piece !== '');
  return {
    method,
    host: HOST,
    path: pieces.length === 0 ? path : `${path}?${pieces.join('&')}`,
    service: input.service,
    region: drawn.region,
    signQuery,
    headers: {
      Host: HOST,
      ...Object.fromEntries(drawn.headers),
      ...(!signQuery && { 'X-Amz-Date': amzDate }),
      ...(!signQuery && input.service === 's3' && { 'X-Amz-Content-Sha256': input.payloadHash }),
    },
  };
}
