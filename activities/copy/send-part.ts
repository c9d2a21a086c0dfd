/**
 * Sends one part and holds the target to what it answers. The target proves that it got the bytes by the checksum that it was told and
 * answers with, or by an ETag that is their MD5; where it does neither, the hash in the request's signature is what it checked. So a
 * part goes without that hash only if the pipeline's owner allows it and the target has shown that it answers; an answer that proves
 * nothing after all has the part sent once more, signed. (docs/decisions/proof-of-bytes.md)
 */
import { hash } from 'node:crypto';
import { WaybillError } from '../../core/failures.ts';
import type { UploadProof, UploadRecord } from '../../ledger/ledger.ts';
import type { Body } from '../../stores/store.ts';
import type { CopyAction } from '../plan/action.ts';
import { isMd5Hex } from '../plan/content-md5.ts';
import { orSigned } from './or-signed.ts';
import type { WantedHashes } from './read-hashes.ts';
import { streamPart, type ReadPart } from './read-part.ts';
import { retryTransient } from './retry-transient.ts';
import { hasMd5ETags, type Transfer } from './transfer.ts';

/** Which hashes of a part are needed, and whether it may go without its SHA-256. */
export interface PartPlan {
  readonly wanted: WantedHashes;
  readonly isUnsigned: boolean;
}

/** @param fits it is read into memory: else it cannot be sent once more, and is signed */
export function planPart(transfer: Transfer, proof: UploadProof | undefined, fits: boolean): PartPlan {
  const { shown, targetFacts } = transfer;
  const crc = proof?.by === 'crc' ? proof : null;
  const isAnswered = crc?.isTold === true && shown.checksum !== false;
  const isShown = isAnswered ? shown.checksum === true : hasMd5ETags(transfer) && shown.md5;
  const isUnsigned = targetFacts.unsignedPayload === true && fits && isShown && !shown.refusesUnsigned;
  const wanted = { sha256: !isUnsigned, md5: !isAnswered || !fits, crc: crc?.algorithm ?? null };
  return { wanted, isUnsigned };
}

/** @returns the part's ETag. @throws checksum_mismatch, body_corrupt, no_such_upload */
export function sendPart(
  transfer: Transfer,
  action: CopyAction,
  upload: UploadRecord,
  part: ReadPart,
  isUnsigned: boolean,
): Promise<string> {
  const { partNumber, lengthBytes } = part.range;
  const { sha256, md5, crc } = part.digests;
  const ref = { bucket: upload.location.bucket, key: upload.key, uploadId: upload.uploadId };
  const algorithm = upload.proof?.by === 'crc' && upload.proof.isTold ? upload.proof.algorithm : null;
  const checksum = algorithm !== null && crc !== undefined ? { algorithm, value: crc } : null;
  const toBody = (unsigned: boolean): Body => ({
    sizeBytes: lengthBytes,
    ...(sha256 !== undefined && !unsigned && { sha256 }),
    ...(unsigned && { isUnsigned: true }),
    ...(checksum !== null
      ? { promised: { checksum }, checksum: () => ({ ...checksum, type: 'FULL_OBJECT' as const }) }
      : unsigned && md5 !== undefined && { promised: { md5 } }),
    content: part.bytes ?? (() => streamPart(transfer, action, part.range)),
  });
  const send = async (unsigned: boolean): Promise<string> => {
    const answer = await transfer.target.uploadPart(ref, partNumber, toBody(unsigned));
    if (checksum !== null) {
      transfer.shown.checksum = answer.checksum?.algorithm === checksum.algorithm;
      if (transfer.shown.checksum) {
        if (answer.checksum?.value === checksum.value) return answer.etag;
        throw toMismatch(partNumber, { sent: checksum.value, stored: answer.checksum?.value ?? '' });
      }
    }
    if (hasMd5ETags(transfer) && isMd5Hex(answer.etag)) {
      const sent = md5 ?? (part.bytes === null ? null : hash('md5', part.bytes, 'hex'));
      if (sent !== null && sent !== answer.etag) throw toMismatch(partNumber, { sent, stored: answer.etag });
      transfer.shown.md5 = true;
      return answer.etag;
    }
    transfer.shown.md5 = false;
    return unsigned ? send(false) : answer.etag;
  };
  return retryTransient(transfer, () => orSigned(transfer, isUnsigned, send));
}

const toMismatch = (partNumber: number, details: { sent: string; stored: string }): WaybillError =>
  new WaybillError('checksum_mismatch', 'the target stored other bytes than were sent', { partNumber, ...details });
