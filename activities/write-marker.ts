/**
 * Writes the manifest to `manifests/<hash>.json` under the target's prefix, last, and only when nothing is there. The payload's hash
 * is the manifest's hash, so the signed request proves that what is stored is what was planned. A large one goes in parts: one request
 * with all of it would not end within the request limit, however often it is tried.
 */
import { createHash } from 'node:crypto';
import { isWaybillError, WaybillError } from '../core/failures.ts';
import { MARKER_PUT_BYTES_MAX, PART_BYTES_DEFAULT } from '../core/limits.ts';
import { toPartLayout, toPartRange, type PartLayout } from '../core/part-layout.ts';
import { markerKey, type PipelineSpec } from '../core/pipeline.ts';
import type { ManifestRecord } from '../ledger/ledger.ts';
import { unpackBody } from '../manifest/pack-body.ts';
import { printManifest } from '../manifest/print-manifest.ts';
import type { Store, WriteConditions } from '../stores/store.ts';
import { explainRefusal } from './copy/write-conditions.ts';
import type { Step } from './run-step.ts';
import { uploadMarker } from './upload-marker.ts';

const HEADERS = { contentType: 'application/json', metadata: {} } as const;

export interface MarkerLimits {
  readonly singlePutBytesMax: number;
  /** What is sent or read back in one request. */
  readonly partBytes: number;
}

const LIMITS: MarkerLimits = { singlePutBytesMax: MARKER_PUT_BYTES_MAX, partBytes: PART_BYTES_DEFAULT };

/** Returns the marker's key. @throws marker_conflict when other bytes stand there */
export async function writeMarker(
  step: Step,
  spec: PipelineSpec,
  manifest: ManifestRecord,
  limits: MarkerLimits = LIMITS,
): Promise<string> {
  const target = step.open(spec.target.store);
  const { bucket } = spec.target;
  const key = markerKey(spec.target, manifest.hash);
  const { conditionalWrites } = step.deps.storeFacts(spec.target.store);
  const content = (): AsyncIterable<Uint8Array> => printManifest(manifest.runId, readBodies(step, manifest.listingId));
  const layout = toPartLayout(manifest.manifestBytes, limits.partBytes);
  const inParts = manifest.manifestBytes > limits.singlePutBytesMax;
  // A condition on an upload is looked at when all of it was sent.
  if ((!conditionalWrites || inParts) && (await isPresent(target, bucket, key))) {
    await compare(target, bucket, key, manifest, layout);
    return key;
  }
  const conditions: WriteConditions = conditionalWrites ? { ifNoneMatch: '*' } : {};
  const request = { bucket, key, headers: HEADERS, encryption: spec.target.encryption, ...conditions };
  try {
    if (inParts) {
      await uploadMarker(step, spec.target, request, { layout, sha256: manifest.hash, content });
    } else {
      await target.put(request, { sizeBytes: manifest.manifestBytes, sha256: manifest.hash, content });
    }
  } catch (error) {
    const type = isWaybillError(error) ? error.type : null;
    if (type !== 'precondition_failed' && type !== 'no_such_upload') {
      throw explainRefusal(error, spec.target.store, conditionalWrites);
    }
    // An upload is gone when its completion succeeded and the answer was lost, or when somebody else aborted it.
    if (type === 'no_such_upload' && !(await isPresent(target, bucket, key))) {
      throw new WaybillError('store_error', 'the upload of the marker was aborted', { bucket, key }, { cause: error });
    }
    await compare(target, bucket, key, manifest, layout);
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

/** What stands there is success only when its size and its SHA-256 are the manifest's. Each request reads one part. */
async function compare(
  target: Store,
  bucket: string,
  key: string,
  manifest: ManifestRecord,
  layout: PartLayout,
): Promise<void> {
  const { sizeBytes, etag } = await target.head({ bucket, key });
  const hash = createHash('sha256');
  if (sizeBytes === layout.sizeBytes) {
    for (let partNumber = 1; partNumber <= layout.parts; partNumber++) {
      const { offset, lengthBytes } = toPartRange(layout, partNumber);
      const range = { first: offset, last: offset + lengthBytes - 1 };
      const { body } = await target.get({ bucket, key, range, ifMatch: etag });
      for await (const piece of body) hash.update(piece);
    }
    if (hash.digest('hex') === manifest.hash) return;
  }
  throw new WaybillError('marker_conflict', 'a marker of this name with other bytes stands at the target', {
    bucket,
    key,
    expectedBytes: manifest.manifestBytes,
    foundBytes: sizeBytes,
  });
}
