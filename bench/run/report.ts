/** What came of it: medians, as a table and as JSON, with every run. */
import os from 'node:os';
import type { BenchOptions } from './options.ts';
import type { OursCost } from './ours.ts';
import type { Results } from './run-all.ts';
import type { Taken } from './take-turns.ts';
import type { WorkloadName } from './workloads.ts';

export interface Line {
  readonly workload: WorkloadName;
  readonly what: string;
  readonly objects: number;
  readonly who: string;
  readonly runs: number;
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  readonly peakMiB: number;
  /** Ours alone. */
  readonly temporalSeconds: number | null;
  readonly postgresSeconds: number | null;
  /** Both stores. */
  readonly storesSeconds: number;
  readonly cpuOf: Readonly<Record<string, number>> | null;
  /** Both stores, by their own count; the last run's. Null: the store does not count. */
  readonly requests: Readonly<Record<string, number>> | null;
  readonly bytesIn: number | null;
  readonly bytesOut: number | null;
}

export interface Report {
  readonly at: string;
  readonly machine: {
    readonly cpus: number;
    readonly model: string;
    readonly memoryMiB: number;
    readonly node: string;
  };
  readonly store: string;
  readonly options: BenchOptions;
  readonly versions: Readonly<Record<string, string>>;
  readonly notMeasured: readonly string[];
  readonly lines: readonly Line[];
  readonly taken: readonly Taken[];
}

export function toReport(options: BenchOptions, { versions, missing, taken }: Results): Report {
  const groups = new Map<string, Taken[]>();
  for (const one of taken) {
    const key = `${one.workload.name} ${one.workload.what} ${one.who}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const lines = [...groups.values()].map((all) => toLine(all));
  lines.sort((x, y) => byText(x.workload, y.workload) || x.objects - y.objects || x.cpuSeconds - y.cpuSeconds);
  const [cpu] = os.cpus();
  return {
    at: new Date().toISOString(),
    machine: {
      cpus: os.cpus().length,
      model: cpu?.model ?? 'unknown',
      memoryMiB: Math.round(os.totalmem() / 2 ** 20),
      node: process.version,
    },
    store: options.kind,
    options,
    versions,
    notMeasured: missing,
    lines,
    taken,
  };
}

function toLine(all: readonly Taken[]): Line {
  const [first] = all;
  const last = all.at(-1);
  if (first === undefined || last === undefined) throw new Error('nothing was taken');
  const costs = all.map(({ cost }) => cost);
  const ours = costs.filter((cost): cost is OursCost => 'temporalSeconds' in cost);
  const counts = [last.source, last.target].filter((one) => one !== null);
  const requests: Record<string, number> = {};
  for (const count of counts) {
    for (const [name, number] of Object.entries(count.requests)) requests[name] = (requests[name] ?? 0) + number;
  }
  const names = Object.keys(ours[0]?.cpuOf ?? {});
  return {
    workload: first.workload.name,
    what: first.workload.what,
    objects: first.workload.count,
    who: first.who,
    runs: all.length,
    cpuSeconds: median(costs.map(({ cpuSeconds }) => cpuSeconds)),
    wallSeconds: median(costs.map(({ wallSeconds }) => wallSeconds)),
    peakMiB: Math.max(...costs.map(({ peakMiB }) => peakMiB)),
    temporalSeconds: ours.length === 0 ? null : median(ours.map(({ temporalSeconds }) => temporalSeconds)),
    postgresSeconds: ours.length === 0 ? null : median(ours.map(({ postgresSeconds }) => postgresSeconds)),
    storesSeconds: median(all.map(({ storesSeconds }) => storesSeconds)),
    cpuOf:
      ours.length === 0
        ? null
        : Object.fromEntries(names.map((name) => [name, median(ours.map(({ cpuOf }) => cpuOf[name] ?? NaN))])),
    requests: counts.length === 0 ? null : requests,
    bytesIn: counts.length === 0 ? null : counts.reduce((sum, { bytesIn }) => sum + bytesIn, 0),
    bytesOut: counts.length === 0 ? null : counts.reduce((sum, { bytesOut }) => sum + bytesOut, 0),
  };
}

const byText = (x: string, y: string): number => (x < y ? -1 : x > y ? 1 : 0);

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((x, y) => x - y);
  const upper = sorted[sorted.length >> 1] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[(sorted.length >> 1) - 1] ?? NaN) + upper) / 2;
}

const HEAD =
  '| work | who | CPU s | × best peer | wall s | × best peer | peak MiB | Temporal, Postgres CPU s | stores CPU s | requests at the stores |';

export function printReport(report: Report): string {
  const { machine, options, versions, notMeasured, lines } = report;
  const isOurs = (who: string): boolean => who.startsWith('ours') || who === 'bare loop';
  const rows = lines.map((line) => {
    const peers = lines.filter(
      ({ workload, what, who }) => workload === line.workload && what === line.what && !isOurs(who),
    );
    const ratio = (of: number, others: readonly number[]): string =>
      others.length === 0 || !isOurs(line.who) ? '' : (of / Math.min(...others)).toFixed(2);
    return [
      `${line.workload}: ${line.what}`,
      line.who,
      line.cpuSeconds.toFixed(2),
      ratio(
        line.cpuSeconds,
        peers.map(({ cpuSeconds }) => cpuSeconds),
      ),
      line.wallSeconds.toFixed(2),
      ratio(
        line.wallSeconds,
        peers.map(({ wallSeconds }) => wallSeconds),
      ),
      line.peakMiB.toFixed(0),
      line.temporalSeconds === null
        ? ''
        : `${line.temporalSeconds.toFixed(2)}, ${(line.postgresSeconds ?? NaN).toFixed(2)}`,
      line.storesSeconds.toFixed(2),
      printRequests(line.requests),
    ];
  });
  const versionText = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${report.at.slice(0, 10)}, Node ${machine.node}, ${String(machine.cpus)} cores (${machine.model}), two stores of kind ${report.store}` +
      (options.latencyMs + options.listLatencyMs > 0
        ? `, ${String(options.latencyMs)} ms an answer, ${String(options.listLatencyMs)} ms more a listing`
        : ''),
    `medians of ${String(options.runs)} runs by turns${options.warmRuns === 0 ? '' : `, after ${String(options.warmRuns)} that is not counted`}; ${versionText.join(', ') || 'no peers'}`,
    ...(notMeasured.length === 0 ? [] : [`not measured (not on PATH, or not able to): ${notMeasured.join(', ')}`]),
    '',
    HEAD,
    HEAD.replaceAll(/[^|]+/g, ' --- '),
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
    '',
    ...printDurability(report),
    ...printGrowth(report),
  ].join('\n');
}

function printRequests(requests: Readonly<Record<string, number>> | null): string {
  if (requests === null) return 'not counted';
  return Object.entries(requests)
    .sort(([, x], [, y]) => y - x)
    .map(([name, count]) => `${name} ${String(count)}`)
    .join(', ');
}

/** Everything that a durable run costs, Temporal and Postgres too, against the loop that only copies. */
function printDurability({ lines }: Report): string[] {
  const find = (who: string): Line | undefined => lines.find((line) => line.workload === 'W1' && line.who === who);
  const bare = find('bare loop');
  const direct = find('ours, direct');
  if (bare === undefined || direct === undefined) return [];
  const whole = direct.cpuSeconds + (direct.temporalSeconds ?? 0) + (direct.postgresSeconds ?? 0);
  return [
    `durability: the whole of a direct run of W1, Temporal and Postgres too, is × ${(whole / bare.cpuSeconds).toFixed(2)} the CPU of the bare loop`,
  ];
}

/** Rounded to what is measured: of arithmetic with fractions the rest is noise. By default milliseconds. */
export function printJson(value: unknown, digits = 3): string {
  const round = (_: string, one: unknown): unknown =>
    typeof one === 'number' && !Number.isInteger(one) ? Number(one.toFixed(digits)) : one;
  return JSON.stringify(value, round, 2);
}

/** What an object costs, against the least of the counts that were asked for. */
function printGrowth({ options, lines }: Report): string[] {
  if (options.growth === null) return [];
  const groups = new Map<string, Line[]>();
  for (const line of lines) {
    const key = `${line.workload} ${line.who}`;
    groups.set(key, [...(groups.get(key) ?? []), line]);
  }
  return [...groups].flatMap(([key, [least, ...more]]) => {
    if (least === undefined) return [];
    const per = ({ cpuSeconds, objects }: Line): number => (cpuSeconds * 1e6) / objects;
    const whole = ({ temporalSeconds, postgresSeconds }: Line): number =>
      (temporalSeconds ?? 0) + (postgresSeconds ?? 0);
    return [least, ...more].map((line) => {
      const others =
        line.temporalSeconds === null
          ? ''
          : `, Temporal and Postgres ${((whole(line) * 1e6) / line.objects).toFixed(1)} µs`;
      return `growth: ${key}, ${line.objects.toLocaleString('en')} objects: ${per(line).toFixed(1)} µs of CPU an object (× ${(per(line) / per(least)).toFixed(2)})${others}, ${line.peakMiB.toFixed(0)} MiB`;
    });
  });
}
