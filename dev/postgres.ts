/**
 * Starts a real Postgres over a directory, for `waybill dev`, the demo and the tests. Nothing has to be installed and root may run it.
 *
 * - It listens on 127.0.0.1 alone, without Unix sockets; the superuser `waybill` has a random password, kept with mode 0600 in
 *   `<dataDir>.password`. Encoding UTF8, locale C.
 * - A start over a directory that has a cluster goes on with it. A cluster is made aside and renamed, so it is whole or not there.
 * - When the process that started it dies, however it dies, a watchdog shell whose standard input breaks shuts it down.
 * - As root, with a data directory that the unprivileged user cannot enter, the cluster lives in /var/tmp behind a symbolic link.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { chmod, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import type net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WaybillError } from '../core/failures.ts';
import { findFreePort } from './free-port.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import { createCluster, placeCluster } from './postgres-cluster.ts';
import { findUnprivilegedUser, type User } from './postgres-user.ts';
import { checkLauncher, readPostmaster, settlePostmaster } from './postmaster.ts';

export interface StartPostgres {
  readonly dataDir: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Gives up durability when the machine stops; for tests and the demo. */
  readonly fast?: boolean;
  /** The `native` directory of a package with the binaries. Default: that of the installed package for this platform. */
  readonly nativeDir?: string;
}

export interface RunningPostgres {
  /** With user and password, database `postgres`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Fast shutdown: sessions are broken off, committed work is kept. Resolves when the process is gone; may be repeated. */
  readonly stop: () => Promise<void>;
  /** Stops it and starts it again on the same port. */
  readonly restart: () => Promise<RunningPostgres>;
}

const USER = 'waybill';
const READY_WITHIN_MS = 180_000;
const STOPPED_WITHIN_MS = 30_000;
const FAST = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_wal_size=512MB'];

/** @throws directory_in_use when another process runs a Postgres over it */
export function checkNotRun(dataDir: string): void {
  const isLink = lstatSync(dataDir, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  checkLauncher(isLink ? readlinkSync(dataDir) : dataDir, readLauncher(dataDir), dataDir);
}

/** Ready in about a second. @throws port_in_use when `port` is taken, directory_in_use; an Error with the end of Postgres's log otherwise. */
export async function startPostgres(options: StartPostgres): Promise<RunningPostgres> {
  const dataDir = path.resolve(options.dataDir);
  await mkdir(path.dirname(dataDir), { recursive: true });
  const user = findUnprivilegedUser(dataDir);
  const clusterDir = await placeCluster(dataDir, user);
  const binaries = await findPostgresBinaries(user, options.nativeDir);
  await settlePostmaster(clusterDir, readLauncher(dataDir));
  await writeFile(launcherFile(dataDir), String(process.pid));
  const password = await loadPassword(`${dataDir}.password`, existsSync(path.join(clusterDir, 'PG_VERSION')));
  await createCluster(binaries.initdb, clusterDir, { user, superuser: USER, password, fast: options.fast === true });

  for (let tries = 1; ; tries++) {
    const port = options.port ?? (await findFreePort());
    try {
      const { pid, stop } = await run(binaries.postgres, clusterDir, {
        user,
        port,
        fast: options.fast === true,
        logFile: `${dataDir}.log`,
      });
      const url = `postgres://${USER}:${password}@127.0.0.1:${String(port)}/postgres`;
      const restart = async (): Promise<RunningPostgres> => {
        await stop();
        return startPostgres({ ...options, port });
      };
      return { url, port, pid, stop, restart };
    } catch (error) {
      const message = error instanceof Error ? error.message : '';
      const portTaken = message.includes('could not create any TCP/IP sockets');
      if (portTaken && options.port !== undefined) {
        throw new WaybillError(
          'port_in_use',
          'Postgres cannot listen there',
          { host: '127.0.0.1', port },
          { cause: error },
        );
      }
      // A free port may be taken before Postgres gets to it; backends of a killed Postgres take a moment to notice.
      if (tries === 5 || !(portTaken || message.includes('is still in use'))) throw error;
      await sleep(200 * tries);
    }
  }
}

async function run(
  binary: string,
  clusterDir: string,
  options: { user: User | null; port: number; fast: boolean; logFile: string },
): Promise<{ pid: number; stop: () => Promise<void> }> {
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=200',
    'password_encryption=scram-sha-256',
    'timezone=UTC',
    'log_timezone=UTC',
    'jit=off',
    ...(options.fast ? FAST : []),
  ];
  const args = ['-D', clusterDir, '-p', String(options.port), ...settings.flatMap((setting) => ['-c', setting])];
  const log = await open(options.logFile, 'a', 0o600);
  const logStart = (await log.stat()).size;
  // Detached: a Ctrl-C in the terminal must not stop it before those who use it.
  const child = spawn(binary, args, {
    cwd: '/',
    detached: true,
    env: { LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', log.fd, log.fd],
    ...(options.user ?? {}),
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  await log.close();
  const watchdog = child.pid === undefined ? null : startWatchdog(child.pid, options.user);
  void exited.then(() => watchdog?.kill('SIGKILL'));

  const giveUpAt = Date.now() + READY_WITHIN_MS;
  for (;;) {
    const postmaster = readPostmaster(clusterDir);
    if (postmaster !== null && postmaster.pid === child.pid && postmaster.ready) {
      child.unref();
      const stop = async (): Promise<void> => {
        child.ref();
        child.kill('SIGINT');
        // A session that is being opened may keep it for a minute.
        const hard = setTimeout(() => child.kill('SIGQUIT'), STOPPED_WITHIN_MS);
        await exited;
        clearTimeout(hard);
      };
      return { pid: postmaster.pid, stop };
    }
    const gone = child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
    if (gone || Date.now() > giveUpAt) {
      child.kill('SIGQUIT');
      const said = (await readFile(options.logFile)).subarray(logStart).toString().slice(-2000);
      throw new Error(`Postgres did not start:\n${said}`);
    }
    await sleep(20);
  }
}

/** Reads from a pipe that only this process holds open: when the process is gone, so is the pipe, and Postgres is told to stop. */
function startWatchdog(pid: number, user: User | null): ChildProcess | null {
  if (process.platform === 'win32') return null;
  const watchdog = spawn('/bin/sh', ['-c', 'read -r _; kill -INT "$0"', String(pid)], {
    detached: true,
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
    ...(user ?? {}),
  });
  watchdog.once('error', () => undefined);
  watchdog.unref();
  (watchdog.stdin as unknown as net.Socket).unref();
  return watchdog;
}

const launcherFile = (dataDir: string): string => `${dataDir}.launcher`;
const readLauncher = (dataDir: string): number | null =>
  existsSync(launcherFile(dataDir)) ? Number(readFileSync(launcherFile(dataDir), 'utf8')) : null;

async function loadPassword(file: string, clusterExists: boolean): Promise<string> {
  if (existsSync(file)) return (await readFile(file, 'utf8')).trim();
  if (clusterExists)
    throw new Error(`the password file ${file} of an existing cluster is missing: put it back, or remove the cluster`);
  const password = randomBytes(24).toString('base64url');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  await chmod(file, 0o600);
  return password;
}
