/**
 * Copies a small object: read whole, hashed, and put as one signed payload whose hash the gateway and the store check. Source: the MD5
 * is compared with the ETag where that is one. Target: the ETag that the store answers with is compared with the MD5 of what was sent.
 */
import { createHash } from 'node:crypto';
import { isWaybillError, WaybillError } from '../../core/failures.ts';
import type { Sha256Hex } from '../../core/ids.ts';
import { toTargetKey } from '../../core/pipeline.ts';
import type { DeliveryRecord } from '../../ledger/ledger.ts';
import type { CopyAction } from '../plan/action.ts';
import { isMd5Hex } from '../plan/content-md5.ts';
import { toPutRequest, withMd5 } from './carry-over.ts';
import { holdsSameBytes } from './holds-same-bytes.ts';
import { openSource, readWhole, toSourceChanged } from './read-source.ts';
import { hasMd5ETags, type Transfer } from './transfer.ts';
import { explainRefusal, headTarget, writeExpected } from './write-conditions.ts';

/** @throws source_changed, target_conflict, checksum_mismatch, body_corrupt, and whatever the stores answer */
export async function copyWhole(
  transfer: Transfer,
  action: CopyAction,
  memory: Uint8Array | null,
): Promise<DeliveryRecord> {
  const { key, sizeBytes } = action;
  const targetKey = toTargetKey(transfer.spec, key);
  const got = await openSource(transfer, action, memory === null ? {} : { into: memory });
  const bytes = await readWhole(got);
  const md5 = createHash('md5').update(bytes).digest('hex');
  if (got.info.etagIsContentHash && isMd5Hex(action.etag) && md5 !== action.etag) {
    throw new WaybillError('body_corrupt', 'the bytes read do not have the MD5 that the ETag names', {
      md5,
      etag: action.etag,
    });
  }
  const request = await toPutRequest(transfer, key, targetKey, got.info).catch((error: unknown) => {
    throw toSourceChanged(error);
  });
  const sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256Hex;
  const delivered = (targetEtag: string): DeliveryRecord => ({
    key: targetKey,
    sourceEtag: action.etag,
    sourceVersion: null,
    sizeBytes,
    targetEtag,
    checksum: `md5:${md5}`,
  });

  // Where an ETag cannot say what the bytes are, the metadata does: a write that nobody lived to record is known again by it.
  const put = hasMd5ETags(transfer) ? request : { ...request, headers: withMd5(request.headers, md5) };
  try {
    const { etag } = await writeExpected(transfer, targetKey, action.expected, (conditions) =>
      transfer.target.put({ ...put, ...conditions }, { sizeBytes, sha256, content: bytes }),
    );
    if (etag === md5 || !(await isContentHash(transfer, targetKey, etag))) return delivered(etag);
    transfer.mismatched.set(targetKey, etag);
    throw toMismatch(md5, etag);
  } catch (error) {
    if (!isWaybillError(error) || error.type !== 'precondition_failed') {
      throw explainRefusal(error, transfer.spec.target.store, transfer.targetFacts.conditionalWrites);
    }
    // Either an earlier try of ours put it there and did not live to say so, or it is somebody else's.
    const held = await headTarget(transfer, targetKey);
    if (held !== null && held.etag === transfer.mismatched.get(targetKey)) throw toMismatch(md5, held.etag);
    const wanted = { sizeBytes, etag: md5, md5 };
    if (held !== null && (await holdsSameBytes(transfer, targetKey, held, wanted))) return delivered(held.etag);
    throw new WaybillError(
      'target_conflict',
      'the target changed after the plan',
      { key: targetKey },
      { cause: error },
    );
  }
}

const toMismatch = (md5: string, etag: string): WaybillError =>
  new WaybillError('checksum_mismatch', 'the target stored other bytes than were sent', { md5, etag });

/** An ETag that is not the MD5 of what was sent proves a fault only where the store's ETags are MD5s at all. */
async function isContentHash(transfer: Transfer, targetKey: string, etag: string): Promise<boolean> {
  if (!hasMd5ETags(transfer) || !isMd5Hex(etag)) return false;
  const held = await headTarget(transfer, targetKey);
  return held === null || held.etagIsContentHash;
}
