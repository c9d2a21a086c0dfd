/**
 * What a running Postgres says of itself in `postmaster.pid`: its pid on the first line, its port on the fourth and its state on
 * the eighth. The file outlives a Postgres that was killed, and its pid may since belong to anything, so a pid counts only when
 * its command line names the data directory.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WaybillError } from '../core/failures.ts';

export interface Postmaster {
  readonly pid: number;
  readonly ready: boolean;
}

/** What `postmaster.pid` says, or null when there is none or it is half written. */
export function readPostmaster(dataDir: string): Postmaster | null {
  let lines: string[];
  try {
    lines = readFileSync(path.join(dataDir, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return null;
  }
  const pid = Number(lines[0]);
  return Number.isInteger(pid) && pid > 0 ? { pid, ready: lines[7]?.trim() === 'ready' } : null;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** @throws directory_in_use, with this name, when a Postgres runs over it whose launcher is alive and not this process */
export function checkLauncher(dataDir: string, launcherPid: number | null, name = dataDir): void {
  const found = readPostmaster(dataDir);
  if (found === null || !runsOver(found.pid, dataDir)) return;
  if (launcherPid === null || launcherPid === process.pid || !isAlive(launcherPid)) return;
  throw new WaybillError('directory_in_use', `the data directory ${name} is in use by process ${String(launcherPid)}`);
}

/**
 * Leaves the data directory without a Postgres: one that its launcher left behind is shut down.
 * @throws directory_in_use, as `checkLauncher`
 */
export async function settlePostmaster(dataDir: string, launcherPid: number | null): Promise<void> {
  const found = readPostmaster(dataDir);
  if (found === null) return;
  if (!runsOver(found.pid, dataDir)) {
    rmSync(path.join(dataDir, 'postmaster.pid'), { force: true });
    return;
  }
  checkLauncher(dataDir, launcherPid);
  // The watchdog of the dead launcher is probably at it already; asking twice does no harm.
  signal(found.pid, 'SIGINT');
  const giveUpAt = Date.now() + 30_000;
  while (runsOver(found.pid, dataDir)) {
    if (Date.now() > giveUpAt)
      throw new Error(`the Postgres with pid ${String(found.pid)} over ${dataDir} does not stop`);
    await sleep(50);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone already, which is what was wanted.
  }
}

function runsOver(pid: number, dataDir: string): boolean {
  return isAlive(pid) && readCommandLine(pid).includes(dataDir);
}

function readCommandLine(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8');
    if (process.platform === 'win32') return '';
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}
