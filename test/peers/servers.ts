/**
 * The servers that the public suites are run against: ours, and the peers that are on PATH. Each is a process of its own on a free
 * port of loopback, over an empty directory, with one key.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreePort } from '../../dev/free-port.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const START_LIMIT_MS = 30_000;

export const ACCESS_KEY_ID = 'peerscomparison';
export const SECRET_ACCESS_KEY = 'peers-comparison-secret';

export interface StartedServer {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface Contender {
  readonly name: string;
  /** Why it cannot be measured; null when it can. */
  readonly missing: string | null;
  start(temporaryDir: string): Promise<StartedServer>;
}

interface Launch {
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

const WAYBILL = {
  name: 'waybill',
  program: process.execPath,
  launch: (port: number, dir: string): Launch => ({
    command: [
      process.execPath,
      ...['--import', 'tsx', 'cli/main.ts', 'store', '--root', dir, '--listen', `127.0.0.1:${String(port)}`],
      '--allow-unsigned-payload',
    ],
    env: { WAYBILL_ACCESS_KEY_ID: ACCESS_KEY_ID, WAYBILL_SECRET_ACCESS_KEY: SECRET_ACCESS_KEY },
  }),
};

const VERSITYGW = {
  name: 'versitygw',
  program: 'versitygw',
  launch: (port: number, dir: string): Launch => ({
    command: ['versitygw', '--port', `127.0.0.1:${String(port)}`, 'posix', dir],
    env: { ROOT_ACCESS_KEY_ID: ACCESS_KEY_ID, ROOT_SECRET_ACCESS_KEY: SECRET_ACCESS_KEY },
  }),
};

const MINIO = {
  name: 'minio',
  program: 'minio',
  launch: (port: number, dir: string): Launch => ({
    command: ['minio', 'server', '--quiet', '--address', `127.0.0.1:${String(port)}`, dir],
    env: {
      MINIO_ROOT_USER: ACCESS_KEY_ID,
      MINIO_ROOT_PASSWORD: SECRET_ACCESS_KEY,
      MINIO_UPDATE: 'off',
      MINIO_BROWSER: 'off',
      // It refuses the root file system as a drive otherwise.
      MINIO_CI_CD: '1',
    },
  }),
};

export const createContenders = (): Contender[] =>
  [WAYBILL, VERSITYGW, MINIO].map(({ name, program, launch }) => ({
    name,
    missing: isThere(program) ? null : `${program} is not on PATH`,
    start: async (temporaryDir) => {
      const port = await findFreePort();
      return start(name, launch(port, await mkdtemp(path.join(temporaryDir, `${name}-`))), port);
    },
  }));

/** Whether a program can be run: by its path, or by its name from PATH. */
export function isThere(program: string): boolean {
  const directories = program.includes(path.sep) ? [''] : (process.env['PATH'] ?? '').split(path.delimiter);
  return directories.some((directory) => {
    try {
      accessSync(path.join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function start(name: string, { command, env }: Launch, port: number): Promise<StartedServer> {
  const [file, ...args] = command;
  const child = spawn(file, args, { cwd: ROOT, env: { PATH: process.env['PATH'], ...env }, stdio: 'ignore' });
  let ended: string | null = null;
  child.once('error', ({ message }) => (ended ??= message));
  child.once('exit', (code, signal) => (ended ??= `it ended with ${String(code ?? signal)}`));
  const giveUpAt = performance.now() + START_LIMIT_MS;
  while (!(await isListening(port))) {
    if (ended !== null || performance.now() > giveUpAt) {
      child.kill('SIGKILL');
      throw new Error(`${name} does not listen: ${ended ?? 'no answer'}`);
    }
    await delay(100);
  }
  return {
    url: `http://127.0.0.1:${String(port)}`,
    port,
    close: async () => {
      if (ended !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      const hard = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await gone;
      clearTimeout(hard);
    },
  };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
