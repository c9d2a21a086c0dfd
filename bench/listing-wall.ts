/**
 * The list and manifest activities over a durable Postgres and a store behind HTTP that answers each LIST after 100 ms, for the five key
 * spaces: wall of the listing, and of both, against the ideal with 64 in flight, and what each process took. The store and each listing
 * run in processes of their own, the listing by the settings that a worker has, and twice: the first time, in which its code is compiled, does
 * not count. `node --import tsx bench/listing-wall.ts [KEYS] [LATENCY_MS] [NAME]`, by default 4,000,000 keys.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { Readable } from 'node:stream';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildManifest } from '../activities/build-manifest.ts';
import { list } from '../activities/list.ts';
import type { ActivityDeps, ActivityRuntime } from '../activities/runtime.ts';
import type { Sha256Hex } from '../core/ids.ts';
import { LIST_IN_FLIGHT_MAX, LIST_PAGE_KEYS } from '../core/limits.ts';
import type { PipelineSpec } from '../core/pipeline.ts';
import { MALLOC_BOUNDS, V8_BOUNDS } from '../dev/entry.ts';
import { removeCluster } from '../dev/postgres-cluster.ts';
import { startPostgres } from '../dev/postgres.ts';
import { createPostgresLedger } from '../ledger/postgres/create-postgres-ledger.ts';
import { migrate } from '../ledger/postgres/migrate.ts';
import { createS3Store } from '../stores/s3/s3-store.ts';
import { createKeySpaces } from './listing-keys.ts';
import { readArguments, takeAtMost, toCount, toNamed } from './run/arguments.ts';
import { readTreeCpuSeconds } from './run/processes.ts';

const { keys, latencyMs, names, listArgument } = readArguments(
  'node --import tsx bench/listing-wall.ts [KEYS] [LATENCY_MS] [NAME]',
  (args) => {
    // The fourth is for the process of a listing, from here.
    const [keysText = '4000000', latencyText = '100', only = '', space] = takeAtMost(args, 4);
    const count = toCount('KEYS', keysText);
    return {
      keys: count,
      latencyMs: toCount('LATENCY_MS', latencyText),
      names: toNamed('NAME', only, createKeySpaces(count)).map(({ name }) => name),
      listArgument: space,
    };
  },
);

interface Measured {
  readonly objects: number;
  readonly listMs: number;
  readonly listCpuMs: number;
  /** Of the thread that runs JavaScript, which is what bounds the wall; the rest collects garbage and packs. */
  readonly listThreadMs: number;
  readonly manifestMs: number;
  readonly manifestCpuMs: number;
  readonly peakMiB: number;
  readonly ranges: number;
}

/** NaN where /proc does not tell. */
function readThreadMs(): number {
  try {
    const stat =
      readFileSync(`/proc/self/task/${String(process.pid)}/stat`, 'utf8')
        .split(') ')[1]
        ?.split(' ') ?? [];
    return (Number(stat[11]) + Number(stat[12])) * 10;
  } catch {
    return NaN;
  }
}

interface Space {
  readonly bucket: string;
  readonly url: string;
  readonly endpoint: string;
}

async function listSpace({ bucket, url, endpoint }: Space): Promise<Measured> {
  const ledger = createPostgresLedger({ url, poolMax: 4, logger: { warn: () => undefined } });
  const spec: PipelineSpec = {
    name: bucket,
    source: { store: 'a', bucket, prefix: '' },
    target: { store: 'b', bucket, prefix: '', encryption: null },
    filters: { include: [], exclude: [], minSizeBytes: null, maxSizeBytes: null, minAgeMs: null, maxAgeMs: null },
    overwrite: 'refuse',
    tags: false,
    listTarget: true,
    concurrency: 4,
    schedule: null,
  };
  const { run } = await ledger.accept({
    pipeline: bucket,
    mode: 'run',
    runId: randomUUID(),
    nominalAt: null,
    spec,
    targetFingerprint: bucket.padEnd(64, '0') as Sha256Hex,
    again: false,
    idempotency: null,
  });
  const { fence } = await ledger.beginAttempt(run.id, randomUUID(), 60_000);
  const store = createS3Store({
    name: 'a',
    endpoint,
    region: 'us-east-1',
    addressing: 'path',
    credentials: () => ({ accessKeyId: 'AKIDBENCH', secretAccessKey: 'bench-secret' }),
    requestLimitMs: 30_000,
    connectionsMax: LIST_IN_FLIGHT_MAX,
    etags: 'md5',
  });
  const deps = { ledger, openStore: () => store } as unknown as ActivityDeps;
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  const runtime: ActivityRuntime = {
    tryNumber: 1,
    holder: randomUUID(),
    guard: { signal: controller.signal, assertCurrent: () => undefined, assertMayWrite: () => undefined },
    log: { info: console.error, warn: console.error },
  };
  const measure = async (work: () => Promise<unknown>): Promise<{ ms: number; cpuMs: number; threadMs: number }> => {
    const [startedAt, cpu, threadMs] = [performance.now(), process.cpuUsage(), readThreadMs()];
    await work();
    const { user, system } = process.cpuUsage(cpu);
    return {
      ms: performance.now() - startedAt,
      cpuMs: (user + system) / 1000,
      threadMs: readThreadMs() - threadMs,
    };
  };
  await ledger.setState(fence, 'listing');
  const listed = await measure(() => list(deps, runtime, { fence }));
  const { ranges } = await ledger.openListing(fence);
  let objects = 0;
  const folded = await measure(async () => ({ objects } = await buildManifest(deps, runtime, { fence })));
  await ledger.endAttempt(fence, { state: 'failed' });
  await Promise.all([store.close(), ledger.close()]);
  return {
    objects,
    listMs: listed.ms,
    listCpuMs: listed.cpuMs,
    listThreadMs: listed.threadMs,
    manifestMs: folded.ms,
    manifestCpuMs: folded.cpuMs,
    peakMiB: process.resourceUsage().maxRSS / 1024,
    ranges: ranges.length,
  };
}

function startNode(file: string, ...args: string[]): ChildProcess {
  const node = [...V8_BOUNDS, ...process.execArgv, join(import.meta.dirname, file), ...args];
  return spawn(process.execPath, node, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...MALLOC_BOUNDS },
  });
}

/** Requests since it was asked last, CPU since it began. */
async function readStore(endpoint: string): Promise<{ requests: number; cpuMs: number }> {
  return (await (await fetch(`${endpoint}/requests`)).json()) as { requests: number; cpuMs: number };
}

async function compareAll(): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
  const postgres = await startPostgres({ dataDir: join(home, 'pg') });
  const store = startNode('listing-store.ts', String(keys), String(latencyMs));
  const firstLine = new Promise<string>((resolve) =>
    store.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString())),
  );
  try {
    const endpoint = `http://127.0.0.1:${(await firstLine).trim()}`;
    await migrate(postgres.url);
    const idealMs = (Math.ceil(keys / LIST_PAGE_KEYS) / LIST_IN_FLIGHT_MAX) * latencyMs;
    console.log(
      `${String(keys)} keys, ${String(LIST_IN_FLIGHT_MAX)} in flight, ${String(latencyMs)} ms a LIST: ideal ${(idealMs / 1000).toFixed(2)} s`,
    );
    for (const [index, space] of createKeySpaces(keys).entries()) {
      if (!names.includes(space.name)) continue;
      const argument = JSON.stringify({
        bucket: `space-${String(index)}`,
        url: postgres.url,
        endpoint,
      } satisfies Space);
      const child = startNode('listing-wall.ts', String(keys), String(latencyMs), space.name, argument);
      const lines = createInterface({ input: child.stdout as Readable })[Symbol.asyncIterator]();
      await lines.next();
      const before = { ...(await readStore(endpoint)), postgres: readTreeCpuSeconds(postgres.pid) };
      const measured = JSON.parse(String((await lines.next()).value)) as Measured;
      const { requests, cpuMs } = await readStore(endpoint);
      const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
      const cells = [
        space.name.padEnd(26),
        `list ${seconds(measured.listMs)} = × ${(measured.listMs / idealMs).toFixed(2)} of the ideal`,
        `CPU ${seconds(measured.listCpuMs)}, ${seconds(measured.listThreadMs)} of it one thread`,
        `manifest ${seconds(measured.manifestMs)}, CPU ${seconds(measured.manifestCpuMs)}`,
        `both × ${((measured.listMs + measured.manifestMs) / idealMs).toFixed(2)}`,
        `CPU of the store ${seconds(cpuMs - before.cpuMs)}, of Postgres ${(readTreeCpuSeconds(postgres.pid) - before.postgres).toFixed(2)} s`,
        `${String(requests)} requests`,
        `${String(measured.ranges)} ranges`,
        `peak ${measured.peakMiB.toFixed(0)} MiB`,
        measured.objects === space.count ? 'every key once' : `WRONG: ${String(measured.objects)} keys`,
      ];
      console.log(cells.join('  '));
      if (measured.objects !== space.count) process.exitCode = 1;
    }
  } finally {
    store.kill('SIGTERM');
    await postgres.stop();
    removeCluster(join(home, 'pg'));
    await rm(home, { recursive: true, force: true });
  }
}

if (listArgument === undefined) {
  await compareAll();
} else {
  const space = JSON.parse(listArgument) as Space;
  for (let nth = 0; nth < 2; nth++) console.log(JSON.stringify(await listSpace(space)));
}
