/**
 * Copies a small object between two stores that are reached through one gateway: the gateway reads it and puts it, and its bytes do not
 * come here. It counts only where the ETags prove it: the source's is the MD5 of its bytes, nothing but that ETag is copied, the target is
 * told the MD5 and answers with it. In every other case, and wherever a condition does not hold, the bytes are copied, and looked
 * at, as ever (`copy-whole.ts`): what it means is decided in one place.
 */
import { isWaybillError } from '../../core/failures.ts';
import { toTargetKey } from '../../core/pipeline.ts';
import type { DeliveryRecord } from '../../ledger/ledger.ts';
import type { CopyAction } from '../plan/action.ts';
import { isMd5Hex } from '../plan/content-md5.ts';
import { TOLD_BYTES_MIN } from './copy-whole.ts';
import { toDelivery } from './to-delivery.ts';
import { hasMd5ETags, type Transfer } from './transfer.ts';
import { headTarget, writeExpected } from './write-conditions.ts';

/** After so many that did not come about the rest is not tried: tags travel, a key may not, an older gateway cannot, a bucket encrypts. */
const NOT_RELAYED_MAX = 16;

/**
 * Null where the bytes have to be copied.
 * @throws whatever the stores answer that may pass
 */
export async function copyRelayed(transfer: Transfer, action: CopyAction): Promise<DeliveryRecord | null> {
  const { source, target, spec, shown, outlasted } = transfer;
  const copyFrom = target.copyFrom?.bind(target);
  if (source.grantRead === undefined || copyFrom === undefined) return null;
  if (shown.notRelayed >= NOT_RELAYED_MAX || !isProvable(transfer, action)) return null;
  const { key, etag, sizeBytes } = action;
  const targetKey = toTargetKey(spec, key);
  if (outlasted.has(targetKey) || outlasted.size >= NOT_RELAYED_MAX) return null;
  const delivered = toDelivery(action, { key: targetKey, targetEtag: etag, checksum: `md5:${etag}` });
  try {
    const grant = await source.grantRead({ bucket: spec.source.bucket, key });
    const mayBeUnsigned = transfer.targetFacts.unsignedPayload === true && sizeBytes >= TOLD_BYTES_MIN;
    const isUnsigned = mayBeUnsigned && shown.md5 && !shown.refusesUnsigned;
    const copied = await writeExpected(transfer, targetKey, action.expected, (conditions) =>
      copyFrom({
        bucket: spec.target.bucket,
        key: targetKey,
        ...{
          grant,
          sourceETag: etag,
          withTags: spec.tags,
          encryption: spec.target.encryption,
          isUnsigned,
          ...conditions,
        },
      }),
    );
    if (copied.etag === etag) {
      shown.md5 = true;
      shown.notRelayed = Math.max(0, shown.notRelayed - 1);
      return delivered;
    }
    // Ours, and nothing proves it: to be written over, by bytes that are looked at.
    transfer.spoiled.set(targetKey, copied.etag);
    count(transfer, 'another ETag');
  } catch (error) {
    // The next try is by the bytes.
    if (isWaybillError(error) && error.type === 'store_timeout') outlasted.add(targetKey);
    if (!isWaybillError(error) || !LEFT_TO_BYTES.has(error.type)) throw error;
    // These two are about this object alone.
    if (error.type === 'no_such_key') return null;
    if (error.type === 'precondition_failed') {
      return mayBeOurs(transfer, action) && (await isThere(transfer, action)) ? delivered : null;
    }
    count(transfer, error.message);
  }
  return null;
}

/** Of what did not come about; some do not stand for the others, so each that does takes one back. */
function count({ shown, step, spec }: Transfer, cause: string): void {
  shown.notRelayed += 1;
  if (shown.notRelayed !== NOT_RELAYED_MAX) return;
  const { store, bucket } = spec.target;
  step.runtime.log.warn(
    { store, bucket, cause },
    'the gateway cannot copy to this bucket: from now on the bytes go through the worker',
  );
}

/**
 * Whether an earlier try of ours makes the target's condition fail. Where it asked for none, or for the very ETag that such a try leaves, it
 * was the source's: what stands there is what was to be written over, with another encryption or other headers.
 */
function mayBeOurs({ spec }: Transfer, { expected, etag }: CopyAction): boolean {
  if ('unknown' in expected) return spec.overwrite !== 'always';
  return !('etag' in expected) || expected.etag !== etag;
}

/** An earlier try of ours, whose answer nobody lived to see. */
async function isThere(transfer: Transfer, { key, etag, sizeBytes }: CopyAction): Promise<boolean> {
  const held = await headTarget(transfer, toTargetKey(transfer.spec, key));
  return held !== null && held.etag === etag && held.etagIsContentHash && held.sizeBytes === sizeBytes;
}

const LEFT_TO_BYTES: ReadonlySet<string> = new Set([
  'access_denied',
  'body_corrupt',
  'no_such_bucket',
  'no_such_key',
  'not_implemented',
  'precondition_failed',
  'store_refused',
]);

/**
 * Whether the target's ETag will say that it has the source's bytes. And its conditions have to hold: where it is asked first instead, the
 * reading would lie between the question and the write.
 */
function isProvable(transfer: Transfer, { key, etag }: CopyAction): boolean {
  const { step, spec, spoiled, targetFacts } = transfer;
  if (!targetFacts.conditionalWrites) return false;
  if (!isMd5Hex(etag) || !hasMd5ETags(transfer) || spoiled.has(toTargetKey(spec, key))) return false;
  return step.deps.storeFacts(spec.source.store).etags === 'md5';
}
