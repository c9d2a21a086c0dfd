/** The processes that take part: how they are started, and what they cost by the kernel's own account. */
import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { V8_BOUNDS } from '../../dev/entry.ts';
import { untilListening } from '../run/until-listening.ts';
import { CREDENTIALS } from './credentials.ts';
import type { Job } from './load.ts';

export interface Server {
  readonly child: ChildProcess;
  readonly port: number;
}

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const EXEC_ARGV = [...V8_BOUNDS, '--import', 'tsx'];

/** A file beside this one that sends its port. */
export async function startServer(file: string, args: readonly string[]): Promise<Server> {
  const child = fork(here(file), args, { execArgv: EXEC_ARGV });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message) => resolve(message as number));
    child.once('exit', () => reject(new Error(`${file} has ended`)));
  });
  return { child, port };
}

/**
 * `waybill gateway` as it is built, with its defaults: every request is in the log, which nobody reads.
 * WAYBILL_BENCH_MAIN names another build, WAYBILL_BENCH_FLAGS more flags of Node (--cpu-prof).
 */
export async function startGateway(directory: string, storePort: number): Promise<Server> {
  const file = join(directory, 'waybill.yaml');
  await writeFile(file, toConfig(storePort));
  const main = process.env['WAYBILL_BENCH_MAIN'] ?? here('../../cli/waybill.js');
  const flags = process.env['WAYBILL_BENCH_FLAGS']?.split(' ') ?? [];
  const child = spawn(process.execPath, [...V8_BOUNDS, ...flags, main, 'gateway', '--config', file], {
    stdio: ['ignore', 'pipe', process.env['WAYBILL_BENCH_STDERR'] === '1' ? 'inherit' : 'ignore'],
    env: {
      ...process.env,
      CALLER_ID: CREDENTIALS.accessKeyId,
      CALLER_SECRET: CREDENTIALS.secretAccessKey,
      STORE_ID: 'AKIDSTORE',
      STORE_SECRET: 'bench-secret-of-the-store',
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.on('data', (text: Buffer) => resolve(Number(/listening on \S*:(\d+)/.exec(text.toString())?.[1])));
    child.once('exit', () => reject(new Error('the gateway has ended')));
  });
  return { child, port };
}

const toConfig = (storePort: number): string => `
stores:
  nothing:
    endpoint: http://127.0.0.1:${String(storePort)}
    region: us-east-1
    addressing: path
    credentials: { access_key_id: env:STORE_ID, secret_access_key: env:STORE_SECRET }
gateway:
  listen: 127.0.0.1:0
  keys:
    bench:
      access_key_id: env:CALLER_ID
      secret_access_key: env:CALLER_SECRET
      store: nothing
      operations: [list, read, write, delete]
`;

/** aws-sigv4-proxy, which signs for its callers and verifies nobody. */
export async function startSigningProxy(file: string, storePort: number): Promise<Server> {
  const port = await findFreePort();
  const store = `127.0.0.1:${String(storePort)}`;
  const where = ['--port', `127.0.0.1:${String(port)}`, '--host', store, '--sign-host', store];
  const child = spawn(file, [...where, '--upstream-url-scheme', 'http', '--name', 's3', '--region', 'us-east-1'], {
    stdio: 'ignore',
    env: { ...process.env, AWS_ACCESS_KEY_ID: 'AKIDSTORE', AWS_SECRET_ACCESS_KEY: 'bench-secret-of-the-store' },
  });
  await untilListening('aws-sigv4-proxy', port, () => child.exitCode !== null);
  return { child, port };
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

export interface Load {
  readonly child: ChildProcess;
  /** Milliseconds. */
  run(job: Job): Promise<number>;
}

export function startLoad(): Load {
  const child = fork(here('load.ts'), { execArgv: ['--import', 'tsx'] });
  return {
    child,
    run: (job) =>
      new Promise((resolve, reject) => {
        const onExit = (): void => reject(new Error('the load has ended'));
        child.once('exit', onExit);
        child.once('message', (ms) => {
          child.off('exit', onExit);
          resolve(ms as number);
        });
        child.send(job);
      }),
  };
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

/** Seconds of CPU so far, to a hundredth. NaN where there is no /proc. */
export function readCpuSeconds({ pid }: ChildProcess): number {
  const fields = readProc(pid, 'stat').split(') ')[1]?.split(' ');
  return (Number(fields?.[11]) + Number(fields?.[12])) / 100;
}

/** The most memory that it had so far. NaN where there is no /proc. */
export function readPeakMiB({ pid }: ChildProcess): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readProc(pid, 'status'))?.[1]) / 1024;
}

function readProc(pid: number | undefined, name: string): string {
  try {
    return readFileSync(`/proc/${String(pid)}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
