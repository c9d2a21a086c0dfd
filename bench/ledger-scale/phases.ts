/**
 * The process that `bench/ledger-scale.ts` measures: the activities of a run that touch each object, over a real Postgres and null stores,
 * without Temporal. Prints one line of JSON for each phase.
 */
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { buildManifest } from '../../activities/build-manifest.ts';
import { AdaptiveLimiter } from '../../activities/copy/adaptive-limiter.ts';
import { ByteBudget } from '../../activities/copy/byte-budget.ts';
import { finalize } from '../../activities/finalize.ts';
import { list } from '../../activities/list.ts';
import { plan } from '../../activities/plan.ts';
import type { ActivityDeps, ActivityRuntime } from '../../activities/runtime.ts';
import type { Sha256Hex } from '../../core/ids.ts';
import { BATCH_OBJECTS_MAX, COPY_MEMORY_BYTES } from '../../core/limits.ts';
import type { PipelineSpec } from '../../core/pipeline.ts';
import type { DeliveryRecord, Fence } from '../../ledger/ledger.ts';
import { createPostgresLedger } from '../../ledger/postgres/create-postgres-ledger.ts';
import { createS3Store } from '../../stores/s3/s3-store.ts';
import type { Store } from '../../stores/store.ts';
import { toNumberedKey } from '../run/null-store/keys.ts';
import { readPeakMiB, readTreeCpuSeconds, resetPeak } from '../run/processes.ts';

export interface PhasesInput {
  readonly postgresUrl: string;
  readonly postgresPid: number;
  readonly count: number;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly sourcePort: number;
  readonly targetPort: number;
  readonly bucket: string;
  /** A bucket of the target store that holds nothing, and one that holds all copies under `prefix`. */
  readonly emptyBucket: string;
  readonly fullBucket: string;
  readonly prefix: string;
  readonly isOnce: boolean;
}

export interface Phase {
  readonly name: string;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly postgresSeconds: number;
  readonly peakMiB: number;
}

const input = JSON.parse(process.argv[2] ?? '') as PhasesInput;
const { count } = input;
const ledger = createPostgresLedger({ url: input.postgresUrl, poolMax: 10, logger: { warn: console.error } });
const open = (port: number): Store =>
  createS3Store({
    name: String(port),
    endpoint: `http://127.0.0.1:${String(port)}`,
    region: 'us-east-1',
    addressing: 'path',
    credentials: () => ({ accessKeyId: 'AKIDBENCH', secretAccessKey: 'bench-secret' }),
    requestLimitMs: 30_000,
    connectionsMax: 64,
    etags: 'md5',
  });
const stores: Readonly<Record<string, Store>> = { a: open(input.sourcePort), b: open(input.targetPort) };
const deps: ActivityDeps = {
  ledger,
  openStore: (name) => stores[name] as Store,
  storeFacts: () => ({
    etags: 'md5',
    conditionalWrites: true,
    currency: 'USD',
    perThousandWrites: 0,
    perThousandReads: 0,
    perGibOut: 0,
  }),
  heartbeatTimeoutMs: 60_000,
  memory: new ByteBudget(COPY_MEMORY_BYTES),
  limiter: new AdaptiveLimiter({ min: 4, start: 16, max: 64 }),
};
const controller = new AbortController();
setMaxListeners(0, controller.signal);
const runtime = (): ActivityRuntime => ({
  tryNumber: 1,
  holder: randomUUID(),
  guard: { signal: controller.signal, assertCurrent: () => undefined, assertMayWrite: () => undefined },
  log: { info: console.error, warn: console.error },
});

async function measure<T>(name: string, work: () => Promise<T>): Promise<T> {
  resetPeak(process.pid);
  const [startedAt, cpu, postgres] = [performance.now(), process.cpuUsage(), readTreeCpuSeconds(input.postgresPid)];
  const result = await work();
  const { user, system } = process.cpuUsage(cpu);
  const phase: Phase = {
    name,
    wallSeconds: (performance.now() - startedAt) / 1000,
    cpuSeconds: (user + system) / 1e6,
    postgresSeconds: readTreeCpuSeconds(input.postgresPid) - postgres,
    peakMiB: readPeakMiB(process.pid),
  };
  console.log(JSON.stringify(phase));
  return result;
}

async function begin(pipeline: string, bucket: string): Promise<Fence> {
  const spec: PipelineSpec = {
    name: pipeline,
    source: { store: 'a', bucket: input.bucket, prefix: '' },
    target: { store: 'b', bucket, prefix: input.prefix, encryption: null },
    filters: { include: [], exclude: [], minSizeBytes: null, maxSizeBytes: null, minAgeMs: null, maxAgeMs: null },
    overwrite: 'refuse',
    tags: false,
    listTarget: true,
    concurrency: 4,
    schedule: null,
  };
  const { run } = await ledger.accept({
    pipeline,
    mode: 'run',
    runId: randomUUID(),
    nominalAt: null,
    spec,
    targetFingerprint: pipeline.padEnd(64, '0') as Sha256Hex,
    again: false,
    idempotency: null,
  });
  const { fence } = await ledger.beginAttempt(run.id, randomUUID(), 60_000);
  return fence;
}

/** As the batches of a run leave them. */
async function deliver(fence: Fence): Promise<void> {
  for (let from = 0; from < count; from += BATCH_OBJECTS_MAX) {
    const deliveries = Array.from({ length: Math.min(BATCH_OBJECTS_MAX, count - from) }, (_, index): DeliveryRecord => {
      const { etag, sizeBytes } = input;
      const key = input.prefix + toNumberedKey(from + index);
      return { key, sourceEtag: etag, sourceVersion: null, sizeBytes, targetEtag: etag, checksum: `md5:${etag}` };
    });
    await ledger.saveEffects(fence, { deliveries });
  }
}

const COPIED_NOTHING = { copied: 0, copiedBytes: 0, repaired: 0, adopted: 0, adoptedBytes: 0, failed: 0 };

async function runOver(label: string, fence: Fence, isFinal: boolean): Promise<void> {
  await ledger.setState(fence, 'listing');
  await measure(`${label}: list`, () => list(deps, runtime(), { fence }));
  const manifest = await measure(`${label}: manifest`, () => buildManifest(deps, runtime(), { fence }));
  if (manifest.objects !== count) throw new Error(`the manifest has ${String(manifest.objects)} objects`);
  const planned = await measure(`${label}: plan`, () => plan(deps, runtime(), { fence, manifest }));
  const { skipped, toCopy } = planned.counts;
  if ((isFinal ? skipped : toCopy) !== count) throw new Error(`planned ${JSON.stringify(planned.counts)}`);
  if (!isFinal) return ledger.endAttempt(fence, { state: 'failed' });
  const step = { fence, manifest, planHash: planned.planHash, plan: planned.counts, counts: COPIED_NOTHING };
  const { state } = await measure(`${label}: finalize`, () => finalize(deps, runtime(), step));
  if (state !== 'done') throw new Error(`it ended ${state}`);
}

try {
  // What is compiled once, and the first connections, belong to no phase.
  const full = await begin('full', input.fullBucket);
  await measure('deliver', () => deliver(full));
  await ledger.endAttempt(full, { state: 'failed' });
  await runOver('nothing changed', await begin('full', input.fullBucket), true);
  if (!input.isOnce) {
    const again = await begin('full', input.fullBucket);
    await measure('deliver again', () => deliver(again));
    await ledger.endAttempt(again, { state: 'failed' });
    await runOver('all new', await begin('empty', input.emptyBucket), false);
  }
} finally {
  await Promise.all([...Object.values(stores).map((store) => store.close()), ledger.close()]);
}
