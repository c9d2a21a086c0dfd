/**
 * Whether what stands at the target is what was about to be written. A worker that was killed between the store's effect and the
 * ledger's leaves its successor just this question. Where the ETag is no hash of the bytes (SSE-KMS, an opaque store) only the bytes
 * themselves can tell, and they are read: without it, an object of ours would look like somebody else's. An MD5 in its metadata says
 * nothing: whoever wrote over an object of ours may have kept it.
 */
import type { CrcAlgorithm } from '../../core/checksums.ts';
import { isWaybillError } from '../../core/failures.ts';
import { PART_BYTES_DEFAULT } from '../../core/limits.ts';
import type { ObjectInfo } from '../../stores/store.ts';
import { isMd5Hex } from '../plan/content-md5.ts';
import { ReadHashes, type Digests } from './read-hashes.ts';
import type { Transfer } from './transfer.ts';

export interface Wanted {
  readonly sizeBytes: number;
  /** The ETag that the write gives where ETags are hashes. */
  readonly etag: string;
  /** Hex, of all bytes; null where it is not known. */
  readonly md5: string | null;
  /** base64, of all bytes, where it is what proves them. */
  readonly crc: { readonly algorithm: CrcAlgorithm; readonly value: string } | null;
}

/** Requests: none where the ETag says it; otherwise one GET for each 8 MiB. */
export async function holdsSameBytes(
  transfer: Transfer,
  targetKey: string,
  held: ObjectInfo,
  wanted: Wanted,
): Promise<boolean> {
  if (held.sizeBytes !== wanted.sizeBytes) return false;
  if (held.etag === wanted.etag) return true;
  const heldMd5 = held.etagIsContentHash && isMd5Hex(held.etag) ? held.etag : null;
  if (heldMd5 !== null && heldMd5 === wanted.md5) return true;
  if (wanted.crc === null && (heldMd5 !== null || wanted.md5 === null)) return false;
  try {
    const found = await hashTarget(transfer, targetKey, held, wanted);
    return wanted.crc === null ? found.md5 === wanted.md5 : found.crc === wanted.crc.value;
  } catch (error) {
    if (isWaybillError(error) && (error.type === 'no_such_key' || error.type === 'precondition_failed')) return false;
    throw error;
  }
}

/** In ranges, so that none outlasts the limit of a request. */
async function hashTarget(transfer: Transfer, key: string, held: ObjectInfo, { crc }: Wanted): Promise<Digests> {
  const { bucket } = transfer.spec.target;
  const hashes = await ReadHashes.begin({ sha256: false, md5: crc === null, crc: crc?.algorithm ?? null });
  try {
    for (let first = 0; first < held.sizeBytes; first += PART_BYTES_DEFAULT) {
      const last = Math.min(first + PART_BYTES_DEFAULT, held.sizeBytes) - 1;
      const { body } = await transfer.target.get({ bucket, key, ifMatch: held.etag, range: { first, last } });
      for await (const piece of body) hashes.update(piece);
    }
    return hashes.digest();
  } finally {
    hashes.release();
  }
}
