/** The marker over a store in memory. A small limit stands for what a store and the request limit impose. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { beforeEach, test } from 'node:test';
import { ByteBudget } from '../../activities/copy/byte-budget.ts';
import type { Step } from '../../activities/run-step.ts';
import { writeMarker } from '../../activities/write-marker.ts';
import { WaybillError } from '../../core/failures.ts';
import type { Sha256Hex } from '../../core/ids.ts';
import { MiB, PART_BYTES_MIN } from '../../core/limits.ts';
import type { ManifestRecord, UploadRecord } from '../../ledger/ledger.ts';
import { packBody } from '../../manifest/pack-body.ts';
import { printManifest } from '../../manifest/print-manifest.ts';
import { createMemoryStore } from '../../stores/memory/create-memory-store.ts';
import type { Store } from '../../stores/store.ts';
import { buildSpec } from '../support/ledger-fixtures.ts';

const SPEC = buildSpec('marker');
const { bucket } = SPEC.target;
/** Three parts, the last of them short. */
const LIMITS = { singlePutBytesMax: MiB, partBytes: PART_BYTES_MIN };
const BODIES = Array.from({ length: 12 }, (_, index) => Buffer.alloc(MiB, `${String(index % 10)}descriptor`));

const MANIFEST = await buildManifest(BODIES);
const KEY = `in/manifests/${MANIFEST.hash}.json`;

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

async function buildManifest(bodies: readonly Uint8Array[]): Promise<ManifestRecord> {
  const hash = createHash('sha256');
  let manifestBytes = 0;
  for await (const piece of printManifest('r1', each(bodies))) {
    hash.update(piece);
    manifestBytes += piece.length;
  }
  const record = { hash: hash.digest('hex') as Sha256Hex, runId: 'r1', listingId: 'l', manifestBytes };
  return record as unknown as ManifestRecord;
}

let store: Store;
/** What the ledger was told of uploads. */
let told: string[];
/** What an earlier attempt left open under the marker's key. */
let left: Pick<UploadRecord, 'uploadId' | 'key' | 'location'> | null;
/** Sizes of what was sent and read, by request. */
let sizes: number[];
beforeEach(async () => {
  store = createMemoryStore();
  await store.createBucket(bucket);
  told = [];
  left = null;
  sizes = [];
});

function buildStep(change: Partial<Store> = {}, bodies: readonly Uint8Array[] = BODIES): Step {
  const watched: Store = {
    ...store,
    put: (request, body) => (sizes.push(body.sizeBytes), store.put(request, body)),
    uploadPart: (upload, partNumber, body) => (sizes.push(body.sizeBytes), store.uploadPart(upload, partNumber, body)),
    get: async (request) => {
      const result = await store.get(request);
      sizes.push(result.range.lengthBytes);
      return result;
    },
    ...change,
  };
  const step = {
    open: () => watched,
    fence: { targetId: 't' },
    deps: {
      memory: new ByteBudget(64 * MiB),
      storeFacts: () => ({ conditionalWrites: true }),
      ledger: {
        readChunks: () => each(bodies.map((body) => ({ body: packBody(body) }))),
        openUpload: async (_: unknown, { uploadId }: { uploadId: string }) =>
          void told.push(uploadId.startsWith('intent:') ? 'intent' : 'opened'),
        loadUpload: async () => left,
        closeUpload: async () => void told.push('closed'),
      },
    },
  };
  return step as unknown as Step;
}

async function hashOfMarker(): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of (await store.get({ bucket, key: KEY })).body) hash.update(piece);
  return hash.digest('hex');
}
const countOpen = async (): Promise<number> => (await store.listUploads({ bucket, prefix: '' })).length;
const partSizes = [PART_BYTES_MIN, PART_BYTES_MIN, MANIFEST.manifestBytes - 2 * PART_BYTES_MIN];

test('a large marker goes in parts, its upload on record before it is made, and is found again part by part', async () => {
  assert.equal(await writeMarker(buildStep(), SPEC, MANIFEST, LIMITS), KEY);
  assert.equal(await hashOfMarker(), MANIFEST.hash);
  assert.deepEqual(told, ['intent', 'opened', 'closed']);
  assert.deepEqual(sizes, partSizes);

  await writeMarker(buildStep(), SPEC, MANIFEST, LIMITS);
  assert.deepEqual(sizes, [...partSizes, ...partSizes], 'the second time it is read, and nothing is sent');
});

test('a marker below the limit is one request', async () => {
  await writeMarker(buildStep(), SPEC, MANIFEST);
  assert.deepEqual(sizes, [MANIFEST.manifestBytes]);
  assert.deepEqual(told, []);
});

test('chunks that do not have the manifest’s hash make no marker, and leave no upload', async () => {
  const [first = Buffer.alloc(0), ...others] = BODIES;
  const damaged = Buffer.from(first);
  damaged[7] = 0;
  await assert.rejects(writeMarker(buildStep({}, [damaged, ...others]), SPEC, MANIFEST, LIMITS), {
    type: 'body_corrupt',
  });
  await assert.rejects(store.head({ bucket, key: KEY }), { type: 'no_such_key' });
  assert.equal(await countOpen(), 0);
  assert.deepEqual(told, ['intent', 'opened', 'closed']);
});

test('other bytes under the marker’s name are a conflict, whatever part they are in', async () => {
  const other = Buffer.alloc(MANIFEST.manifestBytes);
  await store.put({ bucket, key: KEY, headers: { metadata: {} } }, { sizeBytes: other.length, content: other });
  await assert.rejects(writeMarker(buildStep(), SPEC, MANIFEST, LIMITS), { type: 'marker_conflict' });
});

test('a completion whose answer was lost is success; an upload that others aborted is tried again', async () => {
  const lost = new WaybillError('no_such_upload', 'gone');
  const answerLost: Partial<Store> = {
    completeUpload: async (upload, parts) => {
      await store.completeUpload(upload, parts);
      throw lost;
    },
  };
  const aborted: Partial<Store> = { completeUpload: () => Promise.reject(lost) };
  await assert.rejects(writeMarker(buildStep(aborted), SPEC, MANIFEST, LIMITS), { type: 'store_error' });
  assert.equal(await writeMarker(buildStep(answerLost), SPEC, MANIFEST, LIMITS), KEY);
  assert.equal(await hashOfMarker(), MANIFEST.hash);
});

test('an upload that cannot be aborted stays on record', async () => {
  const down = (): Promise<never> => Promise.reject(new WaybillError('store_unreachable', 'down'));
  const step = buildStep({ completeUpload: down, abortUpload: down });
  await assert.rejects(writeMarker(step, SPEC, MANIFEST, LIMITS), { type: 'store_unreachable' });
  assert.deepEqual(told, ['intent', 'opened']);
});

test('an upload that an earlier attempt left open is aborted before it is forgotten', async () => {
  const { uploadId } = await store.createUpload({ bucket, key: KEY, headers: { metadata: {} } });
  left = { uploadId, key: KEY, location: SPEC.target };
  await writeMarker(buildStep(), SPEC, MANIFEST, LIMITS);
  assert.equal(await countOpen(), 0);
});
