/**
 * The body of a verified request, ready to go out, with the hash that the provider is told.
 *
 * - A sha256 body goes out under the hash that was verified here, so the provider refuses tampered bytes too. A small one is
 *   collected whole before anything is sent (the listener may have done so); a large one is streamed with its tail held back.
 * - An unsigned body goes out as UNSIGNED-PAYLOAD where the store's configuration says so. Elsewhere the gateway vouches for what
 *   it received: the body is collected and hashed, and refused above a size, since the hash has to be known before the first byte.
 */
import { WaybillError } from '../core/failures.ts';
import { KiB, MiB } from '../core/limits.ts';
import { toHex } from '../sigv4/hex.ts';
import { nodeCrypto } from '../sigv4/node-crypto.ts';
import { toWholeBytes } from '../stores/rules/whole-body.ts';
import type { VerifiedRequest } from './backend.ts';
import { EMPTY_SHA256 } from './payload.ts';
import { HeldBody, TAIL_BYTES } from './held-body.ts';

export interface OutboundBody {
  readonly payloadHash: string;
  /** Null where the method takes no body. */
  readonly contentLength: number | null;
  readonly body: Uint8Array | HeldBody | null;
}

/** What an unsigned body may have where it must be hashed first: a part of the default size. */
export const SPOOL_BYTES_MAX = 8 * MiB;
/** Up to here a body is collected and sent as one write: not larger than the tail that would be held back anyway. */
const WHOLE_BYTES_MAX = Math.min(64 * KiB, TAIL_BYTES);

const EMPTY = new Uint8Array(0);

/**
 * @throws invalid_request for a body where none belongs; not_implemented for an unsigned one that is too large to hash first;
 *   whatever the body itself fails with (body_corrupt) when it is collected
 */
export async function toOutboundBody(request: VerifiedRequest, unsignedOutward: boolean): Promise<OutboundBody> {
  const { method, payload, contentLength } = request;
  if (method !== 'PUT' && method !== 'POST') {
    if (contentLength > 0) {
      throw new WaybillError('invalid_request', 'a request of this method has no body', { method });
    }
    return { payloadHash: EMPTY_SHA256, contentLength: null, body: null };
  }
  if (payload.kind === 'sha256') {
    if (contentLength > WHOLE_BYTES_MAX && toWholeBytes(request.body) === undefined) {
      return { payloadHash: payload.sha256, contentLength, body: new HeldBody(request.body) };
    }
    const body = await collect(request.body, contentLength);
    return { payloadHash: payload.sha256, contentLength, body };
  }
  if (unsignedOutward && contentLength > 0) {
    return { payloadHash: 'UNSIGNED-PAYLOAD', contentLength, body: new HeldBody(request.body) };
  }
  if (contentLength > SPOOL_BYTES_MAX) {
    throw new WaybillError(
      'not_implemented',
      'an unsigned body of this size is passed on only where the store has unsigned_payload: true; sign the body, or send parts',
      { contentLength, bytesMax: SPOOL_BYTES_MAX },
    );
  }
  const body = await collect(request.body, contentLength);
  return { payloadHash: toHex(nodeCrypto.sha256(body)), contentLength, body };
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
