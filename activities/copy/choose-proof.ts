/**
 * What is to prove the bytes of an object that goes in parts. One proof, for each byte is hashed for it:
 *
 * - a CRC over the whole that the source tells, where the pipeline says `proof: crc`;
 * - the parts' ETags, where the source was made of parts too, ours are cut as its were, and both sides' ETags are MD5s: those that the
 *   target answers with make the source's own ETag, so nobody has to hash the whole;
 * - else the MD5 over the whole, which is compared with whatever the source says of it.
 *
 * A target that has completed an upload with an ETag of the whole can only be held to that MD5, so there it has to be known.
 */
import { isCrc, type CrcAlgorithm } from '../../core/checksums.ts';
import type { PartLayout } from '../../core/part-layout.ts';
import type { UploadProof } from '../../ledger/ledger.ts';
import type { ObjectInfo } from '../../stores/store.ts';
import { isMd5Hex, toContentMd5 } from '../plan/content-md5.ts';
import { hasMd5ETags, type Transfer } from './transfer.ts';

/** Undefined: by the MD5. */
export function chooseProof(
  transfer: Transfer,
  source: Omit<ObjectInfo, 'etag'> & { readonly etag: string },
  layout: PartLayout,
): UploadProof | undefined {
  if (!transfer.shown.composes && !isMd5Hex(source.etag)) return undefined;
  const crc = toCrc(transfer, source);
  if (crc !== null) return { by: 'crc', ...crc, isTold: true };
  const { etags } = transfer.step.deps.storeFacts(transfer.spec.source.store);
  const isFollowed = source.etag.endsWith(`-${String(layout.parts)}`);
  const isKnown = etags === 'md5' && source.etagIsContentHash && hasMd5ETags(transfer);
  return isFollowed && isKnown && toContentMd5(source) === null ? { by: 'parts' } : undefined;
}

/** The source's CRC over all bytes, where it may prove them. */
export function toCrc(
  transfer: Transfer,
  { checksum }: Pick<ObjectInfo, 'checksum'>,
): { readonly algorithm: CrcAlgorithm; readonly value: string } | null {
  if (transfer.spec.proof !== 'crc' || checksum?.type !== 'FULL_OBJECT' || !isCrc(checksum.algorithm)) return null;
  return { algorithm: checksum.algorithm, value: checksum.value };
}
