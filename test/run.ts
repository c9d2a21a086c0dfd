/**
 * `npm test [-- PATTERN]`: the checks, then every test file, against one real Postgres and one real Temporal. With a pattern, only the
 * files whose path contains it, without the checks. The last line of standard output is `N passed, N failed`; the exit code is 1 when
 * anything failed or no test ran. However it ends, Ctrl-C included, no process and no temporary file stays behind.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { CHECKS, runCheck } from './runner/checks.ts';
import { findLeftovers, killLeftovers } from './runner/leftovers.ts';
import { printCount, printFailures, printLine } from './runner/print-results.ts';
import { isPassed, type FileResult } from './runner/result.ts';
import { runAll } from './runner/run-all.ts';
import { runFile } from './runner/run-file.ts';
import { startSharedServers, type SharedServers } from './runner/shared-servers.ts';
import { findTestFiles } from './runner/test-files.ts';

const ROOT = path.join(import.meta.dirname, '..');
const CHECK_LIMIT_MS = 300_000;
const LEFTOVER_GRACE_MS = 5000;

const pattern = process.argv[2];
const groups = await findTestFiles(ROOT, pattern);
const temporaryDir = await mkdtemp(path.join(os.tmpdir(), 'waybill-test-'));
// Postgres's unprivileged user has to enter it.
await chmod(temporaryDir, 0o755);
process.env['TMPDIR'] = temporaryDir;

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interruption.abort(signal));
}
const { signal } = interruption;
const results: FileResult[] = [];
const record = (result: FileResult): void => {
  results.push(result);
  // What an interruption breaks off did not fail.
  if (!signal.aborted) console.log(printLine(result));
};
let servers: SharedServers | undefined;
try {
  await runEverything();
} catch (error) {
  record({
    name: 'the run',
    tests: [{ title: 'goes through', outcome: 'failed', error: String(error) }],
    seconds: 0,
    output: '',
  });
} finally {
  await servers?.stop();
  await clearUp();
}
console.log(printFailures(results));
if (signal.aborted) console.log(`stopped by ${String(signal.reason)}`);
console.log(printCount(results));
const sound = results.length > 0 && results.every(({ tests }) => tests.every(isPassed));
process.exit(sound && !signal.aborted ? 0 : 1);

async function runEverything(): Promise<void> {
  const base = { cwd: ROOT, env: process.env, signal };
  if (pattern === undefined) {
    await runAll(CHECKS, 2, async (check) => {
      if (!signal.aborted) record(await runCheck(check, { ...base, limitMs: CHECK_LIMIT_MS }));
    });
  }
  for (const { files, concurrency, fileLimitMs, needsServers } of groups) {
    if (signal.aborted) return;
    if (needsServers)
      servers = await startSharedServers(path.join(temporaryDir, 'shared'), (line) => console.log(line));
    const env = { ...process.env, ...servers?.env };
    await runAll(files, concurrency, async (file) => {
      if (signal.aborted) return;
      record(await runFile(file, { ...base, env, limitMs: fileLimitMs, scratchDir: temporaryDir }));
    });
  }
}

/** A test that leaves a process behind is a test that fails. */
async function clearUp(): Promise<void> {
  const leftovers = await findLeftovers(temporaryDir, signal.aborted ? 0 : LEFTOVER_GRACE_MS);
  killLeftovers(leftovers);
  await rm(temporaryDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  if (signal.aborted) return;
  const error = leftovers.map(({ pid, command }) => `${pid} ${command}`).join('\n');
  const outcome = error === '' ? 'passed' : 'failed';
  record({
    name: 'after all tests',
    tests: [{ title: 'no process is left behind', outcome, error }],
    seconds: 0,
    output: '',
  });
}
