/**
 * `npm test [-- PATTERN]`: the checks, then every test file, against one real Postgres and one real Temporal. With a pattern, only the
 * files whose path contains it, and of the checks only the build, where stacks are started: they run the build, as users do. The last
 * line of standard output is `N passed, N failed`; the exit code is 1 when anything failed or no test ran.
 */
import path from 'node:path';
import { CHECKS, runCheck } from './runner/checks.ts';
import { runAll } from './runner/run-all.ts';
import { runFile } from './runner/run-file.ts';
import { runSession } from './runner/session.ts';
import { startSharedServers, type SharedServers } from './runner/shared-servers.ts';
import { findTestFiles } from './runner/test-files.ts';

const ROOT = path.join(import.meta.dirname, '..');
/** Seen on a machine that ran fifteen other things: 213 s for the linter. */
const CHECK_LIMIT_MS = 900_000;

const pattern = process.argv[2];
const groups = await findTestFiles(ROOT, pattern);

await runSession(async ({ temporaryDir, signal, record, atEnd }) => {
  const base = { cwd: ROOT, env: process.env, signal };
  const needsBuild = groups.some(({ needsServers }) => needsServers);
  const checks = pattern === undefined ? CHECKS : CHECKS.filter(({ name }) => name === 'build' && needsBuild);
  await runAll(checks, 2, async (check) => {
    if (!signal.aborted) record(await runCheck(check, { ...base, limitMs: CHECK_LIMIT_MS }));
  });
  let servers: SharedServers | undefined;
  for (const { files, concurrency, fileLimitMs, needsServers } of groups) {
    if (signal.aborted) return;
    if (needsServers && servers === undefined) {
      const started = await startSharedServers(path.join(temporaryDir, 'shared'), (line) => console.log(line));
      atEnd(() => started.stop());
      servers = started;
    }
    const built = needsServers ? { WAYBILL_TEST_BUILT: '1' } : {};
    const env = { ...process.env, ...built, ...servers?.env };
    await runAll(files, concurrency, async (file) => {
      if (signal.aborted) return;
      record(await runFile(file, { ...base, env, limitMs: fileLimitMs, scratchDir: temporaryDir }));
    });
  }
});
