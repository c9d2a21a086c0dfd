/** The checks over the sources, each a command that exits with 0 or fails. They come before the tests: what they find is found sooner. */
import { runToEnd, type RunOptions } from './process-group.ts';
import type { FileResult } from './result.ts';

interface Check {
  readonly name: string;
  /** An npm script. */
  readonly command: readonly [string, ...string[]];
}

const npmScript = (name: string): Check['command'] => ['npm', 'run', '--silent', name];

export const CHECKS: readonly Check[] = [
  { name: 'types', command: npmScript('typecheck') },
  { name: 'lint', command: npmScript('lint') },
  { name: 'format', command: npmScript('format:check') },
  { name: 'build', command: npmScript('build') },
];

export async function runCheck({ name, command }: Check, options: Omit<RunOptions, 'command'>): Promise<FileResult> {
  const { code, timedOut, output, seconds } = await runToEnd({ ...options, command });
  const error = timedOut ? `was stopped after ${options.limitMs / 1000} s` : `ended with ${code}\n${output}`;
  const test = {
    title: name,
    ...(code === 0 ? { outcome: 'passed' as const, error: null } : { outcome: 'failed' as const, error }),
  };
  return { name: `check: ${name}`, tests: [test], seconds, output: '' };
}
