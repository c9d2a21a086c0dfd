/**
 * Runs a process to its end as the leader of a group of its own, so that it and its children can be stopped together and a Ctrl-C at
 * the terminal reaches the runner alone, which then stops everything in order.
 */
import { spawn } from 'node:child_process';

export interface RunOptions {
  readonly command: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly limitMs: number;
  readonly signal: AbortSignal;
  readonly user?: { readonly uid: number; readonly gid: number };
}

export interface Ended {
  /** The exit code, the signal's name, or why it did not start. */
  readonly code: number | string;
  readonly timedOut: boolean;
  readonly output: string;
  readonly seconds: number;
}

const OUTPUT_CHARS_MAX = 40_000;
/** A process that is told to end may stop its servers first. */
const GRACE_MS = 10_000;

export function runToEnd(options: RunOptions): Promise<Ended> {
  const startedAt = performance.now();
  const [file, ...args] = options.command;
  const { env, cwd, user } = options;
  const child = spawn(file, args, { env, cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'], ...user });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-OUTPUT_CHARS_MAX)));
  }
  const signalGroup = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // The group is gone already.
    }
  };
  let timedOut = false;
  let grace: NodeJS.Timeout | undefined;
  const end = (): void => {
    signalGroup('SIGTERM');
    grace ??= setTimeout(() => signalGroup('SIGKILL'), GRACE_MS);
  };
  const limit = setTimeout(() => {
    timedOut = true;
    end();
  }, options.limitMs);
  options.signal.addEventListener('abort', end, { once: true });
  if (options.signal.aborted) end();
  return new Promise((resolve) => {
    const finish = (code: number | string): void => {
      clearTimeout(limit);
      clearTimeout(grace);
      options.signal.removeEventListener('abort', end);
      signalGroup('SIGKILL');
      // Processes that it left behind may hold its pipes open.
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ code, timedOut, output, seconds: (performance.now() - startedAt) / 1000 });
    };
    child.once('error', (error) => finish(error.message));
    child.once('exit', (code, signal) => setTimeout(finish, 20, code ?? signal ?? 'unknown'));
  });
}
