/**
 * Copies an object that was uploaded in parts within one store, part by part: no bytes move. What proves it is the ETag that S3 makes of
 * the parts' MD5s. Cut as the source was, each part has the MD5 that the source's had, and the parts together its ETag; that is known
 * before the upload is completed. Where it does not come out, as for an object whose parts were not all of one size, or one that is
 * encrypted with a key of KMS, nothing is completed, and the bytes are copied and looked at, as ever.
 */
import { isWaybillError, WaybillError } from '../../core/failures.ts';
import { MiB, PARTS_MAX } from '../../core/limits.ts';
import { toPartRange, type PartLayout } from '../../core/part-layout.ts';
import { toTargetKey } from '../../core/pipeline.ts';
import type { DeliveryRecord, UploadRecord } from '../../ledger/ledger.ts';
import type { CompletedPart } from '../../stores/store.ts';
import type { CopyAction } from '../plan/action.ts';
import { abortUpload, dropUpload } from './abort-upload.ts';
import { toCompositeETag } from './complete-upload.ts';
import { PARTS_IN_FLIGHT } from './copy-parts.ts';
import { openUpload } from './open-upload.ts';
import { retryTransient } from './retry-transient.ts';
import { toDelivery } from './to-delivery.ts';
import { hasMd5ETags, type Transfer } from './transfer.ts';
import { explainRefusal, headTarget, writeExpected } from './write-conditions.ts';

/** A larger part may take a store longer to copy than a request may last. */
const PART_BYTES_MAX = 512 * MiB;

/**
 * Null where the bytes have to be copied: then no upload is left but one that was begun over its bytes, to be gone on with.
 * @throws target_conflict, source_changed, and whatever the store answers that may pass
 */
export async function copyPartsWithin(transfer: Transfer, action: CopyAction): Promise<DeliveryRecord | null> {
  const { step, within } = transfer;
  const layout = within.isOffered && hasMd5ETags(transfer) ? await findLayout(transfer, action) : null;
  if (layout === null) return null;
  const { upload, parts: recorded } = await retryTransient(transfer, () => openUpload(transfer, action, layout));
  // One that was begun over its bytes is gone on with by them: such ones alone have a proof of their own, or parts that are recorded.
  const isOfBytes = recorded.length > 0 || upload.proof !== undefined;
  if (isOfBytes || upload.layout.partSizeBytes !== layout.partSizeBytes) return null;
  const drop = async (): Promise<null> => {
    await dropUpload(step, transfer.target, upload);
    return null;
  };
  let parts: readonly CompletedPart[];
  try {
    parts = await copyAll(transfer, action, upload, await listCopied(transfer, upload));
  } catch (error) {
    if (!isWaybillError(error)) throw error;
    switch (error.type) {
      case 'not_implemented':
      case 'access_denied':
      case 'store_refused':
        within.isOffered = false;
        return drop();
      // Changed or deleted meanwhile, or an upload that somebody aborted: the way by the bytes says which.
      case 'precondition_failed':
      case 'no_such_key':
      case 'no_such_upload':
        return drop();
      default:
        throw error;
    }
  }
  if (toCompositeETag(parts) !== action.etag) return drop();
  return complete(transfer, action, upload, parts, drop);
}

/** As the source was cut; null where that cannot be told, or is not in parts of one size. */
async function findLayout(transfer: Transfer, action: CopyAction): Promise<PartLayout | null> {
  const { source, target, spec } = transfer;
  const { key, etag, sizeBytes } = action;
  const parts = Number(/^[0-9a-f]{32}-([0-9]{1,5})$/.exec(etag)?.[1] ?? 0);
  const measure = source.measureFirstPart?.bind(source);
  if (parts < 1 || parts > PARTS_MAX || target.copyPart === undefined || measure === undefined) return null;
  try {
    const wanted = { bucket: spec.source.bucket, key, ifMatch: etag };
    const partSizeBytes = await retryTransient(transfer, () => measure(wanted));
    if (partSizeBytes === null || partSizeBytes < 1 || partSizeBytes > PART_BYTES_MAX) return null;
    return Math.ceil(sizeBytes / partSizeBytes) === parts ? { sizeBytes, partSizeBytes, parts } : null;
  } catch (error) {
    if (!isWaybillError(error)) throw error;
    switch (error.type) {
      case 'precondition_failed':
      case 'no_such_key':
      case 'store_refused':
      case 'not_implemented':
      case 'range_unsatisfiable':
        return null;
      default:
        throw error;
    }
  }
}

/** What an earlier execution copied. Whether it is the same as would be copied now, the ETag of the whole tells. */
async function listCopied(transfer: Transfer, upload: UploadRecord): Promise<ReadonlyMap<number, CompletedPart>> {
  if (transfer.step.runtime.tryNumber === 1) return new Map();
  const { uploadId, key, location } = upload;
  const parts = await transfer.target.listParts({ bucket: location.bucket, key, uploadId });
  return new Map(parts.map(({ partNumber, etag }) => [partNumber, { partNumber, etag }]));
}

/** Several at once. After a failure none is in flight when the caller goes on. */
async function copyAll(
  transfer: Transfer,
  { key, etag }: CopyAction,
  { uploadId, location, key: targetKey, layout }: UploadRecord,
  known: ReadonlyMap<number, CompletedPart>,
): Promise<readonly CompletedPart[]> {
  const { target, spec } = transfer;
  const parts = Array.from({ length: layout.parts }, (_, index) => known.get(index + 1));
  let next = 1;
  let failed = false;
  const copyNext = async (): Promise<void> => {
    while (next <= layout.parts && !failed) {
      const { partNumber, offset, lengthBytes } = toPartRange(layout, next++);
      if (parts[partNumber - 1] !== undefined) continue;
      const request = {
        ...{ bucket: location.bucket, key: targetKey, uploadId, partNumber },
        source: { bucket: spec.source.bucket, key, ifMatch: etag },
        range: { first: offset, last: offset + lengthBytes - 1 },
      };
      try {
        const part = await retryTransient(transfer, () => target.copyPart?.(request) ?? Promise.reject(notOffered()));
        parts[partNumber - 1] = { partNumber, etag: part.etag };
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const lanes = Array.from({ length: Math.min(PARTS_IN_FLIGHT, layout.parts) }, copyNext);
  for (const lane of await Promise.allSettled(lanes)) if (lane.status === 'rejected') throw lane.reason;
  return parts.filter((part) => part !== undefined);
}

const notOffered = (): WaybillError => new WaybillError('not_implemented', 'the store copies no parts');

async function complete(
  transfer: Transfer,
  action: CopyAction,
  upload: UploadRecord,
  parts: readonly CompletedPart[],
  drop: () => Promise<null>,
): Promise<DeliveryRecord | null> {
  const { target, spec, targetFacts } = transfer;
  const { etag, sizeBytes } = action;
  const { key } = upload;
  const delivered = toDelivery(action, { key, targetEtag: etag, checksum: `etag:${etag}` });
  const ref = { bucket: upload.location.bucket, key, uploadId: upload.uploadId };
  try {
    const completed = await writeExpected(transfer, key, action.expected, (conditions) =>
      retryTransient(transfer, () => target.completeUpload({ ...ref, ...conditions }, parts)),
    );
    if (completed.etag === etag) return delivered;
    throw new WaybillError('checksum_mismatch', 'the target assembled other parts than were copied', {
      etag: completed.etag,
      expected: etag,
    });
  } catch (error) {
    if (!isWaybillError(error)) throw error;
    if (error.type !== 'precondition_failed' && error.type !== 'no_such_upload') {
      throw explainRefusal(error, spec.target.store, targetFacts.conditionalWrites);
    }
    // An earlier try of ours that did not live to say so, or somebody else's.
    const held = await headTarget(transfer, toTargetKey(spec, action.key));
    if (held?.etag === etag && held.sizeBytes === sizeBytes) {
      if (error.type === 'precondition_failed') await abortUpload(target, upload);
      return delivered;
    }
    await drop();
    if (error.type === 'no_such_upload') return null;
    throw new WaybillError('target_conflict', 'the target changed after the plan', { key }, { cause: error });
  }
}
