/**
 * Copies a small object: read whole, and put. Each hop is proved once (docs/decisions/proof-of-bytes.md):
 *
 * - Where the ETags of both sides are MD5s, the source's is told to the target (Content-MD5), which refuses other bytes and answers with
 *   the MD5 of those that it got: they are the source's when it is the source's, whatever lies between. Nothing is hashed here for it.
 * - Else, with `proof: crc`, the CRC that the source tells is compared with the bytes read, told to the target, and with its answer.
 * - Else the MD5 of the bytes read is compared with the ETag of either side, where that is one.
 *
 * The request is signed with the SHA-256 of the bytes; without it only by the owner's option and where the target has shown that it
 * answers with what proves them.
 */
import { hash } from 'node:crypto';
import { isWaybillError, WaybillError } from '../../core/failures.ts';
import type { Sha256Hex } from '../../core/ids.ts';
import { KiB } from '../../core/limits.ts';
import { toTargetKey } from '../../core/pipeline.ts';
import type { DeliveryRecord } from '../../ledger/ledger.ts';
import { computeChecksum } from '../../stores/rules/checksum-hash.ts';
import type { Body, ObjectInfo, PartChecksum, PutResult } from '../../stores/store.ts';
import type { CopyAction } from '../plan/action.ts';
import { isMd5Hex } from '../plan/content-md5.ts';
import { toCarried, withMd5 } from './carry-over.ts';
import { toCrc } from './choose-proof.ts';
import { holdsSameBytes } from './holds-same-bytes.ts';
import { orSigned } from './or-signed.ts';
import { openSource, readWhole, toSourceChanged } from './read-source.ts';
import { toDelivery } from './to-delivery.ts';
import { hasMd5ETags, type Transfer } from './transfer.ts';
import { explainRefusal, headTarget, writeExpected } from './write-conditions.ts';

/** A smaller body is hashed at once: that costs less than one more header. */
export const TOLD_BYTES_MIN = 32 * KiB;

/** @throws source_changed, target_conflict, checksum_mismatch, body_corrupt, and whatever the stores answer */
export async function copyWhole(
  transfer: Transfer,
  action: CopyAction,
  memory: Uint8Array | null,
): Promise<DeliveryRecord> {
  const { key, sizeBytes } = action;
  const targetKey = toTargetKey(transfer.spec, key);
  const mayAskCrc = transfer.spec.proof === 'crc' && !(isMd5Hex(action.etag) && hasMd5ETags(transfer));
  const got = await openSource(transfer, action, {
    ...(memory !== null && { into: { memory } }),
    ...(mayAskCrc && { withChecksum: true }),
  });
  const bytes = await readWhole(got);
  const read = await proveRead(transfer, action, got.info, bytes);
  const carried = await toCarried(transfer, key, got.info).catch((error: unknown) => {
    throw toSourceChanged(error);
  });
  const delivered = (targetEtag: string): DeliveryRecord =>
    toDelivery(action, { key: targetKey, targetEtag, checksum: read.proved });

  // Where an ETag cannot say what the bytes are, the metadata does, for whoever has lost the ledger and adopts what stands there.
  const headers = hasMd5ETags(transfer) ? carried.headers : withMd5(carried.headers, read.md5);
  const { bucket } = transfer.spec.target;
  const mayBeUnsigned = isProvable(transfer, bytes, read);
  const spoiled = transfer.spoiled.get(targetKey);
  const expected = spoiled === undefined ? action.expected : { etag: spoiled };
  try {
    let isUnsigned = false;
    const answer = await writeExpected(transfer, targetKey, expected, (conditions) =>
      orSigned(transfer, mayBeUnsigned, (unsigned) => {
        isUnsigned = unsigned;
        const request = { bucket, key: targetKey, ...carried, headers, ...conditions };
        return transfer.target.put(request, toBody(bytes, read, unsigned));
      }),
    );
    await judge(transfer, targetKey, bytes, { read, isUnsigned, answer });
    // The same text, but that of the answer is a view of all its head, a thousand of which would lie there until the batch is committed.
    return delivered(answer.etag === read.md5 ? read.md5 : answer.etag);
  } catch (error) {
    if (isWaybillError(error) && error.type === 'body_corrupt')
      throw read.isTold ? explainCorrupt(read, bytes, error) : error;
    if (!isWaybillError(error) || error.type !== 'precondition_failed') {
      throw explainRefusal(error, transfer.spec.target.store, transfer.targetFacts.conditionalWrites);
    }
    // Either an earlier try of ours put it there and did not live to say so, or it is somebody else's.
    const held = await headTarget(transfer, targetKey);
    const md5 = hash('md5', bytes, 'hex');
    if (read.isTold && md5 !== read.md5) throw toCorrupt(md5, read.md5);
    if (held !== null && held.etag === transfer.mismatched.get(targetKey)) throw toMismatch(md5, held.etag);
    const wanted = { sizeBytes, etag: md5, md5, crc: null };
    if (held !== null && (await holdsSameBytes(transfer, targetKey, held, wanted))) return delivered(held.etag);
    throw new WaybillError(
      'target_conflict',
      'the target changed after the plan',
      { key: targetKey },
      { cause: error },
    );
  }
}

/** What is known of the bytes before they are sent. */
interface Read {
  /** Hex; null where nobody needs it. The source's word for it where `isTold`, or beside a CRC. */
  readonly md5: string | null;
  /** The target is to compare the bytes with the source's MD5. */
  readonly isTold: boolean;
  /** That of the source, which the bytes have. */
  readonly crc: PartChecksum | null;
  /** As the delivery keeps it. */
  readonly proved: string;
}

/** @throws body_corrupt */
async function proveRead(transfer: Transfer, { etag }: CopyAction, info: ObjectInfo, bytes: Uint8Array): Promise<Read> {
  const sourceMd5 = info.etagIsContentHash && isMd5Hex(etag) ? etag : null;
  const areMd5s = sourceMd5 !== null && hasMd5ETags(transfer);
  if (areMd5s && bytes.byteLength >= TOLD_BYTES_MIN) {
    return { md5: sourceMd5, isTold: true, crc: null, proved: `md5:${sourceMd5}` };
  }
  const crc = areMd5s ? null : toCrc(transfer, info);
  if (crc === null) {
    const md5 = hash('md5', bytes, 'hex');
    if (sourceMd5 !== null && md5 !== sourceMd5) throw toCorrupt(md5, sourceMd5);
    return { md5, isTold: false, crc, proved: `md5:${md5}` };
  }
  const value = Buffer.from(await computeChecksum(crc.algorithm, bytes)).toString('base64');
  if (value !== crc.value) {
    throw new WaybillError('body_corrupt', 'the bytes read do not have the CRC of the source', {
      found: value,
      expected: crc.value,
    });
  }
  const md5 = sourceMd5 ?? (hasMd5ETags(transfer) ? null : hash('md5', bytes, 'hex'));
  return { md5, isTold: false, crc, proved: `${crc.algorithm.toLowerCase()}:${crc.value}` };
}

/** Whether the target has shown that its answer will prove the bytes, so that they may go unsigned. */
function isProvable({ shown, targetFacts }: Transfer, bytes: Uint8Array, { isTold, crc }: Read): boolean {
  const isShown = isTold ? shown.md5 : crc !== null && shown.checksum === true;
  return targetFacts.unsignedPayload === true && isShown && bytes.byteLength >= TOLD_BYTES_MIN;
}

function toBody(bytes: Uint8Array, { md5, isTold, crc }: Read, isUnsigned: boolean): Body {
  return {
    sizeBytes: bytes.byteLength,
    ...(isUnsigned ? { isUnsigned } : { sha256: hash('sha256', bytes, 'hex') as Sha256Hex }),
    ...(isTold && md5 !== null && { promised: { md5 } }),
    ...(crc !== null && { promised: { checksum: crc }, checksum: () => ({ ...crc, type: 'FULL_OBJECT' as const }) }),
    content: bytes,
  };
}

/**
 * Whether the target has what was read, by its own word.
 * @throws checksum_mismatch; body_corrupt where the bytes were not the source's and the target took them all the same
 */
async function judge(
  transfer: Transfer,
  targetKey: string,
  bytes: Uint8Array,
  { read, isUnsigned, answer }: { readonly read: Read; readonly isUnsigned: boolean; readonly answer: PutResult },
): Promise<void> {
  const { shown } = transfer;
  const { etag, checksum } = answer;
  if (read.isTold) {
    shown.md5 = etag === read.md5;
    if (shown.md5) return;
  } else if (read.crc !== null) {
    shown.checksum = checksum?.algorithm === read.crc.algorithm;
    if (shown.checksum) {
      if (checksum?.value === read.crc.value) return;
      transfer.mismatched.set(targetKey, etag);
      throw toMismatch(read.crc.value, checksum?.value ?? '');
    }
  }
  const sent = read.isTold || read.md5 === null || read.crc !== null ? hash('md5', bytes, 'hex') : read.md5;
  if (etag === sent && !(read.isTold && sent !== read.md5)) return;
  if (read.isTold && sent !== read.md5) {
    // It is ours, and to be written over.
    transfer.spoiled.set(targetKey, etag);
    throw toCorrupt(sent, read.md5);
  }
  if (await isContentHash(transfer, targetKey, etag)) {
    transfer.mismatched.set(targetKey, etag);
    throw toMismatch(sent, etag);
  }
  if (!isUnsigned) return;
  // Nothing proves it: the next try is signed, for the target has shown that its answers prove nothing.
  transfer.spoiled.set(targetKey, etag);
  throw new WaybillError('body_corrupt', 'the answer of the target does not prove what it got', { key: targetKey });
}

/** Of a refusal: whose bytes they were that did not have the MD5. */
function explainCorrupt({ md5 }: Read, bytes: Uint8Array, error: WaybillError): WaybillError {
  const sent = hash('md5', bytes, 'hex');
  return sent === md5 ? error : toCorrupt(sent, md5, error);
}

const toCorrupt = (md5: string, etag: string | null, cause?: unknown): WaybillError =>
  new WaybillError(
    'body_corrupt',
    'the bytes read do not have the MD5 that the ETag names',
    { md5, etag: etag ?? '' },
    cause === undefined ? {} : { cause },
  );

const toMismatch = (sent: string, stored: string): WaybillError =>
  new WaybillError('checksum_mismatch', 'the target stored other bytes than were sent', { sent, stored });

/** An ETag that is not the MD5 of what was sent proves a fault only where the store's ETags are MD5s at all. */
async function isContentHash(transfer: Transfer, targetKey: string, etag: string): Promise<boolean> {
  if (!hasMd5ETags(transfer) || !isMd5Hex(etag)) return false;
  const held = await headTarget(transfer, targetKey);
  return held === null || held.etagIsContentHash;
}
