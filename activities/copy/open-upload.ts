/**
 * Opens the multipart upload of a large object, or goes on with the one that an earlier execution left. The intent is committed before
 * the store is asked and the upload id before part 1 is sent, so that no crash leaves an upload that nobody knows of:
 *
 * intent row → CreateMultipartUpload → row with the id → parts → Complete → row closed.
 *
 * An intent without an id means that a crash may have left uploads of this key: they are looked for and aborted.
 */
import { randomUUID } from 'node:crypto';
import { isWaybillError, WaybillError } from '../../core/failures.ts';
import type { PartLayout } from '../../core/part-layout.ts';
import { toTargetKey } from '../../core/pipeline.ts';
import type { PartRecord, UploadRecord } from '../../ledger/ledger.ts';
import type { ObjectInfo, PutRequest } from '../../stores/store.ts';
import type { CopyAction } from '../plan/action.ts';
import { toContentMd5 } from '../plan/content-md5.ts';
import { dropUpload, isIntent, toIntentId } from './abort-upload.ts';
import { toCarried, withMd5 } from './carry-over.ts';
import { chooseProof } from './choose-proof.ts';
import { PARTS_IN_FLIGHT } from './copy-parts.ts';
import { toSourceChanged } from './read-source.ts';
import { toSourcePartLayout } from './source-part-layout.ts';
import type { Transfer } from './transfer.ts';

export interface OpenedUpload {
  readonly upload: UploadRecord;
  /** Parts that are at the target already, a run from 1 without gaps. */
  readonly parts: readonly PartRecord[];
}

/**
 * @param layout of a new one; default: what the source's ETag tells, within the memory
 * @throws source_changed
 */
export async function openUpload(transfer: Transfer, action: CopyAction, layout?: PartLayout): Promise<OpenedUpload> {
  const { step, spec, source, target } = transfer;
  const { ledger } = step.deps;
  const targetKey = toTargetKey(spec, action.key);
  const known = step.fence.targetId === null ? null : await ledger.loadUpload(step.fence.targetId, targetKey);
  if (known !== null) {
    const parts = await resume(transfer, known, action);
    if (parts !== null) {
      // It may be a dead attempt's: from now on it is this one's to complete or to abort.
      await ledger.openUpload(step.fence, known);
      return { upload: known, parts };
    }
    await dropUpload(step, target, known);
  }

  const info: ObjectInfo = await source
    .head({ bucket: spec.source.bucket, key: action.key, ifMatch: action.etag, withChecksum: spec.proof === 'crc' })
    .catch((error: unknown) => {
      throw toSourceChanged(error);
    });
  if (info.sizeBytes !== action.sizeBytes)
    throw new WaybillError('source_changed', 'the object has another size than was listed');
  const carried = await toCarried(transfer, action.key, info).catch((error: unknown) => {
    throw toSourceChanged(error);
  });
  const cut =
    layout ?? toSourcePartLayout(action.etag, action.sizeBytes, step.deps.memory.totalBytes / PARTS_IN_FLIGHT);
  // Parts that the store copies by itself are proved by their ETags, and no byte of them is hashed here.
  const proof = layout === undefined ? chooseProof(transfer, { ...info, etag: action.etag }, cut) : undefined;
  const record: UploadRecord = {
    uploadId: toIntentId(randomUUID()),
    location: { store: spec.target.store, bucket: spec.target.bucket, prefix: spec.target.prefix },
    key: targetKey,
    sourceEtag: action.etag,
    layout: cut,
    ...(proof && { proof }),
  };
  await ledger.openUpload(step.fence, record);
  const md5 = toContentMd5({ ...info, etag: action.etag });
  const { bucket } = spec.target;
  const headers = withMd5(carried.headers, md5);
  const upload = await createUpload(transfer, record, { bucket, key: targetKey, ...carried, headers });
  await ledger.openUpload(step.fence, upload);
  return { upload, parts: [] };
}

/** With the checksum that is to prove it, where the store takes one. */
async function createUpload(transfer: Transfer, record: UploadRecord, request: PutRequest): Promise<UploadRecord> {
  const { target } = transfer;
  const { proof } = record;
  if (proof?.by !== 'crc') return { ...record, ...(await target.createUpload(request)) };
  try {
    const checksum = { algorithm: proof.algorithm, type: 'FULL_OBJECT' } as const;
    return { ...record, ...(await target.createUpload({ ...request, checksum })) };
  } catch (error) {
    if (!isWaybillError(error) || (error.type !== 'not_implemented' && error.type !== 'store_refused')) throw error;
    const { uploadId } = await target.createUpload(request);
    return { ...record, uploadId, proof: { ...proof, isTold: false } };
  }
}

/** The parts to go on from, or null when this upload cannot be gone on with. */
async function resume(
  transfer: Transfer,
  upload: UploadRecord,
  action: CopyAction,
): Promise<readonly PartRecord[] | null> {
  const { log } = transfer.step.runtime;
  if (isIntent(upload) || upload.sourceEtag !== action.etag || upload.layout.sizeBytes !== action.sizeBytes)
    return null;
  // Begun when the pipeline was content with less.
  if (upload.proof?.by === 'crc' && transfer.spec.proof !== 'crc') return null;
  const recorded = await transfer.step.deps.ledger.loadParts(upload.uploadId);
  const held = await listHeld(transfer, upload);
  // Gone with all of its parts recorded: it was completed by an execution that did not live to say so. The completion finds out.
  if (held === null) return recorded.length === upload.layout.parts ? recorded : null;
  const parts: PartRecord[] = [];
  for (const part of recorded) {
    if (part.partNumber !== parts.length + 1 || held.get(part.partNumber) !== part.etag) break;
    parts.push(part);
  }
  log.info({ key: upload.key, parts: parts.length, of: upload.layout.parts }, 'an upload is resumed');
  return parts;
}

/** ETags by part number, or null when the store knows no such upload. */
async function listHeld(transfer: Transfer, upload: UploadRecord): Promise<ReadonlyMap<number, string> | null> {
  const { uploadId, key, location } = upload;
  try {
    const parts = await transfer.target.listParts({ bucket: location.bucket, key, uploadId });
    return new Map(parts.map((part) => [part.partNumber, part.etag]));
  } catch (error) {
    if (isWaybillError(error) && error.type === 'no_such_upload') return null;
    throw error;
  }
}
