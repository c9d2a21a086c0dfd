/**
 * The body of a verified request, ready to go out, with the hash that the provider is told.
 *
 * - A sha256 body goes out under the hash that was verified here, so the provider refuses tampered bytes too. A small one is
 *   collected whole before anything is sent (the listener may have done so); a large one is streamed with its tail held back.
 * - Of chunks and of unsigned bodies nobody knows the hash beforehand. Small ones are collected and hashed. Large ones are signed
 *   again chunk by chunk, or spooled to a file and hashed where the store does not take signed chunks. Only an unsigned one goes
 *   out as UNSIGNED-PAYLOAD, and only where the store's configuration says so.
 * - A checksum that the caller sent behind the body goes behind it again in signed chunks, and before it in every other form.
 */
import type { ProviderStore } from '../../config/config.ts';
import { CHECKSUM_BYTES, checksumHeader } from '../../core/checksums.ts';
import { WaybillError } from '../../core/failures.ts';
import { KiB, MiB } from '../../core/limits.ts';
import type { ChunkSeed } from '../../sigv4/chunk-signatures.ts';
import { toHex } from '../../sigv4/hex.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { toWholeBytes } from '../../stores/rules/whole-body.ts';
import type { BodyChecksum, VerifiedRequest } from '../backend.ts';
import { HeldBody, TAIL_BYTES } from './held-body.ts';
import type { OutboundTrailer } from './outbound-chunks.ts';
import { SIGNED_CHUNKS, SIGNED_CHUNKS_TRAILER, SignedChunks, toChunkedLength } from './outbound-chunks.ts';
import { EMPTY_SHA256 } from '../body/plan-body.ts';
import { spoolBody } from './spooled-body.ts';

/** A body that is read while it is sent. */
export interface OutboundStream extends AsyncIterable<Uint8Array> {
  /** True once all of the caller's bytes have come and held. Before that a provider cannot have it all, and its success is not one. */
  readonly isVerified: boolean;
}

export interface OutboundBody {
  /** Lower-case hex, UNSIGNED-PAYLOAD, or a STREAMING-… word. */
  readonly payloadHash: string;
  /** Over the wire. Null where the method takes no body. */
  readonly contentLength: number | null;
  /** What the form of the body adds to the headers; names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** A function where the body's own signatures start from that of the head. */
  readonly body: Uint8Array | OutboundStream | ((seed: ChunkSeed) => OutboundStream) | null;
  /** Gives back what the body holds, once the exchange is over. */
  readonly release: () => Promise<void>;
}

/** What the outbound side must know of a store to choose the form. */
export type OutboundForm = Pick<ProviderStore, 'unsignedPayload' | 'signedChunks'>;

/** Up to here a body of known hash is sent as one write: not larger than the tail that would be held back anyway. */
const WHOLE_BYTES_MAX = Math.min(64 * KiB, TAIL_BYTES);
/** Up to here a body of unknown hash is collected and hashed: what the listener collects anyway, and what one connection may hold. */
const HASHED_BYTES_MAX = 256 * KiB;
/** Documents (a list of parts, of keys, of tags) are never sent in chunks; the listener takes none above 4 MiB. */
const DOCUMENT_BYTES_MAX = 4 * MiB;

const EMPTY = new Uint8Array(0);
const nothing = (): Promise<void> => Promise.resolve();

/**
 * @throws invalid_request for a body where none belongs; whatever the body itself fails with (body_corrupt) when it is collected or
 *   spooled; store_error when there is no room to spool it
 */
export async function toOutboundBody(request: VerifiedRequest, form: OutboundForm): Promise<OutboundBody> {
  const { method, payload, contentLength, checksum } = request;
  if (method !== 'PUT' && method !== 'POST') {
    if (contentLength > 0) {
      throw new WaybillError('invalid_request', 'a request of this method has no body', { method });
    }
    return { payloadHash: EMPTY_SHA256, contentLength: null, headers: [], body: null, release: nothing };
  }
  const isWhole = toWholeBytes(request.body) !== undefined;
  if (payload.kind === 'sha256') {
    const body =
      contentLength > WHOLE_BYTES_MAX && !isWhole
        ? new HeldBody(request.body)
        : await collect(request.body, contentLength);
    return { payloadHash: payload.sha256, contentLength, headers: [], body, release: nothing };
  }
  const isTrailer = checksum?.from === 'trailer';
  const isUnsigned = form.unsignedPayload && payload.kind === 'unsigned' && contentLength > 0;
  if (isUnsigned && !isTrailer) {
    const body = new HeldBody(request.body);
    return { payloadHash: 'UNSIGNED-PAYLOAD', contentLength, headers: [], body, release: nothing };
  }
  const isObject = request.target.operation === 'PutObject' || request.target.operation === 'UploadPart';
  if (isWhole || contentLength <= (isObject ? HASHED_BYTES_MAX : DOCUMENT_BYTES_MAX)) {
    const body = await collect(request.body, contentLength);
    const payloadHash = isUnsigned ? 'UNSIGNED-PAYLOAD' : toHex(nodeCrypto.sha256(body));
    return { payloadHash, contentLength, headers: toChecksumHeaders(request), body, release: nothing };
  }
  return form.signedChunks && isObject ? toSignedChunks(request) : await spool(request);
}

function toSignedChunks(request: VerifiedRequest): OutboundBody {
  const { contentLength, checksum, body } = request;
  const trailer = checksum?.from === 'trailer' ? toTrailer(request, checksum) : null;
  return {
    payloadHash: trailer === null ? SIGNED_CHUNKS : SIGNED_CHUNKS_TRAILER,
    contentLength: toChunkedLength(contentLength, trailer),
    headers: [
      ['content-encoding', 'aws-chunked'],
      ['x-amz-decoded-content-length', String(contentLength)],
      ...(trailer === null ? [] : ([['x-amz-trailer', trailer.name]] as const)),
    ],
    body: (seed) => new SignedChunks(body, contentLength, trailer, seed),
    release: nothing,
  };
}

async function spool(request: VerifiedRequest): Promise<OutboundBody> {
  const { contentLength } = request;
  const spooled = await spoolBody(request.body, contentLength);
  return {
    payloadHash: spooled.sha256,
    contentLength,
    headers: toChecksumHeaders(request),
    body: spooled,
    release: () => spooled.release(),
  };
}

const toTrailer = (request: VerifiedRequest, { algorithm }: BodyChecksum): OutboundTrailer => ({
  name: checksumHeader(algorithm),
  valueLength: Math.ceil(CHECKSUM_BYTES[algorithm] / 3) * 4,
  value: () => request.checksum?.value ?? '',
});

/** A checksum in a header passes with the headers; one that came behind the body is known now, and goes before it. */
function toChecksumHeaders({ checksum }: VerifiedRequest): OutboundBody['headers'] {
  if (checksum?.from !== 'trailer' || checksum.value === '') return [];
  return [[checksumHeader(checksum.algorithm), checksum.value]];
}

/** Reads to the end also when nothing is promised: the end is where the hash is checked. */
async function collect(body: AsyncIterable<Uint8Array>, contentLength: number): Promise<Uint8Array> {
  const whole = toWholeBytes(body);
  if (whole?.byteLength === contentLength) return whole;
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > contentLength) throw lengthDiffers(contentLength);
    chunks.push(chunk);
  }
  if (sizeBytes !== contentLength) throw lengthDiffers(contentLength);
  return chunks.length === 1 ? (chunks[0] ?? EMPTY) : Buffer.concat(chunks);
}

const lengthDiffers = (contentLength: number): WaybillError =>
  new WaybillError('body_corrupt', 'the body does not have the length that was promised', { contentLength });
