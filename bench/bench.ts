/**
 * Ours against its peers on the same work: two S3 servers of one kind are started, and Waybill (straight to the stores, and through its
 * gateway) and every peer that is on PATH copy between them by turns. What counts is the CPU of the copier: all processes of ours, worker,
 * API and gateway; Temporal and Postgres stand beside it. Wall time is of a machine that stores and copier share. Needs a build; Linux.
 *
 * npm run bench -- --quick
 */
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { removeCluster } from '../dev/postgres-cluster.ts';
import { readArguments, refuse } from './run/arguments.ts';
import { checkStoreKind, checkWritable } from './run/check-before.ts';
import { parseOptions, USAGE } from './run/options.ts';
import { toPostgresDirectory } from './run/ours.ts';
import { printJson, printReport, toReport } from './run/report.ts';
import { runAll } from './run/run-all.ts';

const options = readArguments(USAGE, parseOptions);
await checkStoreKind(options.kind).catch(refuse);
if (options.jsonFile !== null) await checkWritable(options.jsonFile).catch(refuse);
const directory = await mkdtemp(path.join(os.tmpdir(), 'waybill-bench-'));
// However it ends, a signal included: by then everything has stopped.
if (process.env['WAYBILL_BENCH_KEEP'] === undefined) {
  process.once('exit', () => {
    removeCluster(toPostgresDirectory(directory));
    rmSync(directory, { recursive: true, force: true });
  });
}
const startedAt = performance.now();
const report = toReport(options, await runAll(options, directory, (line) => console.error(line)));
console.log(printReport(report));
if (options.jsonFile !== null) await writeFile(options.jsonFile, `${printJson(report)}\n`);
console.error(`took ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
