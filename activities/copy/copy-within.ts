/**
 * Copies an object within one store: the store is asked for it, and no bytes move. It counts only where the store's own ETag proves it:
 * the source's is the MD5 of its bytes, the copy is made of that ETag alone (`x-amz-copy-source-if-match`), and has the same one. Where
 * that cannot be known beforehand (multipart ETags, SSE-KMS, an opaque store) the bytes are copied, and looked at, as ever; and so they
 * are where the store has no copies, or refuses them.
 */
import { isWaybillError, WaybillError } from '../../core/failures.ts';
import { GiB } from '../../core/limits.ts';
import { toTargetKey } from '../../core/pipeline.ts';
import type { DeliveryRecord } from '../../ledger/ledger.ts';
import type { CopyAction } from '../plan/action.ts';
import { isMd5Hex } from '../plan/content-md5.ts';
import { toSourceChanged } from './read-source.ts';
import { hasMd5ETags, type Transfer } from './transfer.ts';
import { headTarget } from './write-conditions.ts';

/** S3's own limit of one CopyObject. */
const COPY_BYTES_MAX = 5 * GiB;

/**
 * Null where the bytes have to be copied.
 * @throws source_changed, target_conflict, and whatever the store answers
 */
export async function copyWithin(transfer: Transfer, action: CopyAction): Promise<DeliveryRecord | null> {
  const { target, spec, within } = transfer;
  const { key, etag, sizeBytes, expected } = action;
  if (!within.isOffered || target.copy === undefined || sizeBytes > COPY_BYTES_MAX) return null;
  if (!isMd5Hex(etag) || !hasMd5ETags(transfer)) return null;
  const targetKey = toTargetKey(spec, key);
  const delivered = {
    ...{ key: targetKey, sourceEtag: etag, sourceVersion: null, sizeBytes },
    ...{ targetEtag: etag, checksum: `md5:${etag}` },
  };
  // Not every service looks at the target's condition of a copy, so it is looked at here too. It costs a request, and no bytes.
  const isBlind = 'unknown' in expected && spec.overwrite === 'always';
  const held = isBlind ? undefined : await headTarget(transfer, targetKey);
  if (held !== undefined && held !== null && !('etag' in expected && held.etag === expected.etag)) {
    return held.etag === etag && held.etagIsContentHash ? delivered : conflict(key);
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
      ...{ withTags: spec.tags, encryption: spec.target.encryption, ...conditions },
    });
    // Encrypted by a default of the bucket, for one: the bytes then say whether it is the same.
    return copied.etag === etag ? delivered : null;
  } catch (error) {
    if (!isWaybillError(error)) throw error;
    if (error.type === 'not_implemented' || error.type === 'access_denied') {
      within.isOffered = false;
      return null;
    }
    if (error.type === 'precondition_failed') return explain(transfer, action, targetKey, delivered, error);
    throw toSourceChanged(error);
  }
}

/** Which of the two has changed, or that an earlier try of ours was first. */
async function explain(
  transfer: Transfer,
  action: CopyAction,
  targetKey: string,
  delivered: DeliveryRecord,
  cause: WaybillError,
): Promise<DeliveryRecord> {
  const { key, etag } = action;
  try {
    const source = await transfer.source.head({ bucket: transfer.spec.source.bucket, key });
    if (source.etag !== etag) throw toSourceChanged(cause);
  } catch (error) {
    throw toSourceChanged(error);
  }
  const held = await headTarget(transfer, targetKey);
  return held?.etag === etag && held.etagIsContentHash ? delivered : conflict(key, cause);
}

function conflict(key: string, cause?: WaybillError): never {
  throw new WaybillError('target_conflict', 'the target changed after the plan', { key }, { cause });
}
