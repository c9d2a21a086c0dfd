/**
 * What the ledger and the activities over it cost an object, from 10⁴ objects to 10⁷: deliveries, listing, manifest, plan and finalize
 * over a real, durable Postgres and stores that cost nothing, without Temporal. Each number of objects in a process and a database of
 * its own. CPU of ours and of Postgres in microseconds an object, peak memory of the process, and what the deliveries take on disk.
 *
 * node --import tsx bench/ledger-scale.ts 10000,100000,1000000 [--once] [--json FILE]; BENCH_FLAGS="--cpu-prof --cpu-prof-dir=DIR"
 * --once: what is written is written once, and no plan of everything being new; for ten million.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import pg from 'pg';
import { MALLOC_BOUNDS, V8_BOUNDS } from '../dev/entry.ts';
import { removeCluster } from '../dev/postgres-cluster.ts';
import { startPostgres } from '../dev/postgres.ts';
import { migrate } from '../ledger/postgres/migrate.ts';
import type { Phase, PhasesInput } from './ledger-scale/phases.ts';
import { readArguments, refuse, takeAtMost, toCounts } from './run/arguments.ts';
import { checkWritable } from './run/check-before.ts';
import { toPatternMd5 } from './run/null-store/bytes.ts';
import { printJson } from './run/report.ts';
import { startBenchStore } from './run/stores.ts';

const SIZE_BYTES = 1024;
const PREFIX = 'copies/';
/** Digits of the JSON: what a phase takes is divided by its objects. */
const MICROSECONDS = 6;

const { counts, jsonFile, isOnce } = readArguments(
  'node --import tsx bench/ledger-scale.ts [COUNTS, comma between] [--once] [--json FILE]',
  (args) => {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { once: { type: 'boolean', default: false }, json: { type: 'string' } },
    });
    const [countsText = '10000,100000'] = takeAtMost(positionals, 1);
    return { counts: toCounts('COUNTS', countsText), jsonFile: values.json, isOnce: values.once };
  },
);
if (jsonFile !== undefined) await checkWritable(jsonFile).catch(refuse);

const directory = await mkdtemp(path.join(os.tmpdir(), 'waybill-bench-'));
const script = await bundle();
const rows: { count: number; phase: Phase }[] = [];
try {
  for (const count of counts) {
    const { phases, sizes } = await measureCount(count);
    for (const phase of phases) {
      rows.push({ count, phase });
      console.log(print(count, phase));
    }
    console.log(`  on disk: ${sizes}`);
  }
  if (jsonFile !== undefined) await writeFile(jsonFile, `${printJson(rows, MICROSECONDS)}\n`);
} finally {
  await rm(directory, { recursive: true, force: true });
}

function print(count: number, { name, cpuSeconds, postgresSeconds, wallSeconds, peakMiB }: Phase): string {
  const each = (seconds: number): string => ((seconds * 1e6) / count).toFixed(2).padStart(7);
  const least = rows.find(({ phase }) => phase.name === name);
  const growth = least === undefined ? 1 : cpuSeconds / count / (least.phase.cpuSeconds / least.count);
  return [
    count.toLocaleString('en').padStart(11),
    name.padEnd(26),
    `${each(cpuSeconds)} µs (× ${growth.toFixed(2)})`,
    `Postgres ${each(postgresSeconds)} µs`,
    `wall ${wallSeconds.toFixed(2).padStart(7)} s`,
    `peak ${peakMiB.toFixed(0)} MiB`,
  ].join('  ');
}

async function measureCount(count: number): Promise<{ phases: readonly Phase[]; sizes: string }> {
  const own = path.join(directory, String(count));
  const postgres = await startPostgres({ dataDir: path.join(own, 'postgres') });
  const stores = await Promise.all(
    ['a', 'b'].map((name) => startBenchStore({ kind: 'null', name, directory, keys: null, workloads: [] })),
  );
  try {
    await migrate(postgres.url);
    const [source, target] = stores;
    if (source === undefined || target === undefined) throw new Error('there are two stores');
    await source.order({ do: 'source', bucket: 'source', count, sizeBytes: SIZE_BYTES });
    await target.order({ do: 'source', bucket: 'full', count, sizeBytes: SIZE_BYTES, prefix: PREFIX });
    const input: PhasesInput = {
      postgresUrl: postgres.url,
      postgresPid: postgres.pid,
      count,
      sizeBytes: SIZE_BYTES,
      etag: toPatternMd5(SIZE_BYTES),
      sourcePort: source.port,
      targetPort: target.port,
      bucket: 'source',
      emptyBucket: 'empty',
      fullBucket: 'full',
      prefix: PREFIX,
      isOnce,
    };
    const phases = await runPhases(input);
    return { phases, sizes: await readSizes(postgres.url, count) };
  } finally {
    await Promise.all(stores.map((store) => store.stop()));
    await postgres.stop();
    removeCluster(path.join(own, 'postgres'));
    await rm(own, { recursive: true, force: true });
  }
}

async function runPhases(input: PhasesInput): Promise<Phase[]> {
  const flags = process.env['BENCH_FLAGS']?.split(' ') ?? [];
  const child = spawn(process.execPath, [...V8_BOUNDS, ...flags, script, JSON.stringify(input)], {
    env: { ...process.env, ...MALLOC_BOUNDS },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const phases: Phase[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) phases.push(JSON.parse(line) as Phase);
    // What flags of Node make it say.
    else console.error(line);
  }
  const code = await ended;
  if (code !== 0) throw new Error(`the measured process ended with ${String(code)}`);
  return phases;
}

/** Bytes an object of the deliveries and their indexes, after all of them were written twice (once with --once). */
async function readSizes(url: string, count: number): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows: sizes } = await client.query<{ name: string; bytes: string }>(
    `select c.relname as name, pg_relation_size(c.oid) as bytes from pg_class c
     where c.relname like 'delivery%' and c.relkind in ('r', 'i') order by 1`,
  );
  const { rows: updates } = await client.query<{ hot: string; all: string }>(
    `select n_tup_hot_upd as hot, n_tup_upd as all from pg_stat_user_tables where relname = 'delivery'`,
  );
  await client.end();
  const each = sizes.map(({ name, bytes }) => `${name} ${(Number(bytes) / count).toFixed(0)} B an object`);
  const [update] = updates;
  return [...each, `${update?.hot ?? '?'} of ${update?.all ?? '?'} updates HOT`].join(', ');
}

/** Plain JavaScript, so that no compiler is measured; packages stay where they are. */
async function bundle(): Promise<string> {
  const outfile = path.join(directory, 'phases.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('ledger-scale/phases.ts', import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
    plugins: [
      {
        name: 'packages-where-they-are',
        setup(plugin) {
          plugin.onResolve({ filter: /^[a-z@]/ }, ({ path: to }) =>
            to.startsWith('node:') ? { path: to, external: true } : { path: import.meta.resolve(to), external: true },
          );
        },
      },
    ],
  });
  return outfile;
}
