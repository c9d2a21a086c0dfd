/** What goes wrong with the method and the payload hash. */
import { undoFormatting, undoLineEnds, type Rewrite } from './rewrite-body.ts';
import { SOURCES, type Mutation, type MutationContext, type Variant } from './mutation.ts';
import type { SigningInputs } from './signing-inputs.ts';

const payload = (inputs: SigningInputs, values: readonly string[], detail?: string): Variant[] =>
  values
    .filter((value) => value !== inputs.payloadHash)
    .map((payloadHash) => ({ inputs: { ...inputs, payloadHash }, ...(detail !== undefined && { detail }) }));

const WORDS = [
  'UNSIGNED-PAYLOAD',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  '',
];
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const BODY_BYTES_MAX = 262_144;

export const PAYLOAD_MUTATIONS: readonly Mutation[] = [
  {
    id: 'method-differs',
    stage: 'method',
    culprit: 'another method was signed than was sent',
    rule: 'line 1 is the method in upper case, as it is sent; a URL that was presigned for GET does not serve HEAD',
    source: SOURCES.canonicalRequest,
    mend: 'sign the method that is sent; presign for HEAD or PUT apart',
    apply: (inputs) =>
      ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', inputs.method.toLowerCase(), 'OPTIONS', 'PATCH']
        .filter((method) => method !== inputs.method)
        .map((method) => ({ inputs: { ...inputs, method }, detail: `signed as ${method}` })),
  },
  {
    id: 'payload-word',
    stage: 'payload hash',
    culprit: 'the payload line of the canonical request is not what x-amz-content-sha256 says',
    rule: 'the last line is the value of x-amz-content-sha256, a hash or one of its words',
    source: SOURCES.s3,
    mend: 'send the value that was signed, and sign the value that is sent',
    apply: function* (inputs) {
      for (const word of WORDS) yield* payload(inputs, [word], `signed ${word === '' ? 'an empty line' : word}`);
    },
  },
  {
    id: 'payload-empty',
    stage: 'payload hash',
    culprit: 'the hash of an empty body was signed',
    rule: 'the payload hash is that of the body that is sent',
    source: SOURCES.canonicalRequest,
    mend: 'hash the body before signing',
    apply: (inputs, { hash }) => payload(inputs, [hash('')]),
  },
  {
    id: 'payload-of-body',
    stage: 'payload hash',
    culprit: 'the hash of the body was signed, and x-amz-content-sha256 says something else',
    rule: 'the last line of the canonical request is the value of x-amz-content-sha256',
    source: SOURCES.s3,
    mend: 'send the hash that was signed in x-amz-content-sha256',
    apply: (inputs, { body, hash }) => (body === null ? [] : payload(inputs, [hash(body)])),
  },
  {
    id: 'payload-itself',
    stage: 'payload hash',
    culprit: 'the body itself, or a hash of its hash, was signed where its hash belongs',
    rule: 'the last line of the canonical request is the SHA-256 of the body in hex',
    source: SOURCES.canonicalRequest,
    mend: 'hash the body once and write 64 digits of lower-case hex',
    apply: (inputs, { body, hash }) =>
      body === null || body.length > BODY_BYTES_MAX
        ? []
        : [
            ...payload(inputs, [decoder.decode(body)], 'the body'),
            ...payload(inputs, [hash(hash(body))], 'the hash of the hash'),
          ],
  },
  {
    id: 'payload-hash-form',
    stage: 'payload hash',
    culprit: 'the payload hash was written in another form',
    rule: 'a payload hash is 64 digits of lower-case hex',
    source: SOURCES.canonicalRequest,
    mend: 'write the SHA-256 as lower-case hex, not upper case, not base64',
    apply: (inputs) => [
      ...payload(inputs, [inputs.payloadHash.toUpperCase()], 'upper case'),
      ...payload(inputs, [toBase64(inputs.payloadHash)], 'base64'),
      ...payload(inputs, [inputs.payloadHash.toLowerCase()], 'lower case'),
      ...payload(inputs, [`"${inputs.payloadHash}"`], 'in quotes'),
    ],
  },
  {
    id: 'payload-line-ends',
    stage: 'payload hash',
    culprit: 'the body that was signed has other line ends or a final newline than the one that was sent',
    rule: 'the hash is over the bytes that are sent; `curl -d` strips newlines from files, `--data-binary` does not',
    source: SOURCES.canonicalRequest,
    mend: 'send the bytes that were hashed: curl --data-binary @file, and no editor or shell in between',
    apply: (inputs, context) => bodies(inputs, context, undoLineEnds),
  },
  {
    id: 'payload-reformatted',
    stage: 'payload hash',
    culprit: 'the body was formatted anew between hashing and sending',
    rule: 'the hash is over the bytes that are sent',
    source: SOURCES.canonicalRequest,
    mend: 'serialise once, and hash and send the same bytes',
    apply: (inputs, context) => bodies(inputs, context, undoFormatting),
  },
];

function* bodies(
  inputs: SigningInputs,
  { body, hash }: MutationContext,
  undo: (text: string) => Iterable<Rewrite>,
): Generator<Variant> {
  // Larger bodies are objects, and no tool formats those.
  if (body === null || body.length > BODY_BYTES_MAX) return;
  const text = decoder.decode(body);
  const tried = new Set<string>();
  for (const [detail, before] of undo(text)) {
    const payloadHash = hash(before);
    if (before === text || tried.has(payloadHash)) continue;
    tried.add(payloadHash);
    // The client hashed the other text for both places, or for the canonical request alone.
    yield { inputs: { ...inputs, payloadHash }, detail };
    if (inputs.headers.some(([name]) => name === 'x-amz-content-sha256')) {
      const headers = inputs.headers.map((line): readonly [string, string] =>
        line[0] === 'x-amz-content-sha256' ? [line[0], payloadHash] : line,
      );
      yield { inputs: { ...inputs, payloadHash, headers }, detail };
    }
  }
}

function toBase64(hex: string): string {
  if (!/^[0-9a-f]+$/.test(hex)) return hex;
  return btoa(String.fromCharCode(...(hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))));
}
