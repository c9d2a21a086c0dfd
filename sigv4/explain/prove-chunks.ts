/** The first link of a chain of chunk signatures that does not hold, and what it was made of instead: a proof where one is found. */
import { hmacSha256Hex, sha256Hex } from '../hex.ts';
import { printScope } from '../string-to-sign.ts';
import type { ChunkSeed } from '../chunk-signatures.ts';
import type { Crypto } from '../types.ts';
import type { Finding } from './finding.ts';
import { SOURCES } from './mutation.ts';
import type { Chunk, ChunkedBody } from './read-chunks.ts';
import { undoLineEnds } from './rewrite-body.ts';

export interface ChunkKey extends ChunkSeed {
  readonly crypto: Crypto;
}

/** What a chunk's string to sign is put together from. */
interface ChunkInputs {
  readonly algorithm: string;
  readonly previous: string;
  readonly emptyHash: string;
  readonly dataHash: string;
}

const PAYLOAD = 'AWS4-HMAC-SHA256-PAYLOAD';
const TRAILER = 'AWS4-HMAC-SHA256-TRAILER';
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Null when all hold. */
export function proveChunks(body: ChunkedBody, key: ChunkKey): Finding | null {
  const hash = (data: string | Uint8Array): string => sha256Hex(key.crypto, data);
  const sign = (inputs: ChunkInputs): string => signChunk(key, inputs);
  const { chunks } = body;
  let previous = key.seedSignature;
  for (const [at, chunk] of chunks.entries()) {
    const right = { algorithm: PAYLOAD, previous, emptyHash: hash(''), dataHash: hash(chunk.data) };
    const signature = sign(right);
    if (chunk.signature !== signature)
      return explainChunk(chunks, at, right, (inputs) => sign(inputs) === chunk.signature?.toLowerCase(), hash, key);
    previous = signature;
  }
  return body.trailerSignature === null ? null : explainTrailer(body, previous, key);
}

function signChunk(key: ChunkKey, { algorithm, previous, emptyHash, dataHash }: ChunkInputs): string {
  const lines = [algorithm, key.amzDate, printScope(key.scope), previous, emptyHash, dataHash].filter(
    (one) => one !== '',
  );
  return hmacSha256Hex(key.crypto, key.signingKey, lines.join('\n'));
}

function explainChunk(
  chunks: readonly Chunk[],
  at: number,
  right: ChunkInputs,
  holds: (inputs: ChunkInputs) => boolean,
  hash: (data: string | Uint8Array) => string,
  key: ChunkKey,
): Finding {
  const name = `chunk ${String(at + 1)} of ${String(chunks.length)}`;
  const chunk = chunks[at];
  const data = chunk?.data ?? new Uint8Array(0);
  if (chunk?.signature === null) return toFinding('chunk-signature-missing', `${name} carries no signature`, null);
  for (const [detail, inputs] of tryChunk(chunks, at, right, hash, key.seedSignature))
    if (holds(inputs)) return toFinding('chunk-signature', `the signature of ${name} does not hold`, detail);
  // Whether what follows holds behind the signature that was claimed tells a change of these bytes from a chain gone wrong.
  const next = chunks[at + 1];
  const followsOn =
    next !== undefined &&
    signChunk(key, { ...right, previous: chunk?.signature ?? '', dataHash: hash(next.data) }) === next.signature;
  const detail = followsOn
    ? `its ${String(data.length)} bytes were changed on the way: the chunk behind it holds`
    : null;
  return {
    ...toFinding('chunk-signature', `the signature of ${name} does not hold`, detail),
    ...(!followsOn && { proof: 'seen' as const }),
  };
}

/** What the signature of a chunk may have been made of instead. */
function* tryChunk(
  chunks: readonly Chunk[],
  at: number,
  right: ChunkInputs,
  hash: (data: string | Uint8Array) => string,
  seed: string,
): Generator<readonly [detail: string, inputs: ChunkInputs]> {
  const data = chunks[at]?.data ?? new Uint8Array(0);
  yield ['each chunk signs the seed instead of the signature before it', { ...right, previous: seed }];
  yield ['it signs no signature before it', { ...right, previous: '' }];
  for (const [index, one] of chunks.entries())
    if (index !== at && one.signature !== null)
      yield [
        `it signs the signature of chunk ${String(index + 1)} instead of the one before it`,
        { ...right, previous: one.signature },
      ];
  yield ['the hash of the empty string is missing from its string to sign', { ...right, emptyHash: '' }];
  yield [
    `its string to sign begins with AWS4-HMAC-SHA256 instead of ${PAYLOAD}`,
    { ...right, algorithm: 'AWS4-HMAC-SHA256' },
  ];
  yield ['the data itself has no hash in its string to sign', { ...right, dataHash: right.emptyHash }];
  for (const [index, other] of chunks.entries())
    if (index !== at)
      yield [
        `chunk ${String(index + 1)} belongs in its place: the order was changed`,
        { ...right, dataHash: hash(other.data) },
      ];
  let joined = data;
  for (const other of chunks.slice(at + 1, at + 65)) {
    joined = join(joined, other.data);
    yield ['it was split on the way: the signature is of it and of what follows', { ...right, dataHash: hash(joined) }];
  }
  const size = data.length.toString(16);
  yield ['its line end was hashed with it', { ...right, dataHash: hash(join(data, bytesOf('\r\n'))) }];
  yield ['its size was hashed with it', { ...right, dataHash: hash(join(bytesOf(`${size}\r\n`), data)) }];
  yield [
    'its size and its line end were hashed with it',
    { ...right, dataHash: hash(join(join(bytesOf(`${size}\r\n`), data), bytesOf('\r\n'))) },
  ];
  if (data.length <= 262_144)
    for (const [detail, before] of undoLineEnds(decoder.decode(data)))
      yield [`its bytes were changed on the way: ${detail}`, { ...right, dataHash: hash(before) }];
}

function explainTrailer(body: ChunkedBody, previous: string, key: ChunkKey): Finding | null {
  const hash = (data: string): string => sha256Hex(key.crypto, data);
  const print = (between: string, end: string): string =>
    body.trailers.map(([name, value]) => `${name}${between}${value}${end}`).join('');
  const right = { algorithm: TRAILER, previous, emptyHash: '', dataHash: hash(print(':', '\n')) };
  const holds = (inputs: ChunkInputs): boolean => signChunk(key, inputs) === body.trailerSignature?.toLowerCase();
  if (holds(right)) return null;
  const ways: readonly (readonly [string, ChunkInputs])[] = [
    ['its lines were hashed with CRLF', { ...right, dataHash: hash(print(':', '\r\n')) }],
    ['its line was hashed without its line feed', { ...right, dataHash: hash(print(':', '')) }],
    ['a space stood behind the colon when it was hashed', { ...right, dataHash: hash(print(': ', '\n')) }],
    ['it signs the seed instead of the signature of the last chunk', { ...right, previous: key.seedSignature }],
    [
      'it signs the last chunk with data instead of the empty one behind it',
      { ...right, previous: body.chunks.at(-2)?.signature ?? '' },
    ],
    [`its string to sign begins with ${PAYLOAD} instead of ${TRAILER}`, { ...right, algorithm: PAYLOAD }],
    [
      'the hash of the empty string stands in its string to sign, as in that of a chunk',
      { ...right, emptyHash: hash('') },
    ],
    ['no trailer was signed', { ...right, dataHash: hash('') }],
  ];
  const found = ways.find(([, inputs]) => holds(inputs));
  const finding = toFinding(
    'trailer-signature',
    'each chunk holds, and the signature of the trailer does not',
    found?.[0] ?? null,
  );
  return found === undefined
    ? { ...finding, mend: 'let nothing change the value of a trailer, and sign the lines that are sent' }
    : finding;
}

const toFinding = (id: string, what: string, detail: string | null): Finding => ({
  id,
  stage: 'payload hash',
  culprit: detail === null ? what : `${what} (${detail})`,
  rule: 'each chunk signs the signature before it, the hash of the empty string and the hash of its data; the trailer signs its lines, each `name:value` and a line feed',
  source: SOURCES.chunks,
  mend: 'sign the chunks in the order in which they are sent, and let nothing change, join, split or reorder them',
  proof: detail === null ? 'seen' : 'signature',
});

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
