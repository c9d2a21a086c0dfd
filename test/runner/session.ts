/**
 * What every run of tests has around it: a temporary directory of its own, results that are counted, an end on Ctrl-C, and the clearing
 * up. However it ends, no process and no temporary file stays behind.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { findLeftovers, killLeftovers } from './leftovers.ts';
import { printCount, printFailures, printLine } from './print-results.ts';
import { isPassed, type FileResult } from './result.ts';

const LEFTOVER_GRACE_MS = 30_000;

export interface Session {
  /** TMPDIR of this process and of all that it starts. */
  readonly temporaryDir: string;
  /** Aborted by Ctrl-C: nothing more is to be started. */
  readonly signal: AbortSignal;
  readonly record: (result: FileResult) => void;
  readonly results: readonly FileResult[];
  /** Done at the end, last first. */
  readonly atEnd: (stop: () => Promise<void>) => void;
}

/** Runs the work, prints the failures again and the count last, and ends the process: with 1 when anything failed or nothing ran. */
export async function runSession(work: (session: Session) => Promise<void>): Promise<never> {
  const temporaryDir = await mkdtemp(path.join(os.tmpdir(), 'waybill-test-'));
  // Postgres's unprivileged user has to enter it.
  await chmod(temporaryDir, 0o755);
  process.env['TMPDIR'] = temporaryDir;
  const interruption = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interruption.abort(name));
  const { signal } = interruption;

  const results: FileResult[] = [];
  const record = (result: FileResult): void => {
    // What an interruption breaks off did not fail.
    if (signal.aborted) return;
    results.push(result);
    console.log(printLine(result));
  };
  const one = (name: string, title: string, error: string | null): FileResult => ({
    name,
    tests: [{ title, outcome: error === null ? 'passed' : 'failed', error }],
    seconds: 0,
    output: '',
  });
  const stops: (() => Promise<void>)[] = [];
  try {
    await work({ temporaryDir, signal, record, results, atEnd: (stop) => stops.unshift(stop) });
  } catch (error) {
    record(one('the run', 'goes through', error instanceof Error ? (error.stack ?? error.message) : String(error)));
  }
  for (const stop of stops) await stop();

  const leftovers = await findLeftovers(temporaryDir, signal.aborted ? 0 : LEFTOVER_GRACE_MS);
  killLeftovers(leftovers);
  await rm(temporaryDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  const commands = leftovers.map(({ pid, command }) => `${pid} ${command}`).join('\n');
  const ran = results.length > 0;
  record(one('after all tests', 'no process is left behind', commands === '' ? null : commands));

  console.log(printFailures(results));
  if (signal.aborted) console.log(`stopped by ${String(signal.reason)}`);
  console.log(printCount(results));
  process.exit(ran && !signal.aborted && results.every(({ tests }) => tests.every(isPassed)) ? 0 : 1);
}
