/** Starts everything, has everybody do the work by turns, and stops everything again, however it ends. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { startBare } from './bare.ts';
import type { Cost } from './command.ts';
import type { BenchOptions } from './options.ts';
import { startOurs, type Ours } from './ours.ts';
import { findPeer, isPeer, type Peer } from './peers.ts';
import { emptyTarget, startBenchStore, type BenchStore, type Counts } from './stores.ts';
import { buildWorkload, type Workload, type WorkloadName } from './workloads.ts';

export interface Taken {
  readonly workload: WorkloadName;
  /** `ours, direct`, `rclone`, … */
  readonly who: string;
  readonly round: number;
  readonly cost: Cost;
  readonly source: Counts | null;
  readonly target: Counts | null;
}

export interface Results {
  readonly versions: Readonly<Record<string, string>>;
  /** Wanted, and not on PATH or not able to. */
  readonly missing: readonly string[];
  readonly taken: readonly Taken[];
}

interface Contender {
  readonly name: string;
  /** What is tried first and counts for nothing. */
  warm(): Promise<void>;
  /** Null: it has no such work. */
  run(workload: Workload, round: number): Promise<Cost | null>;
}

const WARM_UP: Workload = { name: 'W1', what: 'warm-up', bucket: 'warm', count: 1000, sizeBytes: 1024 };

export async function runAll(
  options: BenchOptions & { readonly bare: boolean },
  directory: string,
  say: (line: string) => void,
): Promise<Results> {
  const stopping: (() => Promise<unknown>)[] = [];
  const stopAll = async (): Promise<void> => {
    for (const stop of stopping.splice(0).reverse()) await stop();
  };
  const onSignal = (): void => void stopAll().then(() => process.exit(1));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    const workloads = options.workloads.map((name) => buildWorkload(name, options.isQuick));
    const sources = [...new Map([WARM_UP, ...workloads].map((one) => [one.bucket, one])).values()];
    const [a, b] = await startStores(options, directory, sources, stopping);
    const missing: string[] = [];
    const versions: Record<string, string> = {};
    const contenders: Contender[] = [];
    if (options.shapes.length > 0)
      contenders.push(...(await startShapes(options, directory, workloads, a, b, stopping)));
    if (options.bare) {
      const bare = await startBare(a, b, directory);
      stopping.push(() => bare.stop());
      contenders.push({
        name: 'bare loop',
        warm: async () => void (await bare.run({ bucket: WARM_UP.bucket, prefix: 'bare-warm/' })),
        run: async ({ name, bucket }, round) =>
          name === 'W1' || name === 'W2' ? bare.run({ bucket, prefix: `bare-${name}-${String(round)}/` }) : null,
      });
    }
    for (const name of options.peers) {
      const own = path.join(directory, name);
      await mkdir(own, { recursive: true });
      const peer = await findPeer(name, { a, b, directory: own });
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
        if (!isPeer(contender.name)) throw error;
        missing.push(contender.name);
        say(String(error));
      }
    }
    const taken = await takeTurns(options, workloads, able, a, b, say);
    return { versions, missing, taken };
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await stopAll();
  }
}

async function startStores(
  options: BenchOptions,
  directory: string,
  sources: readonly Workload[],
  stopping: (() => Promise<unknown>)[],
): Promise<[BenchStore, BenchStore]> {
  const { kind, latencyMs, listLatencyMs } = options;
  const started: BenchStore[] = [];
  for (const name of ['a', 'b']) {
    const store = await startBenchStore({ kind, name, directory, workloads: name === 'a' ? sources : [] });
    stopping.push(() => store.stop());
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
  stopping: (() => Promise<unknown>)[],
): Promise<Contender[]> {
  const { shapes, runs, workers } = options;
  const pipelines = new Map<string, { workload: Workload; prefix: string }>();
  const add = (shape: string, workload: Workload, round: number): void => {
    const name = toPipeline(shape, workload.bucket, round);
    pipelines.set(name, { workload, prefix: `ours/${name}/` });
  };
  for (const shape of shapes) {
    for (const round of [0, 1]) add(shape, WARM_UP, round);
    for (const workload of workloads) for (let round = 0; round < runs; round++) add(shape, workload, round);
  }
  const ours = await startOurs({ directory, shapes, a, b, pipelines, workers });
  stopping.push(() => ours.stop());
  return shapes.map((shape) => toOurs(ours, shape));
}

const toPipeline = (shape: string, bucket: string, round: number): string => `${shape}-${bucket}-${String(round)}`;

const toOurs = (ours: Ours, shape: 'direct' | 'gateway'): Contender => ({
  name: `ours, ${shape}`,
  async warm() {
    for (const round of [0, 1]) await ours.run(shape, toPipeline(shape, WARM_UP.bucket, round));
  },
  run: ({ name, bucket }, round) => ours.run(shape, toPipeline(shape, bucket, round), { listOnly: name === 'W4' }),
});

const toContender = (peer: Peer): Contender => ({
  name: peer.name,
  // A process of its own each time: what is warm is the store's side.
  warm: async () => void (await peer.run(WARM_UP, `${peer.name}-warm/`)),
  run: ({ name, bucket, ...rest }, round) =>
    peer.run({ name, bucket, ...rest }, `${peer.name}-${bucket}-${String(round)}/`),
});

async function takeTurns(
  options: BenchOptions,
  workloads: readonly Workload[],
  contenders: readonly Contender[],
  a: BenchStore,
  b: BenchStore,
  say: (line: string) => void,
): Promise<Taken[]> {
  const taken: Taken[] = [];
  const measure = async (
    workload: Workload,
    contender: Contender,
    round: number,
    isCounted: boolean,
  ): Promise<void> => {
    const before = [await a.counts(), await b.counts()] as const;
    const cost = await contender.run(workload, round);
    if (cost === null || !isCounted) return;
    const source = countBetween(options.kind === 'null', before[0], await a.counts());
    const target = countBetween(options.kind === 'null', before[1], await b.counts());
    taken.push({ workload: workload.name, who: contender.name, round, cost, source, target });
    say(
      `${workload.name} round ${String(round + 1)} ${contender.name}: CPU ${cost.cpuSeconds.toFixed(2)} s, wall ${cost.wallSeconds.toFixed(2)} s, ${cost.peakMiB.toFixed(0)} MiB`,
    );
  };
  const again = workloads.find(({ name }) => name === 'W5');
  const hasFirst = workloads.some(({ name }) => name === 'W1');
  const firsts = workloads.filter(({ name }) => name !== 'W5' || !hasFirst);
  for (const workload of firsts) {
    for (let round = 0; round < options.runs; round++) {
      // Nobody is always the first after a pause, or always behind the same one.
      const turn = contenders.map((_, index) => contenders[(index + round) % contenders.length] as Contender);
      for (const contender of turn) {
        const isOnlyPreparation = workload.name === 'W5';
        await measure(
          { ...workload, name: isOnlyPreparation ? 'W1' : workload.name },
          contender,
          round,
          !isOnlyPreparation,
        );
        if (again !== undefined && (workload.name === 'W1' || isOnlyPreparation) && contender.name !== 'bare loop') {
          await measure(again, contender, round, true);
        }
        if (workload.name !== 'W4') await emptyTarget(options.kind, b);
      }
    }
  }
  return taken;
}

function countBetween(isReset: boolean, before: Counts | null, after: Counts | null): Counts | null {
  if (before === null || after === null || isReset) return after;
  const requests = Object.fromEntries(
    Object.entries(after.requests)
      .map(([name, count]) => [name, count - (before.requests[name] ?? 0)] as const)
      .filter(([, count]) => count !== 0),
  );
  return { requests, bytesIn: after.bytesIn - before.bytesIn, bytesOut: after.bytesOut - before.bytesOut };
}
