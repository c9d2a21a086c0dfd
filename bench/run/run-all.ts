/** Starts everything, has everybody do the work by turns, and stops everything again, however it ends. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { startBare } from './bare.ts';
import type { BenchOptions } from './options.ts';
import { BYTE_SHAPES, startOurs, type Ours, type Shape } from './ours.ts';
import { findPeer, isPeer, type Peer } from './peers.ts';
import { Running } from './running.ts';
import { startBenchStore, type BenchStore } from './stores.ts';
import { takeTurns, type Contender, type Taken } from './take-turns.ts';
import { buildWork, type Workload } from './workloads.ts';

export interface Results {
  readonly versions: Readonly<Record<string, string>>;
  /** Wanted, and not on PATH or not able to. */
  readonly missing: readonly string[];
  readonly taken: readonly Taken[];
}

const WARM_UP: Workload = { name: 'W1', what: 'warm-up', bucket: 'warm', count: 1000, sizeBytes: 1024 };

/** One batch warms one worker: of several each is to have one, and they take two at once. */
const toWarmUp = (workers: number): Workload =>
  workers === 1 ? WARM_UP : { ...WARM_UP, bucket: 'warm-all', count: 2 * workers * WARM_UP.count };

export async function runAll(
  options: BenchOptions & { readonly bare: boolean },
  directory: string,
  say: (line: string) => void,
): Promise<Results> {
  const running = new Running(say);
  // Interrupted, both the signal and what it breaks off come to `stopAll`: neither may end the process before everything has stopped.
  // The handlers stay until the process is gone: without them the next signal ends it at once, whatever still runs.
  const onSignal = (): void => {
    if (!running.signal.aborted) say('interrupted: stopping everything');
    void running.stopAll().then(() => process.exit(1));
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    const work = buildWork(options.workloads, options.isQuick, options.growth);
    const workloads = work.map(({ first }) => first);
    const sources = [
      ...new Map([WARM_UP, toWarmUp(options.workers), ...workloads].map((one) => [one.bucket, one])).values(),
    ];
    const [a, b] = await startStores(options, directory, sources, running);
    const missing: string[] = [];
    const versions: Record<string, string> = {};
    const contenders: Contender[] = [];
    if (options.shapes.length > 0)
      contenders.push(...(await startShapes(options, directory, workloads, a, b, running)));
    if (options.bare) {
      const bare = await running.start(
        () => startBare(a, b, directory),
        (started) => started.stop(),
      );
      contenders.push({
        name: 'bare loop',
        keepsLedger: false,
        prefix: ({ name }, round) => `bare-${name}-${String(round)}/`,
        warm: async () => void (await bare.run({ bucket: WARM_UP.bucket, prefix: 'bare-warm/' })),
        run: async ({ name, bucket }, round) =>
          name === 'W1' || name === 'W2' ? bare.run({ bucket, prefix: `bare-${name}-${String(round)}/` }) : null,
      });
    }
    for (const name of options.peers) {
      const own = path.join(directory, name);
      await mkdir(own, { recursive: true });
      const peer = await findPeer(name, { a, b, directory: own, signal: running.signal });
      if (peer === null) missing.push(name);
      else {
        versions[name] = peer.version;
        contenders.push(toContender(peer));
      }
    }
    const able: Contender[] = [];
    for (const contender of contenders) {
      try {
        await contender.warm();
        able.push(contender);
      } catch (error) {
        // A peer that cannot do it here is not measured; ours has to.
        if (running.signal.aborted || !isPeer(contender.name)) throw error;
        missing.push(contender.name);
        say(String(error));
      }
    }
    const { kind, runs, warmRuns, keys } = options;
    const canHoldCopies = kind === 'null' && keys === null;
    const taken = await takeTurns({ kind, a, b, work, runs, warmRuns, canHoldCopies, contenders: able, say });
    return { versions, missing, taken };
  } finally {
    await running.stopAll();
  }
}

async function startStores(
  options: BenchOptions,
  directory: string,
  sources: readonly Workload[],
  running: Running,
): Promise<[BenchStore, BenchStore]> {
  const { kind, latencyMs, listLatencyMs, keys } = options;
  const started: BenchStore[] = [];
  for (const name of ['a', 'b']) {
    const workloads = name === 'a' ? sources : [];
    const store = await running.start(
      () => startBenchStore({ kind, name, directory, keys, workloads, signal: running.signal }),
      (one) => one.stop(),
    );
    await store.order({ do: 'latency', ms: latencyMs, listMs: listLatencyMs });
    started.push(store);
  }
  return started as [BenchStore, BenchStore];
}

async function startShapes(
  options: BenchOptions,
  directory: string,
  workloads: readonly Workload[],
  a: BenchStore,
  b: BenchStore,
  running: Running,
): Promise<Contender[]> {
  const { shapes, workers } = options;
  const rounds = options.warmRuns + options.runs;
  const pipelines = new Map<string, { workload: Workload; prefix: string }>();
  const add = (shape: string, workload: Workload, round: number): void => {
    const name = toPipeline(shape, workload.bucket, round);
    pipelines.set(name, { workload, prefix: toPrefix(name) });
  };
  for (const shape of shapes) {
    for (const round of [0, 1]) add(shape, toWarmUp(workers), round);
    for (const workload of workloads) for (let round = 0; round < rounds; round++) add(shape, workload, round);
  }
  const ours = await startOurs({ directory, shapes, a, b, pipelines, workers, running });
  return shapes.map((shape) => toOurs(ours, shape, workers));
}

const toPipeline = (shape: string, bucket: string, round: number): string => `${shape}-${bucket}-${String(round)}`;

const toPrefix = (pipeline: string): string => `ours/${pipeline}/`;

const toOurs = (ours: Ours, shape: Shape, workers: number): Contender => ({
  name: `ours, ${shape}`,
  keepsLedger: true,
  prefix: ({ bucket }, round) => toPrefix(toPipeline(shape, bucket, round)),
  async warm() {
    for (const round of [0, 1]) await ours.run(shape, toPipeline(shape, toWarmUp(workers).bucket, round));
  },
  run: async ({ name, bucket }, round) =>
    BYTE_SHAPES.includes(shape) && name !== 'W2' && name !== 'W3'
      ? null
      : ours.run(shape, toPipeline(shape, bucket, round), { listOnly: name === 'W4' }),
});

const toContender = (peer: Peer): Contender => ({
  name: peer.name,
  keepsLedger: false,
  prefix: ({ bucket }, round) => `${peer.name}-${bucket}-${String(round)}/`,
  // A process of its own each time: what is warm is the store's side.
  warm: async () => void (await peer.run(WARM_UP, `${peer.name}-warm/`)),
  run: ({ name, bucket, ...rest }, round) =>
    peer.run({ name, bucket, ...rest }, `${peer.name}-${bucket}-${String(round)}/`),
});
