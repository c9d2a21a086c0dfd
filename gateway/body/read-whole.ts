/** Reads a body of known length into one piece of memory; the caller bounds the length. */
import { refuse } from '../answer/s3-error.ts';
import { EMPTY_SHA256 } from './plan-body.ts';
import type { VerifiedBody } from './verified-body.ts';

const EMPTY = new Uint8Array(0);

/** @throws whatever the body refuses */
export async function readWhole(body: VerifiedBody): Promise<Uint8Array> {
  const { lengthBytes, sha256, md5, checksum, chunked } = body.plan;
  if (lengthBytes === 0 && chunked === null) {
    // Most requests have no body, and their hash needs no computing.
    if (sha256 !== null && sha256 !== EMPTY_SHA256) {
      throw refuse('XAmzContentSHA256Mismatch', undefined, { clientSha256: sha256, ourSha256: EMPTY_SHA256 });
    }
    if (md5 === null && checksum === null) return EMPTY;
  }
  const chunks: Uint8Array[] = [];
  for (;;) {
    const result = await body.next();
    if (result.done === true) break;
    chunks.push(result.value);
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
}
