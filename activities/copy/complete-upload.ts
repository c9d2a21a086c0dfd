/**
 * Completes a multipart upload: what proves all bytes read (`choose-proof.ts`) is compared with the source's, the upload is completed
 * under the plan's condition, and the ETag that comes back is compared with the one that the parts must give, the CRC with the source's.
 * An upload that is gone was completed by an execution that did not live to say so, or aborted: what stands at the target tells.
 */
import { createHash } from 'node:crypto';
import type { CrcAlgorithm, ObjectChecksum } from '../../core/checksums.ts';
import { isWaybillError, WaybillError } from '../../core/failures.ts';
import { toPartRange } from '../../core/part-layout.ts';
import type { DeliveryRecord, PartRecord, UploadRecord } from '../../ledger/ledger.ts';
import type { CompletedPart } from '../../stores/store.ts';
import type { CopyAction } from '../plan/action.ts';
import { isMd5Hex, toContentMd5 } from '../plan/content-md5.ts';
import { abortUpload, dropUpload } from './abort-upload.ts';
import { parseCrcState } from './crc-state.ts';
import { holdsSameBytes } from './holds-same-bytes.ts';
import { hashPart } from './read-part.ts';
import { toSourceChanged } from './read-source.ts';
import { retryTransient } from './retry-transient.ts';
import { RunningMd5 } from './running-md5.ts';
import { toDelivery } from './to-delivery.ts';
import { hasMd5ETags, type Transfer } from './transfer.ts';
import { explainRefusal, headTarget, writeExpected } from './write-conditions.ts';

/** An upload whose parts have all been sent, and what is known of the bytes in them. */
interface Whole {
  readonly transfer: Transfer;
  readonly action: CopyAction;
  readonly upload: UploadRecord;
  readonly parts: readonly PartRecord[];
  /** The ETag that the parts give where ETags are hashes. */
  readonly composite: string;
  /** base64, of all bytes read; null where the source's CRC is not their proof. */
  readonly crc: { readonly algorithm: CrcAlgorithm; readonly value: string } | null;
  /** Hex, of all bytes read; null where something else proves them. */
  readonly md5: string | null;
  /** Hex: `md5`, or that which the source's ETag is, for bytes that its own CRC proves; null where neither is known. */
  readonly contentMd5: string | null;
}

/** @throws target_conflict, body_corrupt, checksum_mismatch, no_such_upload */
export async function completeUpload(
  transfer: Transfer,
  action: CopyAction,
  upload: UploadRecord,
  parts: readonly PartRecord[],
): Promise<DeliveryRecord> {
  const whole = await toWhole(transfer, action, upload, parts);
  await refuseOtherBytes(whole);
  const delivered = (targetEtag: string): DeliveryRecord =>
    toDelivery(action, { key: upload.key, targetEtag, checksum: printProof(whole) });
  try {
    return delivered(await assemble(whole));
  } catch (error) {
    if (!isWaybillError(error)) throw error;
    if (error.type !== 'precondition_failed' && error.type !== 'no_such_upload') {
      throw explainRefusal(error, transfer.spec.target.store, transfer.targetFacts.conditionalWrites);
    }
    const etag = await findETagOfSameBytes(whole);
    if (etag !== null) {
      // The bytes are there, by whatever upload; this one may still be open.
      if (error.type === 'precondition_failed') await abortUpload(transfer.target, upload);
      return delivered(etag);
    }
    await drop(whole);
    if (error.type === 'no_such_upload') throw error;
    throw new WaybillError(
      'target_conflict',
      'the target changed after the plan',
      { key: upload.key },
      { cause: error },
    );
  }
}

async function toWhole(
  transfer: Transfer,
  action: CopyAction,
  upload: UploadRecord,
  parts: readonly PartRecord[],
): Promise<Whole> {
  const last = parts.at(-1);
  if (last === undefined || parts.length !== upload.layout.parts) {
    throw new WaybillError('unclassified', 'a part is missing', { parts: parts.length, expected: upload.layout.parts });
  }
  const { proof } = upload;
  const md5 = proof === undefined ? (await RunningMd5.open(last)).digest() : null;
  return {
    transfer,
    action,
    upload,
    parts,
    composite: toCompositeETag(parts),
    crc: proof?.by === 'crc' ? { algorithm: proof.algorithm, value: parseCrcState(last).whole } : null,
    md5,
    contentMd5: md5 ?? (isMd5Hex(action.etag) ? action.etag : null),
  };
}

/** An upload of other bytes than the source's is aborted. @throws body_corrupt */
async function refuseOtherBytes(whole: Whole): Promise<void> {
  const { crc, md5 } = whole;
  const { proof } = whole.upload;
  if (crc !== null && proof?.by === 'crc' && crc.value !== proof.value) {
    await drop(whole);
    throw new WaybillError('body_corrupt', 'the bytes read do not have the CRC of the source', { ...crc });
  }
  const word = await compareWithSource(whole);
  if (word === 'same' || (word === 'doubtful' && (await isReadAgain(whole)))) return;
  await drop(whole);
  throw new WaybillError('body_corrupt', 'the bytes read are not those that the source tells of', {
    expected: whole.action.etag,
    found: md5 ?? whole.composite,
  });
}

/** As the delivery's `checksum` has it. */
function printProof({ crc, md5, composite }: Whole): string {
  if (crc !== null) return `${crc.algorithm.toLowerCase()}:${crc.value}`;
  return md5 === null ? `etag:${composite}` : `md5:${md5}`;
}

/**
 * The ETag of the object that the target made of the parts.
 * @throws precondition_failed, no_such_upload, checksum_mismatch; not_implemented and others as the store answers
 */
async function assemble(whole: Whole): Promise<string> {
  const { transfer, action, upload, parts, crc } = whole;
  const told = upload.proof?.by === 'crc' && upload.proof.isTold ? crc : null;
  const request = {
    bucket: upload.location.bucket,
    key: upload.key,
    uploadId: upload.uploadId,
    ...(told === null ? {} : { checksum: told }),
  };
  const named = told === null ? parts : parts.map((part) => nameWithCrc(part, told.algorithm));
  const { etag, checksum } = await writeExpected(transfer, upload.key, action.expected, (conditions) =>
    retryTransient(transfer, () => transfer.target.completeUpload({ ...request, ...conditions }, named)),
  );
  await checkAssembled(whole, etag, checksum);
  return etag;
}

/** What the target says of the object that it made. @throws checksum_mismatch */
async function checkAssembled(whole: Whole, etag: string, checksum: ObjectChecksum | undefined): Promise<void> {
  const { transfer, parts, composite, crc, contentMd5 } = whole;
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
  if (isAsSent || !hasMd5ETags(transfer) || !parts.every((part) => isMd5Hex(part.etag))) return;
  // Nobody hashed the whole: the next try does.
  if (isOfWhole && contentMd5 === null) await drop(whole);
  throw new WaybillError('checksum_mismatch', 'the target assembled other parts than were sent', {
    etag,
    expected: isOfWhole ? (contentMd5 ?? composite) : composite,
  });
}

/** Of what stands at the target, where that is what was to be put there; otherwise null. */
async function findETagOfSameBytes(whole: Whole): Promise<string | null> {
  const { transfer, action, upload, composite, crc, contentMd5 } = whole;
  const held = await headTarget(transfer, upload.key);
  if (held === null) return null;
  const wanted = { sizeBytes: action.sizeBytes, etag: composite, md5: contentMd5, crc };
  return (await holdsSameBytes(transfer, upload.key, held, wanted)) ? held.etag : null;
}

const drop = ({ transfer, upload }: Whole): Promise<void> => dropUpload(transfer.step, transfer.target, upload);

/**
 * What the source's ETag and metadata say of the bytes read. Doubtful: something speaks against them that may itself be wrong, as an MD5
 * in metadata that outlived its bytes, or our guess of where the source's parts were cut. 'same' also where the source keeps nothing to
 * compare with: then each part's own hash and the pinned ETag are what there is.
 */
async function compareWithSource(whole: Whole): Promise<'same' | 'other' | 'doubtful'> {
  const { transfer, action, upload, composite, md5 } = whole;
  if (upload.proof?.by === 'crc' || action.etag === composite || action.etag === md5) return 'same';
  if (upload.proof?.by === 'parts') return 'doubtful';
  const facts = transfer.step.deps.storeFacts(transfer.spec.source.store);
  if (facts.etags === 'opaque') return 'same';
  const { bucket } = transfer.spec.source;
  const info = await transfer.source.head({ bucket, key: action.key, ifMatch: action.etag }).catch((error: unknown) => {
    throw toSourceChanged(error);
  });
  if (info.etagIsContentHash && isMd5Hex(action.etag)) return 'other';
  const recorded = toContentMd5(info);
  return recorded === null || recorded === md5 ? 'same' : 'doubtful';
}

/** Whether a second reading of the source gives the bytes that were sent: then it is the source's word that is wrong. */
async function isReadAgain({ transfer, action, upload, parts, md5 }: Whole): Promise<boolean> {
  transfer.step.runtime.log.warn(
    { key: upload.key },
    'the source tells of other bytes than were read; it is read again',
  );
  const running = md5 === null ? null : await RunningMd5.open(undefined);
  for (const { partNumber, etag } of parts) {
    const wanted = { sha256: false, md5: running === null, crc: null };
    const { digests } = await hashPart(transfer, action, toPartRange(upload.layout, partNumber), wanted, running);
    // Where nobody hashed the whole, the ETags that the target gave the parts are MD5s.
    if (running === null && digests.md5 !== etag) return false;
    running?.save();
  }
  return running === null || running.digest() === md5;
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
