/** Reads a body of known length into one piece of memory; the caller bounds the length. */
import { EMPTY_SHA256 } from './payload.ts';
import { refuse } from './s3-error.ts';
import type { VerifiedBody } from './verified-body.ts';

const EMPTY = new Uint8Array(0);

/** @throws whatever the body refuses */
export async function readWhole(body: VerifiedBody, lengthBytes: number): Promise<Uint8Array> {
  if (lengthBytes === 0) {
    // Most requests have no body, and their hash needs no computing.
    if (body.promise.sha256 !== null && body.promise.sha256 !== EMPTY_SHA256) throw refuse('XAmzContentSHA256Mismatch');
    if (body.promise.md5 === null) return EMPTY;
  }
  const chunks: Uint8Array[] = [];
  for (;;) {
    const result = await body.next();
    if (result.done === true) break;
    chunks.push(result.value);
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
}
