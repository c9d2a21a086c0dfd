/**
 * What copying one object needs, without a run: two stores in memory, a ledger that remembers uploads, and hooks that change what a
 * store is told or tells, for whoever wants to see what is noticed.
 */
import { AdaptiveLimiter } from '../../activities/copy/adaptive-limiter.ts';
import { ByteBudget } from '../../activities/copy/byte-budget.ts';
import { createTransfer, type Transfer } from '../../activities/copy/transfer.ts';
import type { CopyAction } from '../../activities/plan/action.ts';
import type { ActivityDeps, ActivityRuntime, StoreFacts } from '../../activities/runtime.ts';
import { MiB } from '../../core/limits.ts';
import type { PipelineSpec } from '../../core/pipeline.ts';
import type { Ledger, PartRecord, UploadRecord } from '../../ledger/ledger.ts';
import { createMemoryStore } from '../../stores/memory/create-memory-store.ts';
import type { Store } from '../../stores/store.ts';

export interface CopyGround {
  readonly source: Store;
  readonly target: Store;
  /** A transfer of a worker's next execution: what the worker learned stays, what an execution knew is gone. */
  readonly begin: () => Transfer;
  /** A transfer of another worker. */
  readonly restart: () => Transfer;
  readonly uploads: Map<string, UploadRecord>;
  readonly parts: Map<string, PartRecord[]>;
  /** An object at the source, as the plan would have it. */
  readonly put: (key: string, bytes: Uint8Array) => Promise<CopyAction>;
  readonly readTarget: (key: string) => Promise<Buffer>;
}

export interface GroundOptions {
  readonly proof?: 'crc';
  readonly unsignedPayload?: boolean;
  readonly sourceETags?: 'md5' | 'opaque';
  readonly targetETags?: 'md5' | 'opaque';
  /** Around the store as a copy sees it. */
  readonly source?: (store: Store) => Partial<Store>;
  readonly target?: (store: Store) => Partial<Store>;
}

export async function createCopyGround(options: GroundOptions = {}): Promise<CopyGround> {
  const source = createMemoryStore();
  const target = createMemoryStore();
  await source.createBucket('source');
  await target.createBucket('target');
  const uploads = new Map<string, UploadRecord>();
  const parts = new Map<string, PartRecord[]>();
  const ledger = {
    loadUpload: (_: string, key: string) =>
      Promise.resolve([...uploads.values()].find((upload) => upload.key === key) ?? null),
    openUpload: (_: unknown, upload: UploadRecord) => {
      for (const [id, known] of uploads) if (known.key === upload.key) uploads.delete(id);
      uploads.set(upload.uploadId, upload);
      return Promise.resolve();
    },
    saveParts: (_: unknown, uploadId: string, saved: readonly PartRecord[]) => {
      parts.set(uploadId, [...(parts.get(uploadId) ?? []), ...saved]);
      return Promise.resolve();
    },
    loadParts: (uploadId: string) => Promise.resolve(parts.get(uploadId) ?? []),
    closeUpload: (_: unknown, uploadId: string) => Promise.resolve(void uploads.delete(uploadId)),
  } as unknown as Ledger;
  const facts = (etags: 'md5' | 'opaque'): StoreFacts => ({
    ...{ etags, conditionalWrites: true, currency: 'USD', perThousandWrites: 0, perThousandReads: 0, perGibOut: 0 },
    ...(options.unsignedPayload === true && { unsignedPayload: true }),
  });
  const open = (name: string): Store => {
    const store = name === 'a' ? source : target;
    const around = name === 'a' ? options.source : options.target;
    return { ...store, ...around?.(store) };
  };
  const spec = {
    ...{ name: 'copy', overwrite: 'refuse', tags: false, listTarget: true, concurrency: 1, schedule: null },
    source: { store: 'a', bucket: 'source', prefix: '' },
    target: { store: 'b', bucket: 'target', prefix: '', encryption: null },
    ...(options.proof && { proof: options.proof }),
  } as unknown as PipelineSpec;
  const createDeps = (): ActivityDeps => ({
    ...{ ledger, openStore: open, heartbeatTimeoutMs: 60_000 },
    storeFacts: (name) => facts((name === 'a' ? options.sourceETags : options.targetETags) ?? 'md5'),
    memory: new ByteBudget(64 * MiB),
    limiter: new AdaptiveLimiter({ min: 2, start: 16, max: 16 }),
  });
  const runtime = {
    tryNumber: 1,
    holder: 'test',
    guard: { signal: new AbortController().signal },
    log: { info: () => undefined, warn: () => undefined },
  } as unknown as ActivityRuntime;
  let deps = createDeps();
  const begin = (): Transfer =>
    createTransfer(
      {
        // Each activity has dependencies of its own around the worker's.
        ...{ deps: { ...deps }, runtime, open, deliveries: [], outcomes: [] },
        fence: { attemptId: 'attempt', targetId: 'target', epoch: 1 },
        key: { manifestHash: null, step: 'copy', ordinal: 1 },
      } as unknown as Parameters<typeof createTransfer>[0],
      spec,
    );
  return {
    ...{ source, target, begin, uploads, parts },
    restart() {
      deps = createDeps();
      return begin();
    },
    async put(key, bytes) {
      const request = { bucket: 'source', key, headers: { metadata: {} } };
      const { etag } = await source.put(request, { sizeBytes: bytes.byteLength, content: bytes });
      return { op: 'copy', key, sizeBytes: bytes.byteLength, etag, expected: { absent: true } };
    },
    async readTarget(key) {
      const pieces: Uint8Array[] = [];
      for await (const piece of (await target.get({ bucket: 'target', key })).body) pieces.push(piece);
      return Buffer.concat(pieces);
    },
  };
}

/** The bytes with one bit changed, in memory of their own. */
export function flipBit(bytes: Uint8Array): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[Math.floor(flipped.length / 2)]! ^= 1;
  return flipped;
}
