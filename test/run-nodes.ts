/**
 * `npm run test:nodes`: the demo and the unit tests under every Node that Waybill supports, over the packages as they are installed, and
 * the demo as an unprivileged user when this process is root. Prints a table; the last line is `N passed, N failed`.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { CHECKS, runCheck } from './runner/checks.ts';
import { currentNode, fetchNodes, type NodeBinary } from './runner/node-versions.ts';
import { runToEnd, type RunOptions } from './runner/process-group.ts';
import { isPassed, type FileResult } from './runner/result.ts';
import { runAll } from './runner/run-all.ts';
import { runFile } from './runner/run-file.ts';
import { runSession } from './runner/session.ts';
import { findTestFiles } from './runner/test-files.ts';
import { createUnprivilegedCheckout } from './runner/unprivileged-checkout.ts';

const ROOT = path.join(import.meta.dirname, '..');
const LIMIT_MS = 300_000;

interface Row {
  readonly node: string;
  readonly user: string;
  readonly what: string;
  readonly result: FileResult;
}

const [units] = await findTestFiles(ROOT, 'test/unit/');

await runSession(async ({ temporaryDir, signal, record }) => {
  const base = { cwd: ROOT, env: process.env, signal, limitMs: LIMIT_MS };
  for (const check of CHECKS.filter(({ name }) => name === 'build')) record(await runCheck(check, base));
  const nodes = [currentNode(), ...(await fetchNodes(path.join(temporaryDir, 'nodes'), signal))];
  const rows: Row[] = [];
  const add = (row: Row): void => {
    rows.push(row);
    record(row.result);
  };
  const me = process.getuid?.() === 0 ? 'root' : 'user';
  for (const node of nodes) {
    if (signal.aborted) return;
    add({ node: node.version, user: me, what: 'demo', result: await runDemo(node, base) });
    const scratchDir = path.join(temporaryDir, `reports-${node.version}`);
    await mkdir(scratchDir);
    const results = await runAll(units?.files ?? [], 2, (file) =>
      runFile(file, { ...base, env: withNode(node, base.env), scratchDir, node: node.file }),
    );
    add({
      node: node.version,
      user: me,
      what: 'unit tests',
      result: merge(`unit tests under Node ${node.version}`, results),
    });
  }
  const checkout = signal.aborted ? null : await createUnprivilegedCheckout(ROOT, path.join(temporaryDir, 'nobody'));
  for (const node of checkout === null ? [] : nodes) {
    const { dir: cwd, user, env } = checkout ?? { dir: ROOT, user: undefined, env: {} };
    const result = await runDemo(node, { ...base, cwd, env, ...(user === undefined ? {} : { user }) });
    add({ node: node.version, user: 'nobody', what: 'demo', result });
  }
  console.log(printTable(rows));
});

async function runDemo(node: NodeBinary, options: Omit<RunOptions, 'command'>): Promise<FileResult> {
  const command = [node.file, 'cli/waybill.js', 'demo'] as const;
  const { code, output, seconds } = await runToEnd({ ...options, command, env: withNode(node, options.env) });
  const whole = code === 0 && output.includes('nothing is left running');
  const error = whole ? null : `ended with ${code}\n${output}`;
  const name = `demo under Node ${node.version}${options.user === undefined ? '' : ' as nobody'}`;
  return {
    name,
    tests: [{ title: 'the demo shows what it says', outcome: whole ? 'passed' : 'failed', error }],
    seconds,
    output: '',
  };
}

/** Whoever asks PATH for `node` gets the same one. */
function withNode(node: NodeBinary, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, PATH: `${path.dirname(node.file)}${path.delimiter}${env['PATH'] ?? ''}` };
}

function merge(name: string, results: readonly FileResult[]): FileResult {
  return {
    name,
    tests: results.flatMap((result) =>
      result.tests.map((test) => ({ ...test, title: `${result.name}: ${test.title}` })),
    ),
    seconds: results.reduce((sum, { seconds }) => sum + seconds, 0),
    output: '',
  };
}

function printTable(rows: readonly Row[]): string {
  const cells = rows.map(({ node, user, what, result }) => {
    const passed = result.tests.filter(isPassed).length;
    return [node, user, what, `${passed} of ${result.tests.length}`, `${result.seconds.toFixed(1)} s`];
  });
  const table = [['NODE', 'USER', 'WHAT', 'PASSED', 'TIME'], ...cells];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return `\n${table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}`;
}
