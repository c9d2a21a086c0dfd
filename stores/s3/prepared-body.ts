/**
 * A body made ready to be signed and sent. The payload hash has to be known before the first byte leaves, so bytes in memory are
 * hashed in one pass, a stream must bring its hash, and a short stream without one is read into memory.
 *
 * Whatever the stream does, what is sent is exactly `sizeBytes`: more or less ends the request before the store could take it for
 * whole. A signed payload's hash is checked by the store; for an unsigned one the check happens here, and the last chunk is held
 * back until it holds.
 */
import { createHash, hash } from 'node:crypto';
import { PART_BYTES_DEFAULT } from '../../core/limits.ts';
import { bodyCorrupt, refused } from '../rules/refusals.ts';
import { toChunks } from '../rules/body-check.ts';
import type { Body } from '../store.ts';

export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** A stream of unknown hash is read whole up to this size: what one signed PUT of ours carries. */
const BUFFERED_BYTES_MAX = PART_BYTES_DEFAULT;

export interface PreparedBody {
  readonly payloadHash: string;
  readonly sizeBytes: number;
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
}

/** Bytes that we made ourselves, such as the XML of a request. */
export function toPreparedBytes(bytes: Uint8Array): PreparedBody {
  return { payloadHash: hash('sha256', bytes, 'hex'), sizeBytes: bytes.byteLength, content: bytes };
}

/**
 * @throws body_corrupt when the bytes are not of the promised length (or hash, where the store would not check it);
 * store_refused for a stream above 8 MiB without a hash
 */
export async function prepareBody(body: Body, isStoreUnsigned: boolean, signal?: AbortSignal): Promise<PreparedBody> {
  const unsigned = isStoreUnsigned || body.isUnsigned === true;
  if (body.content instanceof Uint8Array) return prepareBytes(body, body.content, unsigned);
  if (unsigned)
    return { payloadHash: UNSIGNED_PAYLOAD, sizeBytes: body.sizeBytes, content: sendExactly(body, true, signal) };
  if (body.sha256 !== undefined) {
    return { payloadHash: body.sha256, sizeBytes: body.sizeBytes, content: sendExactly(body, false, signal) };
  }
  if (body.sizeBytes > BUFFERED_BYTES_MAX) {
    throw refused(
      'MissingContentSHA256',
      400,
      'a streamed body of this size has to bring its sha256, for it is signed first',
      {
        sizeBytes: body.sizeBytes,
        maxBytes: BUFFERED_BYTES_MAX,
      },
    );
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of sendExactly(body, false, signal)) chunks.push(chunk);
  return toPreparedBytes(Buffer.concat(chunks, body.sizeBytes));
}

function prepareBytes(body: Body, bytes: Uint8Array, unsigned: boolean): PreparedBody {
  if (bytes.byteLength !== body.sizeBytes) throw wrongSize(body, bytes.byteLength);
  if (!unsigned) {
    return { payloadHash: body.sha256 ?? hash('sha256', bytes, 'hex'), sizeBytes: body.sizeBytes, content: bytes };
  }
  if (body.sha256 !== undefined && hash('sha256', bytes, 'hex') !== body.sha256) throw wrongHash();
  return { payloadHash: UNSIGNED_PAYLOAD, sizeBytes: body.sizeBytes, content: bytes };
}

async function* sendExactly(body: Body, verify: boolean, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const sha256 = verify && body.sha256 !== undefined ? createHash('sha256') : null;
  let held: Uint8Array | null = null;
  let sizeBytes = 0;
  for await (const chunk of toChunks(body, signal)) {
    if (chunk.byteLength === 0) continue;
    sizeBytes += chunk.byteLength;
    if (sizeBytes > body.sizeBytes) throw wrongSize(body, sizeBytes);
    sha256?.update(chunk);
    if (held !== null) yield held;
    held = chunk;
  }
  if (sizeBytes !== body.sizeBytes) throw wrongSize(body, sizeBytes);
  if (sha256 !== null && sha256.digest('hex') !== body.sha256) throw wrongHash();
  if (held !== null) yield held;
}

const wrongSize = (body: Body, sizeBytes: number): Error =>
  bodyCorrupt('the body does not have the promised length', { promisedBytes: body.sizeBytes, sizeBytes });

const wrongHash = (): Error => bodyCorrupt('the body does not have the promised SHA-256');
