/**
 * Writes the manifest to `manifests/<hash>.json` under the target's prefix, last, and only when nothing is there. The payload's hash
 * is the manifest's hash, so the signed request proves that what is stored is what was planned. Beyond a single PUT's limit it goes
 * by multipart.
 */
import { createHash } from 'node:crypto';
import { isWaybillError, WaybillError } from '../core/failures.ts';
import type { Sha256Hex } from '../core/ids.ts';
import { SINGLE_PUT_BYTES_MAX } from '../core/limits.ts';
import { toPartLayout, toPartRange } from '../core/part-layout.ts';
import { markerKey, type PipelineSpec } from '../core/pipeline.ts';
import type { ManifestRecord } from '../ledger/ledger.ts';
import { unpackBody } from '../manifest/pack-body.ts';
import { printManifest } from '../manifest/print-manifest.ts';
import type { Store, WriteConditions } from '../stores/store.ts';
import { explainRefusal } from './copy/write-conditions.ts';
import type { Step } from './run-step.ts';

const HEADERS = { contentType: 'application/json', metadata: {} } as const;

/** Returns the marker's key. @throws marker_conflict when other bytes stand there */
export async function writeMarker(
  step: Step,
  spec: PipelineSpec,
  manifest: ManifestRecord,
  singlePutBytesMax: number = SINGLE_PUT_BYTES_MAX,
): Promise<string> {
  const target = step.open(spec.target.store);
  const { bucket } = spec.target;
  const key = markerKey(spec.target, manifest.hash);
  const { conditionalWrites } = step.deps.storeFacts(spec.target.store);
  const content = (): AsyncIterable<Uint8Array> => printManifest(manifest.runId, readBodies(step, manifest.listingId));
  if (!conditionalWrites && (await isPresent(target, bucket, key))) {
    await compare(target, bucket, key, manifest);
    return key;
  }
  const conditions: WriteConditions = conditionalWrites ? { ifNoneMatch: '*' } : {};
  const request = { bucket, key, headers: HEADERS, encryption: spec.target.encryption, ...conditions };
  try {
    if (manifest.manifestBytes <= singlePutBytesMax) {
      await target.put(request, { sizeBytes: manifest.manifestBytes, sha256: manifest.hash, content });
    } else {
      await putInParts(target, request, manifest, content);
    }
  } catch (error) {
    if (!isWaybillError(error) || error.type !== 'precondition_failed') {
      throw explainRefusal(error, spec.target.store, conditionalWrites);
    }
    await compare(target, bucket, key, manifest);
  }
  return key;
}

async function* readBodies(step: Step, listingId: string): AsyncGenerator<Uint8Array> {
  for await (const chunk of step.deps.ledger.readChunks(listingId)) yield unpackBody(chunk.body);
}

async function isPresent(target: Store, bucket: string, key: string): Promise<boolean> {
  try {
    await target.head({ bucket, key });
    return true;
  } catch (error) {
    if (isWaybillError(error) && error.type === 'no_such_key') return false;
    throw error;
  }
}

/** What stands there is success only when its size and its SHA-256 are the manifest's. */
async function compare(target: Store, bucket: string, key: string, manifest: ManifestRecord): Promise<void> {
  const held = await target.get({ bucket, key });
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const piece of held.body) {
    hash.update(piece);
    sizeBytes += piece.length;
  }
  if (sizeBytes === manifest.manifestBytes && hash.digest('hex') === manifest.hash) return;
  throw new WaybillError('marker_conflict', 'a marker of this name with other bytes stands at the target', {
    bucket,
    key,
    expectedBytes: manifest.manifestBytes,
    foundBytes: sizeBytes,
  });
}

/** An upload that fails is aborted: markers are not resumed, for the manifest streams by in seconds. */
async function putInParts(
  target: Store,
  request: Parameters<Store['createUpload']>[0],
  manifest: ManifestRecord,
  content: () => AsyncIterable<Uint8Array>,
): Promise<void> {
  const { bucket, key } = request;
  const { uploadId } = await target.createUpload(request);
  const upload = { bucket, key, uploadId };
  try {
    const layout = toPartLayout(manifest.manifestBytes);
    const parts: { partNumber: number; etag: string }[] = [];
    const buffer = Buffer.allocUnsafeSlow(layout.partSizeBytes);
    let filled = 0;
    const send = async (): Promise<void> => {
      const { partNumber, lengthBytes } = toPartRange(layout, parts.length + 1);
      const bytes = buffer.subarray(0, lengthBytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256Hex;
      const { etag } = await target.uploadPart(upload, partNumber, { sizeBytes: lengthBytes, sha256, content: bytes });
      parts.push({ partNumber, etag });
      filled = 0;
    };
    for await (const piece of content()) {
      for (let offset = 0; offset < piece.length;) {
        const taken = Math.min(piece.length - offset, buffer.length - filled);
        buffer.set(piece.subarray(offset, offset + taken), filled);
        filled += taken;
        offset += taken;
        if (filled === buffer.length) await send();
      }
    }
    if (filled > 0) await send();
    await target.completeUpload(
      { ...upload, ...(request.ifNoneMatch === undefined ? {} : { ifNoneMatch: '*' }) },
      parts,
    );
  } catch (error) {
    await target.abortUpload(upload).catch(() => undefined);
    throw error;
  }
}
