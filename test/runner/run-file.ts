/** Runs one test file in a process of its own. A file that fails outside its tests, or has none, fails as a whole. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { runToEnd, type Ended, type RunOptions } from './process-group.ts';
import type { FileResult, TestBegun, TestResult } from './result.ts';

const REPORTER = pathToFileURL(path.join(import.meta.dirname, 'reporter.ts')).href;

export interface RunFileOptions extends Omit<RunOptions, 'command'> {
  /** Of the project: tsx is found from here. */
  readonly cwd: string;
  /** For the file that the reporter writes. */
  readonly scratchDir: string;
  readonly node?: string;
}

export async function runFile(file: string, options: RunFileOptions): Promise<FileResult> {
  const report = path.join(options.scratchDir, `report-${file.replaceAll('/', '-')}.jsonl`);
  const flags = ['--import', 'tsx', `--test-reporter=${REPORTER}`, `--test-reporter-destination=${report}`];
  const ended = await runToEnd({ ...options, command: [options.node ?? process.execPath, ...flags, file] });
  const lines = (await readFile(report, 'utf8').catch(() => ''))
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as TestResult | TestBegun);
  const tests = lines.filter((line) => 'outcome' in line);
  const last = lines.at(-1);
  const whole = findWholeFailure(
    ended,
    options.limitMs,
    tests,
    last !== undefined && 'begun' in last ? last.begun : null,
  );
  if (whole !== null) tests.push({ title: 'the file as a whole', outcome: 'failed', error: whole });
  return { name: file, tests, seconds: ended.seconds, output: ended.output };
}

function findWholeFailure(
  { code, timedOut }: Ended,
  limitMs: number,
  tests: readonly TestResult[],
  underWay: string | null,
): string | null {
  if (timedOut) {
    return `was stopped after ${limitMs / 1000} s, ${underWay === null ? 'outside of its tests' : `in the test: ${underWay}`}`;
  }
  if (code !== 0 && !tests.some(({ outcome }) => outcome === 'failed')) return `ended with ${code}`;
  return tests.length === 0 ? 'has no test' : null;
}
