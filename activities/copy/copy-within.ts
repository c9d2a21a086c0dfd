/**
 * Copies an object within one store: the store is asked for it, and no bytes move. It counts only where the store's own ETag proves it:
 * the source's is the MD5 of its bytes, the copy is made of that ETag alone (`x-amz-copy-source-if-match`), and has the same one; one of
 * parts is copied by parts. Where that cannot be known beforehand (SSE-KMS, an opaque store) the bytes are copied, and looked at, as
 * ever; and so they are where the store has no copies, where it refuses one, and where a condition does not hold: what that means is
 * decided in one place.
 */
import { isWaybillError } from '../../core/failures.ts';
import { GiB } from '../../core/limits.ts';
import { toTargetKey } from '../../core/pipeline.ts';
import type { DeliveryRecord } from '../../ledger/ledger.ts';
import type { ObjectInfo } from '../../stores/store.ts';
import type { CopyAction } from '../plan/action.ts';
import { isMd5Hex } from '../plan/content-md5.ts';
import { toHeaders } from './carry-over.ts';
import { copyPartsWithin } from './copy-parts-within.ts';
import { toDelivery } from './to-delivery.ts';
import { hasMd5ETags, type Transfer } from './transfer.ts';
import { headTarget } from './write-conditions.ts';

/** S3's own limit of one CopyObject. */
const COPY_BYTES_MAX = 5 * GiB;

/**
 * Null where the bytes have to be copied.
 * @throws whatever the store answers that may pass
 */
export async function copyWithin(transfer: Transfer, action: CopyAction): Promise<DeliveryRecord | null> {
  const { target, spec, within } = transfer;
  const { key, etag, sizeBytes, expected } = action;
  if (!within.isOffered || target.copy === undefined || sizeBytes > COPY_BYTES_MAX) return null;
  if (!isMd5Hex(etag)) return copyPartsWithin(transfer, action);
  if (!hasMd5ETags(transfer)) return null;
  const targetKey = toTargetKey(spec, key);
  const delivered = toDelivery(action, { key: targetKey, targetEtag: etag, checksum: `md5:${etag}` });
  // Not every service looks at the target's condition of a copy, so it is looked at here too. It costs a request, and no bytes.
  const isBlind = 'unknown' in expected && spec.overwrite === 'always';
  // Nor does every service carry all of its headers over (MinIO loses Expires), so they are asked for, and told.
  const [held, info] = await Promise.all([
    isBlind ? undefined : headTarget(transfer, targetKey),
    headSource(transfer, action),
  ]);
  if (info === null) return null;
  if (held !== undefined && held !== null && !('etag' in expected && held.etag === expected.etag)) {
    // An earlier try of ours; or else the way by the bytes says whether it is, and whose it is.
    return held.etag === etag && held.etagIsContentHash ? delivered : null;
  }
  const conditions =
    held === undefined || !transfer.targetFacts.conditionalWrites
      ? {}
      : held === null
        ? { ifNoneMatch: '*' as const }
        : { ifMatch: held.etag };
  try {
    const copied = await target.copy({
      ...{ bucket: spec.target.bucket, key: targetKey, source: { bucket: spec.source.bucket, key, ifMatch: etag } },
      ...{ headers: toHeaders(info), withTags: spec.tags, encryption: spec.target.encryption, ...conditions },
    });
    if (copied.etag === etag) return delivered;
    // Encrypted by a default of the bucket, for one: its ETags prove nothing, and the bytes say whether it is the same.
    within.isOffered = false;
    return null;
  } catch (error) {
    if (!isWaybillError(error)) throw error;
    switch (error.type) {
      case 'not_implemented':
      case 'access_denied':
      case 'store_refused':
        within.isOffered = false;
        return null;
      // Of the two sides, or of the target alone: the way by the bytes asks each of them.
      case 'precondition_failed':
      case 'no_such_key':
        return null;
      default:
        throw error;
    }
  }
}

/** Null where it is not the listed one any more: the way by the bytes says which of the ways it has changed. */
async function headSource({ spec, source }: Transfer, { key, etag }: CopyAction): Promise<ObjectInfo | null> {
  try {
    return await source.head({ bucket: spec.source.bucket, key, ifMatch: etag });
  } catch (error) {
    if (isWaybillError(error) && (error.type === 'precondition_failed' || error.type === 'no_such_key')) return null;
    throw error;
  }
}
