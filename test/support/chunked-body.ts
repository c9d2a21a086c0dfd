/** Bodies as clients frame and sign them, written apart from what parses them, and bent as a test wants it. */
import { createHash } from 'node:crypto';
import { createChunkSignatures, type ChunkSeed } from '../../sigv4/chunk-signatures.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { toAmzDate } from '../../sigv4/amz-date.ts';
import { signRequest } from '../../sigv4/sign.ts';
import { exchange, type Answer } from './signed-request.ts';
import type { StartedStore } from './start-store.ts';

export const SIGNED = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
export const SIGNED_TRAILER = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER';
export const UNSIGNED_TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
export type ChunkedMode = typeof SIGNED | typeof SIGNED_TRAILER | typeof UNSIGNED_TRAILER;

type Trailer = readonly [name: string, value: string];
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The framing of a body whose chunks are given; signed when there is a seed. */
export function frameChunks(chunks: readonly Uint8Array[], seed: ChunkSeed | null, trailer: Trailer | null): Buffer {
  const signatures = seed === null ? null : createChunkSignatures(nodeCrypto, seed);
  const pieces: Uint8Array[] = [];
  for (const chunk of [...chunks, new Uint8Array(0)]) {
    const extension = signatures === null ? '' : `;chunk-signature=${signatures.nextChunk(sha256(chunk)).signature}`;
    pieces.push(Buffer.from(`${chunk.length.toString(16)}${extension}\r\n`), chunk);
    if (chunk.length > 0) pieces.push(Buffer.from('\r\n'));
  }
  if (trailer !== null) {
    pieces.push(Buffer.from(`${trailer[0]}:${trailer[1]}\r\n`));
    if (signatures !== null) {
      pieces.push(Buffer.from(`x-amz-trailer-signature:${signatures.trailer([trailer]).signature}\r\n`));
    }
  }
  pieces.push(Buffer.from('\r\n'));
  return Buffer.concat(pieces);
}

export interface ChunkedPlan {
  readonly method?: string;
  readonly target?: string;
  readonly mode: ChunkedMode;
  readonly chunks: readonly Uint8Array[];
  readonly trailer?: Trailer | null;
  /** Default: the name of the trailer; null for no x-amz-trailer. */
  readonly announced?: string | null;
  /** Default: the sum of the chunks; null for no header. */
  readonly decodedLength?: string | null;
  readonly headers?: readonly (readonly [string, string])[];
  readonly tamper?: (body: Buffer) => Uint8Array;
  /** Transfer-Encoding: chunked around the framing, as most clients send it. */
  readonly transferChunked?: boolean;
  readonly secretAccessKey?: string;
}

/** The head, signed, and the body that goes with it. */
export function signChunked(
  store: Pick<StartedStore, 'port' | 'credentials' | 'region'>,
  plan: ChunkedPlan,
): { headers: (readonly [string, string])[]; body: Uint8Array } {
  const { mode, chunks, trailer = null } = plan;
  const announced = plan.announced === undefined ? (trailer?.[0] ?? null) : plan.announced;
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const decoded = plan.decodedLength === undefined ? String(size) : plan.decodedLength;
  const at = new Date();
  const credentials = { ...store.credentials, ...(plan.secretAccessKey && { secretAccessKey: plan.secretAccessKey }) };
  const signed = signRequest(nodeCrypto, {
    request: {
      method: plan.method ?? 'PUT',
      path: (plan.target ?? '/bucket/key').split('?')[0] ?? '',
      query: (plan.target ?? '').split('?')[1] ?? '',
      headers: [
        ['Host', `127.0.0.1:${String(store.port)}`],
        ['Content-Encoding', 'aws-chunked'],
        ...(decoded === null ? [] : [['x-amz-decoded-content-length', decoded] as const]),
        ...(announced === null ? [] : [['x-amz-trailer', announced] as const]),
        ...(plan.headers ?? []),
      ],
    },
    credentials,
    region: store.region,
    service: 's3',
    pathRule: 's3',
    payloadHash: mode,
    at,
  });
  const amzDate = toAmzDate(at);
  const seed: ChunkSeed | null =
    mode === UNSIGNED_TRAILER
      ? null
      : {
          signingKey: signed.signingKey,
          scope: { date: amzDate.slice(0, 8), region: store.region, service: 's3' },
          amzDate,
          seedSignature: signed.signature,
        };
  const framed = frameChunks(chunks, seed, trailer);
  const body = plan.tamper?.(framed) ?? framed;
  const length: readonly [string, string] = plan.transferChunked
    ? ['Transfer-Encoding', 'chunked']
    : ['Content-Length', String(body.length)];
  return { headers: [...signed.headers, length], body };
}

export function sendChunked(store: StartedStore, plan: ChunkedPlan): Promise<Answer> {
  const { headers, body } = signChunked(store, plan);
  return exchange(store, plan.method ?? 'PUT', plan.target ?? '/bucket/key', headers, body);
}
