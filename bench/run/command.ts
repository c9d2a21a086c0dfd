/** Runs a command to its end and tells what it took, its children included. */
import { spawn } from 'node:child_process';
import { readEndedChildrenSeconds, readPeakMiB } from './processes.ts';

export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

export interface Cost {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMiB: number;
}

const LOOK_MS = 20;
const SAID_CHARACTERS = 2000;

/** @throws an Error with the end of what it said when it fails */
export async function runCommand(
  { argv, env }: Command,
  signal: AbortSignal,
): Promise<Cost & { readonly output: string }> {
  const cpuBefore = readEndedChildrenSeconds();
  const startedAt = performance.now();
  const [file, ...args] = argv;
  const child = spawn(file, args, {
    env: { ...toPlainEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  let output = '';
  const keepEnd = (piece: Buffer): void => {
    output = (output + piece.toString()).slice(-SAID_CHARACTERS);
  };
  child.stdout.on('data', keepEnd);
  child.stderr.on('data', keepEnd);
  let peakMiB = 0;
  const timer = setInterval(() => {
    const now = readPeakMiB(child.pid ?? 0);
    if (now > peakMiB) peakMiB = now;
  }, LOOK_MS);
  const code = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (status, by) => resolve(status ?? by ?? 'unknown'));
  });
  clearInterval(timer);
  const wallSeconds = (performance.now() - startedAt) / 1000;
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${String(code)}\n${output}`);
  return { wallSeconds, cpuSeconds: readEndedChildrenSeconds() - cpuBefore, peakMiB, output };
}

/** Nothing of the caller's that a client of S3 would read. */
function toPlainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(AWS|MC|RCLONE|S3|JFS)_/.test(name) && !/_proxy$/i.test(name)),
  );
}
