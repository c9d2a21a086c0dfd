/** The command line of the bench. */
import { parseArgs } from 'node:util';
import { toCount, toCounts, toOneOf } from './arguments.ts';
import { DISTRIBUTIONS, type Distribution } from './null-store/distributions.ts';
import { QUICK_SHAPES, SHAPES, type Shape } from './ours.ts';
import { PEER_NAMES, type PeerName } from './peers.ts';
import { STORE_KINDS, type StoreKind } from './stores.ts';
import { WORKLOAD_NAMES, type WorkloadName } from './workloads.ts';

export interface BenchOptions {
  readonly isQuick: boolean;
  readonly kind: StoreKind;
  readonly workloads: readonly WorkloadName[];
  readonly runs: number;
  /** Rounds before them that count for nothing: a worker of ours runs for months, and its code is compiled while it first runs. */
  readonly warmRuns: number;
  readonly shapes: readonly Shape[];
  readonly peers: readonly PeerName[];
  readonly jsonFile: string | null;
  /** Of every answer, and of every listing besides; the null store alone can. */
  readonly latencyMs: number;
  readonly listLatencyMs: number;
  readonly workers: number;
  /** Of the keys of the null store's source; null: numbered, a thousand in a directory. */
  readonly keys: Distribution | null;
  readonly growth: readonly number[] | null;
}

export const USAGE = `npm run bench -- [W1 W2 W3 W4 W5] [options]
  --quick                 small sizes against our own store: under three minutes
  --store KIND            ${STORE_KINDS.join(', ')} (waybill with --quick, else null)
  --runs N                interleaved runs (5; 2 with --quick)
  --warm N                as many before them that are not counted (1; 0 with fewer than 3 runs, or --growth)
  --only NAMES            of ${[...SHAPES, 'bare', ...PEER_NAMES].join(', ')}, comma between
  --workers N             worker processes of each shape (1)
  --latency-ms N          added to every answer of the null store
  --list-latency-ms N     added to every listing of the null store
  --keys SHAPE            of the null store: ${DISTRIBUTIONS.join(', ')} (numbered, a thousand in a directory)
  --growth COUNTS         each workload with 10000,100000[,...] objects instead of its own number, and what one costs
  --json FILE             the figures, every run of them
  --help                  this`;

/** @throws an Error that says what is wrong */
export function parseOptions(args: readonly string[]): BenchOptions & { readonly bare: boolean } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      store: { type: 'string' },
      runs: { type: 'string' },
      warm: { type: 'string' },
      only: { type: 'string' },
      workers: { type: 'string', default: '1' },
      'latency-ms': { type: 'string', default: '0' },
      'list-latency-ms': { type: 'string', default: '0' },
      keys: { type: 'string' },
      growth: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const isQuick = values.quick;
  const kind = toOneOf('--store', values.store ?? (isQuick ? 'waybill' : 'null'), STORE_KINDS);
  const named = values.only?.split(',') ?? null;
  const isWanted = (name: string): boolean => named === null || named.includes(name);
  for (const name of named ?? []) toOneOf('--only', name, [...SHAPES, 'bare', ...PEER_NAMES]);
  const latencyMs = toCount('--latency-ms', values['latency-ms'], 0);
  const listLatencyMs = toCount('--list-latency-ms', values['list-latency-ms'], 0);
  if (kind !== 'null' && latencyMs + listLatencyMs > 0) throw new Error('only the null store delays its answers');
  if (kind !== 'null' && values.keys !== undefined) throw new Error('only the null store has keys of a shape');
  const runs = values.runs === undefined ? (isQuick ? 2 : 5) : toCount('--runs', values.runs);
  const warmRuns = runs < 3 || values.growth !== undefined ? 0 : 1;
  return {
    isQuick,
    kind,
    workloads:
      positionals.length === 0
        ? WORKLOAD_NAMES
        : positionals.map((name) => toOneOf('a workload', name, WORKLOAD_NAMES)),
    runs,
    warmRuns: values.warm === undefined ? warmRuns : toCount('--warm', values.warm, 0),
    shapes: SHAPES.filter((shape) => isWanted(shape) && (named !== null || !isQuick || QUICK_SHAPES.includes(shape))),
    bare: isWanted('bare'),
    peers: PEER_NAMES.filter(isWanted),
    jsonFile: values.json ?? null,
    latencyMs,
    listLatencyMs,
    workers: toCount('--workers', values.workers),
    keys: values.keys === undefined ? null : toOneOf('--keys', values.keys, DISTRIBUTIONS),
    growth: values.growth === undefined ? null : toCounts('--growth', values.growth),
  };
}
