/** The process of `bare-loop.ts`: warm between jobs, measured from outside. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { BareEnd, BareJob } from './bare-loop.ts';
import { buildAgainstDist } from './built.ts';
import type { Cost } from './command.ts';
import { readCpuSeconds, readPeakMiB, resetPeak } from './processes.ts';
import { TARGET_BUCKET, type BenchStore } from './stores.ts';

export interface Bare {
  run(job: BareJob): Promise<Cost>;
  stop(): Promise<void>;
}

export async function startBare(a: BenchStore, b: BenchStore, directory: string): Promise<Bare> {
  const end = ({ port, credentials }: BareEnd): string => JSON.stringify({ port, credentials });
  const [file, ...args] = await buildAgainstDist('bare-loop.ts', directory, end(a), end(b), TARGET_BUCKET);
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const nextLine = async (): Promise<void> => {
    const failed = ended.then(() => {
      throw new Error('the bare loop has ended');
    });
    await Promise.race([once(lines, 'line'), failed]);
  };
  await nextLine();
  // Written to after its end: that it has ended is told by the next line that does not come.
  child.stdin.on('error', () => undefined);
  const pid = child.pid ?? 0;
  return {
    async run(job) {
      resetPeak(pid);
      const cpuBefore = readCpuSeconds(pid);
      const startedAt = performance.now();
      const done = nextLine();
      child.stdin.write(`${JSON.stringify(job)}\n`);
      await done;
      const wallSeconds = (performance.now() - startedAt) / 1000;
      return { wallSeconds, cpuSeconds: readCpuSeconds(pid) - cpuBefore, peakMiB: readPeakMiB(pid) };
    },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
