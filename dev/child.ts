/** A process of the stack: started with its own environment and nothing else of ours, ready when it says so, stopped for sure. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

export interface ChildOptions {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** Added to what a process needs to run at all; secrets go to the one process that needs them. */
  readonly env: Readonly<Record<string, string>>;
  /** Everything that it prints is appended here. */
  readonly logFile: string;
  /** It is ready when a line of its standard output (or error) matches. */
  readonly ready: RegExp;
  /** Ends the wait: the process is killed, and the start fails with the signal's reason. */
  readonly signal?: AbortSignal;
  readonly cwd?: string;
}

export interface Child {
  readonly name: string;
  readonly pid: number;
  /** The line that said ready. */
  readonly readyLine: string;
  /** Resolves with the exit code, or the signal's name. */
  readonly exited: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL after the grace time. Resolves when it is gone. */
  stop(graceMs?: number): Promise<void>;
}

/** What any process needs, and no more. */
const PASSED_ON = [
  'PATH',
  'HOME',
  'USER',
  'LANG',
  'TZ',
  'TMPDIR',
  'NODE_OPTIONS',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
];
/** Five processes of a stack start at once, on however slow a machine. */
const READY_WITHIN_MS = 180_000;
const GRACE_MS = 15_000;

/** A process ended in place of becoming ready: how, and, in the message, the last that it said. */
export class EndedEarly extends Error {
  /** The exit code, or the signal's name. */
  readonly end: number | string;

  constructor(name: string, end: number | string, said: readonly string[]) {
    super(`${name} ended before it was ready: ${end}\n${said.join('\n')}`);
    this.end = end;
  }
}

/** @throws EndedEarly; an Error with the last lines of the log when it does not say that it is ready */
export async function startChild(options: ChildOptions): Promise<Child> {
  options.signal?.throwIfAborted();
  const [file, ...args] = options.command;
  const env = Object.fromEntries(
    PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  const child = spawn(file, args, {
    env: { ...env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A Ctrl-C at the terminal reaches the parent alone, which stops its children in order.
    detached: true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const exited = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const readyLine = await waitUntilReady(child, options, exited);
  const kill = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  return {
    name: options.name,
    pid: child.pid ?? -1,
    readyLine,
    exited,
    kill,
    async stop(graceMs = GRACE_MS) {
      kill('SIGTERM');
      const timer = setTimeout(() => kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

async function waitUntilReady(
  child: ChildProcess,
  options: ChildOptions,
  exited: Promise<number | string>,
): Promise<string> {
  const log = createWriteStream(options.logFile, { flags: 'a', mode: 0o600 });
  const last: string[] = [];
  const { promise, resolve } = withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      log.write(`${line}\n`);
      if (last.push(line) > 20) last.shift();
      if (options.ready.test(line)) resolve(line);
    });
  }
  void exited.then(() => log.end());
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${options.name} was not ready within ${READY_WITHIN_MS} ms\n${last.join('\n')}`)),
      READY_WITHIN_MS,
    );
  });
  const ended = exited.then((code) => {
    throw new EndedEarly(options.name, code, last);
  });
  const { signal } = options;
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = (): void => reject(signal?.reason instanceof Error ? signal.reason : new Error('the start was broken off'));
    signal?.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([promise, late, ended, aborted]);
  } catch (error) {
    child.kill('SIGKILL');
    await exited;
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** Promise.withResolvers, which Node 20 lacks. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}
