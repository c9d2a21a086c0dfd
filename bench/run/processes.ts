/** What processes cost by the kernel's own account. Linux: everything is NaN where there is no /proc. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

/** Fields of /proc/PID/stat behind the name, which may hold anything: 1 is the parent, 11 to 14 the ticks. */
function readStat(pid: number): number[] {
  const text = readProc(`${String(pid)}/stat`);
  return text
    .slice(text.lastIndexOf(') ') + 2)
    .split(' ')
    .map(Number);
}

/** User and system seconds of the process so far, without its children. */
export function readCpuSeconds(pid: number): number {
  const stat = readStat(pid);
  return ((stat[11] ?? NaN) + (stat[12] ?? NaN)) / TICKS_PER_SECOND;
}

/** Of the children of this process that have ended and of theirs, so far: what a command cost that ran in between. */
export function readEndedChildrenSeconds(): number {
  const stat = readStat(process.pid);
  return ((stat[13] ?? NaN) + (stat[14] ?? NaN)) / TICKS_PER_SECOND;
}

/** Of a process and all below it, those that have ended included: Postgres has a process for each session. */
export function readTreeCpuSeconds(root: number): number {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = readStat(Number(name))[1] ?? 0;
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  let ticks = 0;
  for (const waiting = [root]; waiting.length > 0;) {
    const pid = waiting.pop() as number;
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = readStat(pid).slice(11, 15);
    ticks += user + system + endedUser + endedSystem;
    waiting.push(...(children.get(pid) ?? []));
  }
  return ticks / TICKS_PER_SECOND;
}

/** The most memory that it had since it began, or since `resetPeak`. */
export function readPeakMiB(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readProc(`${String(pid)}/status`))?.[1]) / 1024;
}

export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${String(pid)}/clear_refs`, '5');
  } catch {
    // Then the peak is that of its whole life, which is no less.
  }
}

function readProc(name: string): string {
  try {
    return readFileSync(`/proc/${name}`, 'utf8');
  } catch {
    return '';
  }
}
