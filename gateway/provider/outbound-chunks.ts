/**
 * A body of unknown hash on its way to a provider, signed chunk by chunk: STREAMING-AWS4-HMAC-SHA256-PAYLOAD, or its -TRAILER form
 * where the caller's checksum came behind the body. The provider can check every chunk when it comes, and commits nothing before
 * the last one; that one is sent only after the body has ended well here.
 *
 * The length over the wire is known before the first byte, since all chunks but the last have one size.
 * Source: AWS, "Signature calculations for the Authorization header: transferring payload in multiple chunks" and "… with trailing headers".
 */
import { createHash } from 'node:crypto';
import { WaybillError } from '../../core/failures.ts';
import { KiB } from '../../core/limits.ts';
import { createChunkSignatures } from '../../sigv4/chunk-signatures.ts';
import type { ChunkSeed, ChunkSignatures } from '../../sigv4/chunk-signatures.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { EMPTY_SHA256 } from '../body/plan-body.ts';

export const SIGNED_CHUNKS = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
export const SIGNED_CHUNKS_TRAILER = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER';

/** S3 takes 8 KiB and up. A request holds one chunk, and each costs 87 bytes and two hashes. */
const CHUNK_BYTES = 64 * KiB;
const CRLF = '\r\n';
const SIGNATURE_HEX = 64;
const CHUNK_EXTENSION = ';chunk-signature=';
const TRAILER_SIGNATURE = 'x-amz-trailer-signature:';

/** A checksum that is known when the body has ended. */
export interface OutboundTrailer {
  /** In lower case. */
  readonly name: string;
  /** Of its value. */
  readonly valueLength: number;
  /** Asked once the body has ended. */
  readonly value: () => string;
}

/** The bytes that a body of this length has over the wire. */
export function toChunkedLength(lengthBytes: number, trailer: OutboundTrailer | null): number {
  const full = Math.floor(lengthBytes / CHUNK_BYTES);
  const rest = lengthBytes % CHUNK_BYTES;
  const framing = (size: number): number =>
    size.toString(16).length + CHUNK_EXTENSION.length + SIGNATURE_HEX + CRLF.length;
  const chunk = (size: number): number => framing(size) + size + CRLF.length;
  const trailers =
    trailer === null
      ? 0
      : trailer.name.length + 1 + trailer.valueLength + TRAILER_SIGNATURE.length + SIGNATURE_HEX + 2 * CRLF.length;
  return full * chunk(CHUNK_BYTES) + (rest === 0 ? 0 : chunk(rest)) + framing(0) + trailers + CRLF.length;
}

/** Frames and signs a body while it is read. Rethrows the failure of the body, with at least the last chunk kept. */
export class SignedChunks implements AsyncIterable<Uint8Array> {
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #lengthBytes: number;
  readonly #trailer: OutboundTrailer | null;
  readonly #seed: ChunkSeed;
  #isVerified = false;

  constructor(
    body: AsyncIterable<Uint8Array>,
    lengthBytes: number,
    trailer: OutboundTrailer | null,
    /** That of the request's head. */
    seed: ChunkSeed,
  ) {
    this.#body = body;
    this.#lengthBytes = lengthBytes;
    this.#trailer = trailer;
    this.#seed = seed;
  }

  /** True once the body has ended well. */
  get isVerified(): boolean {
    return this.#isVerified;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const signatures = createChunkSignatures(nodeCrypto, this.#seed);
    let held: Uint8Array[] = [];
    let heldBytes = 0;
    let readBytes = 0;
    for await (const piece of this.#body) {
      readBytes += piece.byteLength;
      if (readBytes > this.#lengthBytes) throw lengthDiffers(this.#lengthBytes);
      held.push(piece);
      heldBytes += piece.byteLength;
      // A full chunk is kept while it may be the last one.
      while (heldBytes > CHUNK_BYTES) {
        const { chunk, rest } = cut(held, CHUNK_BYTES);
        yield frame(chunk, CHUNK_BYTES, signatures.nextChunk(hash(chunk)).signature);
        held = rest;
        heldBytes -= CHUNK_BYTES;
      }
    }
    if (readBytes !== this.#lengthBytes) throw lengthDiffers(this.#lengthBytes);
    this.#isVerified = true;
    if (heldBytes > 0) yield frame(held, heldBytes, signatures.nextChunk(hash(held)).signature);
    const { signature } = signatures.nextChunk(EMPTY_SHA256);
    yield Buffer.from(`0${CHUNK_EXTENSION}${signature}${CRLF}${this.#printTrailer(signatures)}`, 'latin1');
  }

  #printTrailer(signatures: ChunkSignatures): string {
    if (this.#trailer === null) return CRLF;
    const { name, valueLength } = this.#trailer;
    const value = this.#trailer.value();
    if (value.length !== valueLength) {
      throw new WaybillError('body_corrupt', 'the trailer does not have the length of its algorithm', { name });
    }
    const { signature } = signatures.trailer([[name, value]]);
    return `${name}:${value}${CRLF}${TRAILER_SIGNATURE}${signature}${CRLF}${CRLF}`;
  }
}

/** The first bytes of what is held, and what is left; nothing is copied. */
function cut(held: readonly Uint8Array[], sizeBytes: number): { chunk: Uint8Array[]; rest: Uint8Array[] } {
  const chunk: Uint8Array[] = [];
  let left = sizeBytes;
  for (const [index, piece] of held.entries()) {
    if (piece.byteLength < left) {
      chunk.push(piece);
      left -= piece.byteLength;
      continue;
    }
    chunk.push(piece.subarray(0, left));
    const after = piece.subarray(left);
    return { chunk, rest: [...(after.byteLength === 0 ? [] : [after]), ...held.slice(index + 1)] };
  }
  return { chunk, rest: [] };
}

function hash(pieces: readonly Uint8Array[]): string {
  const sha256 = createHash('sha256');
  for (const piece of pieces) sha256.update(piece);
  return sha256.digest('hex');
}

/** As one piece: four writes a chunk cost more than copying it. */
const frame = (pieces: readonly Uint8Array[], sizeBytes: number, signature: string): Buffer =>
  Buffer.concat([
    Buffer.from(`${sizeBytes.toString(16)}${CHUNK_EXTENSION}${signature}${CRLF}`, 'latin1'),
    ...pieces,
    Buffer.from(CRLF, 'latin1'),
  ]);

const lengthDiffers = (contentLength: number): WaybillError =>
  new WaybillError('body_corrupt', 'the body does not have the length that was promised', { contentLength });
