/** Has everybody do each work by turns, and reads at the stores what it took. */
import type { Cost } from './command.ts';
import { readTreeCpuSeconds } from './processes.ts';
import { emptyTarget, holdCopies, type BenchStore, type Counts, type StoreKind } from './stores.ts';
import type { Work, Workload } from './workloads.ts';

export interface Contender {
  readonly name: string;
  /** What is tried first and counts for nothing. */
  warm(): Promise<void>;
  /** Null: it has no such work. */
  run(workload: Workload, round: number): Promise<Cost | null>;
  /** Where its copies of a workload stand in the target's bucket. */
  prefix(workload: Workload, round: number): string;
  /** Has to see its copies once before it knows them. */
  readonly keepsLedger: boolean;
}

export interface Taken {
  readonly workload: Workload;
  /** `ours, direct`, `rclone`, … */
  readonly who: string;
  readonly round: number;
  readonly cost: Cost;
  /** CPU of both, which explains a wall where they share the cores. */
  readonly storesSeconds: number;
  readonly source: Counts | null;
  readonly target: Counts | null;
}

export interface Turns {
  readonly kind: StoreKind;
  readonly a: BenchStore;
  readonly b: BenchStore;
  readonly work: readonly Work[];
  readonly runs: number;
  /** Before them, and not counted. */
  readonly warmRuns: number;
  /** The null store can pretend to hold the copies of a workload. */
  readonly canHoldCopies: boolean;
  readonly contenders: readonly Contender[];
  readonly say: (line: string) => void;
}

export async function takeTurns(turns: Turns): Promise<Taken[]> {
  const { kind, a, b, work, runs, warmRuns, canHoldCopies, contenders, say } = turns;
  const taken: Taken[] = [];
  const measure = async (workload: Workload, contender: Contender, round: number): Promise<Taken | null> => {
    const before = [await a.counts(), await b.counts()] as const;
    const storesBefore = readBoth(a, b);
    const cost = await contender.run(workload, round);
    if (cost === null) return null;
    const storesSeconds = readBoth(a, b) - storesBefore;
    const source = countBetween(kind, before[0], await a.counts());
    const target = countBetween(kind, before[1], await b.counts());
    return { workload, who: contender.name, round: round - warmRuns, cost, storesSeconds, source, target };
  };
  const keep = (one: Taken | null): void => {
    if (one === null) return;
    const { workload, who, round, cost, storesSeconds } = one;
    if (round >= 0) taken.push(one);
    const figures = `CPU ${cost.cpuSeconds.toFixed(2)} s, wall ${cost.wallSeconds.toFixed(2)} s, ${cost.peakMiB.toFixed(0)} MiB, stores ${storesSeconds.toFixed(2)} s`;
    const what = round < 0 ? 'warm-up' : `round ${String(round + 1)}`;
    say(`${workload.name} ${workload.what}, ${what}, ${who}: ${figures}`);
  };
  for (const { first, isCounted, again } of work) {
    for (let round = 0; round < warmRuns + runs; round++) {
      // Nobody is always the first after a pause, or always behind the same one.
      const turn = contenders.map((_, index) => contenders[(index + round) % contenders.length] as Contender);
      for (const contender of turn) {
        // A million copies that nobody counts are not made.
        const isHeld = canHoldCopies && !isCounted && again !== null;
        if (isHeld) await holdCopies(b, first, contender.prefix(first, round));
        const one = isHeld && !contender.keepsLedger ? null : await measure(first, contender, round);
        if (isCounted) keep(one);
        if (again !== null) keep(await measure(again, contender, round));
        if (first.name !== 'W4') await emptyTarget(kind, b);
      }
    }
  }
  return taken;
}

const readBoth = (a: BenchStore, b: BenchStore): number => readTreeCpuSeconds(a.pid) + readTreeCpuSeconds(b.pid);

/** The null store counts from one reading to the next, the others from their start. */
function countBetween(kind: StoreKind, before: Counts | null, after: Counts | null): Counts | null {
  if (before === null || after === null || kind === 'null') return after;
  const requests = Object.fromEntries(
    Object.entries(after.requests)
      .map(([name, count]) => [name, count - (before.requests[name] ?? 0)] as const)
      .filter(([, count]) => count !== 0),
  );
  return { requests, bytesIn: after.bytesIn - before.bytesIn, bytesOut: after.bytesOut - before.bytesOut };
}
