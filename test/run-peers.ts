/**
 * `npm run test:peers [-- SUITE]`: the public suites against `waybill store` and against the peers that are on PATH, versitygw and
 * minio. It prints how many of the counted tests each passes. A failure of ours that has no reason written down is a fault, and so is a
 * reason whose test passes, and fewer passes than a peer in a suite that is not the peer's own. What is not there is not
 * measured, and counts as failed, as what was not run did not pass. The last line is `N passed, N failed`.
 */
import { createMinioGoSuite } from './peers/minio-go-suite.ts';
import { createS3TestsSuite } from './peers/s3-tests-suite.ts';
import { createContenders, type Contender } from './peers/servers.ts';
import type { Suite, SuiteRun } from './peers/suite.ts';
import { createVersitygwSuite } from './peers/versitygw-suite.ts';
import type { TestResult } from './runner/result.ts';
import { runSession } from './runner/session.ts';

const OURS = 'waybill';
const wanted = process.argv[2] ?? '';

await runSession(async ({ temporaryDir, record, signal }) => {
  const contenders = createContenders();
  const rows: string[] = [];
  for (const suite of [createS3TestsSuite(), createMinioGoSuite(), createVersitygwSuite()]) {
    if (!suite.name.includes(wanted)) continue;
    if (suite.missing !== null) {
      record({ name: suite.name, tests: [notMeasured('the suite', suite.missing)], seconds: 0, output: '' });
      rows.push(`${suite.name.padEnd(28)}not measured: ${suite.missing}`);
      continue;
    }
    const runs = new Map<string, SuiteRun>();
    for (const contender of contenders) {
      if (signal.aborted) return;
      const startedAt = performance.now();
      const [run, test] = await measure(suite, contender, temporaryDir, signal);
      if (run !== null) runs.set(contender.name, run);
      const seconds = (performance.now() - startedAt) / 1000;
      record({ name: `${suite.name}, ${contender.name}`, tests: [test], seconds, output: '' });
    }
    const ours = runs.get(OURS);
    if (ours !== undefined) record({ name: suite.name, tests: judge(suite, ours, runs), seconds: 0, output: '' });
    rows.push(...contenders.map(({ name, missing }) => printRow(suite, name, runs.get(name), missing)));
  }
  console.log(`\n${rows.join('\n')}`);
});

async function measure(
  suite: Suite,
  contender: Contender,
  temporaryDir: string,
  signal: AbortSignal,
): Promise<[SuiteRun | null, TestResult]> {
  const title = 'the suite was run to its end';
  if (contender.missing !== null) return [null, notMeasured(title, contender.missing)];
  const server = await contender.start(temporaryDir);
  try {
    const run = await suite.run(server, temporaryDir, signal);
    return [run, { title, outcome: run.broken === null ? 'passed' : 'failed', error: run.broken }];
  } finally {
    await server.close();
  }
}

function notMeasured(title: string, why: string): TestResult {
  return { title, outcome: 'skipped', error: `not measured: ${why}` };
}

function judge(suite: Suite, ours: SuiteRun, runs: ReadonlyMap<string, SuiteRun>): TestResult[] {
  const failures = [...ours.outcomes].filter(([test, why]) => why !== null && suite.isCounted(test));
  const unexplained = failures.filter(([test]) => suite.deviations[test] === undefined);
  // Also one of a test that this version of the suite has not.
  const stale = Object.keys(suite.deviations).filter((test) => (ours.outcomes.get(test) ?? null) === null);
  const tests = [
    toTest(
      'every failure has its reason',
      unexplained.map(([test, why]) => `${test}: ${String(why)}`),
    ),
    toTest('every reason has its failure', stale),
  ];
  const others = [...runs].filter(([name, { broken }]) => name !== OURS && name !== suite.ownOf && broken === null);
  if (others.length === 0) return tests;
  const passed = countOf(suite, ours).passed;
  const better = others.filter(([, run]) => countOf(suite, run).passed > passed).map(([name]) => name);
  return [...tests, toTest('no peer passes more, but for its own suite', better)];
}

function toTest(title: string, faults: readonly string[]): TestResult {
  return faults.length === 0
    ? { title, outcome: 'passed', error: null }
    : { title, outcome: 'failed', error: faults.join('\n') };
}

function countOf(suite: Suite, { outcomes }: SuiteRun): { readonly passed: number; readonly counted: number } {
  const counted = [...outcomes].filter(([test]) => suite.isCounted(test));
  return { passed: counted.filter(([, why]) => why === null).length, counted: counted.length };
}

function printRow(suite: Suite, name: string, run: SuiteRun | undefined, missing: string | null): string {
  const start = `${suite.name.padEnd(28)}${name.padEnd(12)}`;
  if (run === undefined) return `${start}not measured: ${missing ?? 'it was not run'}`;
  const { passed, counted } = countOf(suite, run);
  return `${start}${String(passed)} of ${String(counted)}${run.broken === null ? '' : `; ${run.broken}`}`;
}
