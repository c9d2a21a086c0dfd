/**
 * Finds the processes that a test left behind. Every process of a run inherits a TMPDIR at or below a directory made for this run alone,
 * and keeps it when its parent is gone; that is what tells it from all others. Linux only: elsewhere nothing is found.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Leftover {
  readonly pid: number;
  readonly command: string;
}

/** After a grace time, for the last of them may be on its way out. */
export async function findLeftovers(temporaryDir: string, graceMs: number): Promise<Leftover[]> {
  const giveUpAt = Date.now() + graceMs;
  for (;;) {
    const found = readProcesses(temporaryDir);
    if (found.length === 0 || Date.now() >= giveUpAt) return found;
    await sleep(100);
  }
}

export function killLeftovers(leftovers: readonly Leftover[]): void {
  for (const { pid } of leftovers) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It went by itself.
    }
  }
}

function readProcesses(temporaryDir: string): Leftover[] {
  if (process.platform !== 'linux') return [];
  const mark = `TMPDIR=${temporaryDir}`;
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid)
    .flatMap((pid) => {
      const isOurs = read(pid, 'environ')
        .split('\0')
        .some((entry) => entry.startsWith(mark));
      return isOurs ? [{ pid, command: read(pid, 'cmdline').replaceAll('\0', ' ').trim() }] : [];
    })
    .filter(({ command }) => command !== '');
}

/** Empty for a process that is gone, or somebody else's. */
function read(pid: number, name: 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
