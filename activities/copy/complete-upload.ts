/**
 * Completes a multipart upload: what proves all bytes read (`choose-proof.ts`) is compared with the source's, the upload is completed
 * under the plan's condition, and the ETag that comes back is compared with the one that the parts must give, the CRC with the source's.
 * An upload that is gone was completed by an execution that did not live to say so, or aborted: what stands at the target tells.
 */
import { createHash } from 'node:crypto';
import type { CrcAlgorithm } from '../../core/checksums.ts';
import { isWaybillError, WaybillError } from '../../core/failures.ts';
import type { DeliveryRecord, PartRecord, UploadRecord } from '../../ledger/ledger.ts';
import type { CompletedPart } from '../../stores/store.ts';
import type { CopyAction } from '../plan/action.ts';
import { isMd5Hex, toContentMd5 } from '../plan/content-md5.ts';
import { abortUpload } from './abort-upload.ts';
import { parseCrcState } from './crc-state.ts';
import { holdsSameBytes } from './holds-same-bytes.ts';
import { toSourceChanged } from './read-source.ts';
import { retryTransient } from './retry-transient.ts';
import { RunningMd5 } from './running-md5.ts';
import { toDelivery } from './to-delivery.ts';
import { hasMd5ETags, type Transfer } from './transfer.ts';
import { explainRefusal, headTarget, writeExpected } from './write-conditions.ts';

/** @throws target_conflict, body_corrupt, checksum_mismatch, no_such_upload */
export async function completeUpload(
  transfer: Transfer,
  action: CopyAction,
  upload: UploadRecord,
  parts: readonly PartRecord[],
): Promise<DeliveryRecord> {
  const { step, target } = transfer;
  const last = parts.at(-1);
  if (last === undefined || parts.length !== upload.layout.parts) {
    throw new WaybillError('unclassified', 'a part is missing', { parts: parts.length, expected: upload.layout.parts });
  }
  const { proof } = upload;
  const composite = toCompositeETag(parts);
  const crc = proof?.by === 'crc' ? { algorithm: proof.algorithm, value: parseCrcState(last).whole } : null;
  const ourMd5 = proof === undefined ? (await RunningMd5.open(last)).digest() : null;
  const drop = async (): Promise<void> => {
    await abortUpload(target, upload);
    await step.deps.ledger.closeUpload(step.fence, upload.uploadId);
  };
  if (crc !== null && proof?.by === 'crc' && crc.value !== proof.value) {
    await drop();
    throw new WaybillError('body_corrupt', 'the bytes read do not have the CRC of the source', { ...crc });
  }
  if (ourMd5 !== null && !(await matchesSource(transfer, action, ourMd5, composite))) {
    await drop();
    throw new WaybillError('body_corrupt', 'the bytes read do not have the MD5 of the source', { md5: ourMd5 });
  }
  // Bytes that the source's own CRC proves are those that its ETag is the MD5 of.
  const contentMd5 = ourMd5 ?? (isMd5Hex(action.etag) ? action.etag : null);
  const proved =
    crc !== null
      ? `${crc.algorithm.toLowerCase()}:${crc.value}`
      : ourMd5 === null
        ? `etag:${composite}`
        : `md5:${ourMd5}`;

  const delivered = (targetEtag: string): DeliveryRecord =>
    toDelivery(action, { key: upload.key, targetEtag, checksum: proved });
  const ref = { bucket: upload.location.bucket, key: upload.key, uploadId: upload.uploadId };
  try {
    const isTold = proof?.by === 'crc' && proof.isTold;
    const told = crc !== null && isTold ? { checksum: crc } : {};
    const named = crc !== null && isTold ? parts.map((part) => nameWithCrc(part, crc.algorithm)) : parts;
    const { etag, checksum } = await writeExpected(transfer, upload.key, action.expected, (conditions) =>
      retryTransient(transfer, () => target.completeUpload({ ...ref, ...conditions, ...told }, named)),
    );
    const isAnswered = crc !== null && checksum?.type === 'FULL_OBJECT' && checksum.algorithm === crc.algorithm;
    if (isAnswered && checksum.value !== crc.value) {
      throw new WaybillError('checksum_mismatch', 'the target assembled other bytes than were sent', {
        stored: checksum.value,
        expected: crc.value,
      });
    }
    // An ETag without a count of parts is no word about them, but the MD5 of the whole.
    const isOfWhole = isMd5Hex(etag);
    if (isOfWhole) transfer.shown.composes = false;
    const isAsSent = isOfWhole ? isAnswered || etag === contentMd5 : etag === composite;
    if (!isAsSent && hasMd5ETags(transfer) && parts.every((part) => isMd5Hex(part.etag))) {
      // Nobody hashed the whole: the next try does.
      if (isOfWhole && contentMd5 === null) await drop();
      throw new WaybillError('checksum_mismatch', 'the target assembled other parts than were sent', {
        etag,
        expected: isOfWhole ? (contentMd5 ?? composite) : composite,
      });
    }
    return delivered(etag);
  } catch (error) {
    if (!isWaybillError(error)) throw error;
    if (error.type !== 'precondition_failed' && error.type !== 'no_such_upload') {
      throw explainRefusal(error, transfer.spec.target.store, transfer.targetFacts.conditionalWrites);
    }
    const held = await headTarget(transfer, upload.key);
    const wanted = { sizeBytes: action.sizeBytes, etag: composite, md5: contentMd5, crc };
    if (held !== null && (await holdsSameBytes(transfer, upload.key, held, wanted))) {
      // The bytes are there, by whatever upload; this one may still be open.
      if (error.type === 'precondition_failed') await abortUpload(target, upload);
      return delivered(held.etag);
    }
    await drop();
    if (error.type === 'no_such_upload') throw error;
    throw new WaybillError(
      'target_conflict',
      'the target changed after the plan',
      { key: upload.key },
      { cause: error },
    );
  }
}

/** True also where the source keeps nothing to compare with: then each part's own hash and the pinned ETag are what there is. */
async function matchesSource(
  transfer: Transfer,
  action: CopyAction,
  contentMd5: string,
  composite: string,
): Promise<boolean> {
  const facts = transfer.step.deps.storeFacts(transfer.spec.source.store);
  if (action.etag === composite || action.etag === contentMd5) return true;
  if (facts.etags === 'opaque' || !isMd5Hex(action.etag)) return true;
  const { bucket } = transfer.spec.source;
  const info = await transfer.source.head({ bucket, key: action.key, ifMatch: action.etag }).catch((error: unknown) => {
    throw toSourceChanged(error);
  });
  const sourceMd5 = toContentMd5(info);
  return sourceMd5 === null || sourceMd5 === contentMd5;
}

const nameWithCrc = (part: PartRecord, algorithm: CrcAlgorithm): CompletedPart => ({
  partNumber: part.partNumber,
  etag: part.etag,
  checksum: { algorithm, value: parseCrcState(part).part },
});

/** S3's: the MD5 of the parts' MD5s, and how many there are. */
export function toCompositeETag(parts: readonly { readonly etag: string }[]): string {
  const hash = createHash('md5');
  for (const part of parts) hash.update(Buffer.from(part.etag, 'hex'));
  return `${hash.digest('hex')}-${parts.length}`;
}
