/**
 * Uploads a marker in parts. The upload is on record before it is made, like that of a large object, so that one that a crash left open
 * is aborted: by the next try, or by the sweeper. It is not resumed, for a manifest streams by in seconds. Nothing is completed before
 * all of the bytes were found to have the manifest's hash.
 */
import { createHash, randomUUID } from 'node:crypto';
import { WaybillError } from '../core/failures.ts';
import type { Sha256Hex } from '../core/ids.ts';
import type { PartLayout } from '../core/part-layout.ts';
import type { Location } from '../core/pipeline.ts';
import type { UploadRecord } from '../ledger/ledger.ts';
import type { PutRequest, UploadRef } from '../stores/store.ts';
import { abortUpload, toIntentId } from './copy/abort-upload.ts';
import type { Step } from './run-step.ts';

export interface MarkerContent {
  readonly layout: PartLayout;
  readonly sha256: Sha256Hex;
  readonly content: () => AsyncIterable<Uint8Array>;
}

/** @throws precondition_failed as the request's conditions say; body_corrupt when the bytes have another hash */
export async function uploadMarker(
  step: Step,
  location: Location,
  request: PutRequest,
  marker: MarkerContent,
): Promise<void> {
  const { ledger, memory } = step.deps;
  const { store, bucket, prefix } = location;
  const target = step.open(store);
  const { targetId } = step.fence;
  const left = targetId === null ? null : await ledger.loadUpload(targetId, request.key);
  if (left !== null) await abortUpload(target, left);
  const intent: UploadRecord = {
    uploadId: toIntentId(randomUUID()),
    location: { store, bucket, prefix },
    key: request.key,
    sourceEtag: marker.sha256,
    layout: marker.layout,
  };
  await ledger.openUpload(step.fence, intent);
  const { uploadId } = await target.createUpload(request);
  const upload = { ...intent, uploadId };
  await ledger.openUpload(step.fence, upload);
  const ref = { bucket, key: request.key, uploadId };
  try {
    const parts = await memory.use(marker.layout.partSizeBytes, () => sendParts(step, store, ref, marker));
    await target.completeUpload({ ...ref, ...(request.ifNoneMatch === undefined ? {} : { ifNoneMatch: '*' }) }, parts);
  } catch (error) {
    // What cannot be aborted now stays on record.
    await abortUpload(target, upload).then(
      () => ledger.closeUpload(step.fence, uploadId),
      () => undefined,
    );
    throw error;
  }
  await ledger.closeUpload(step.fence, uploadId);
}

async function sendParts(
  step: Step,
  store: string,
  ref: UploadRef,
  { layout, sha256, content }: MarkerContent,
): Promise<{ partNumber: number; etag: string }[]> {
  const target = step.open(store);
  const parts: { partNumber: number; etag: string }[] = [];
  const whole = createHash('sha256');
  const buffer = Buffer.allocUnsafeSlow(layout.partSizeBytes);
  let filled = 0;
  const send = async (): Promise<void> => {
    const bytes = buffer.subarray(0, filled);
    const partNumber = parts.length + 1;
    const hash = createHash('sha256').update(bytes).digest('hex') as Sha256Hex;
    const body = { sizeBytes: filled, sha256: hash, content: bytes };
    const { etag } = await target.uploadPart(ref, partNumber, body);
    parts.push({ partNumber, etag });
    filled = 0;
  };
  for await (const piece of content()) {
    whole.update(piece);
    for (let offset = 0; offset < piece.length;) {
      const taken = Math.min(piece.length - offset, buffer.length - filled);
      buffer.set(piece.subarray(offset, offset + taken), filled);
      filled += taken;
      offset += taken;
      if (filled === buffer.length) await send();
    }
  }
  if (filled > 0) await send();
  if (whole.digest('hex') === sha256) return parts;
  throw new WaybillError('body_corrupt', 'the chunks of the manifest do not have its hash', { parts: parts.length });
}
