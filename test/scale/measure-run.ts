/** One run over a stack of its own, with what it took: the worker's peak memory, its CPU, and the length of the longest history. */
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { RunJson } from '../../cli/api-client.ts';
import { createFilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import type { Store } from '../../stores/store.ts';
import { startRunStack } from '../support/run-stack.ts';

export interface Measured {
  readonly run: RunJson;
  readonly workerPeakMiB: number;
  readonly workerCpuSeconds: number;
  readonly gatewayPeakMiB: number;
  readonly historyEventsMax: number;
  /** How often each activity was asked for. */
  readonly activities: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/**
 * `seed` fills the bucket `source` of store a, in process, before anything is started. It measures what users run: a worker from source
 * has tsx and webpack in it, and with them 130 MiB more.
 */
export async function measureRun(seed: (store: Store, bucket: string) => Promise<void>): Promise<Measured> {
  if (process.env['WAYBILL_TEST_BUILT'] === undefined) {
    throw new Error('measures the build: npm test -- FILE, or npm run build and WAYBILL_TEST_BUILT=1');
  }
  const stack = await startRunStack({
    config: { heartbeatTimeout: '60s', requestLimit: '30s' },
    prepare: async (stateDir) => {
      const root = path.join(stateDir, 'stores', 'a');
      await mkdir(root, { recursive: true });
      const store = await createFilesystemStore({ root, fsync: false });
      await store.createBucket('source');
      await seed(store, 'source');
      await store.close();
    },
  });
  try {
    const startedAt = performance.now();
    const run = await stack.run('measured');
    const seconds = (performance.now() - startedAt) / 1000;
    const worker = await readProcess(stack.child('worker').pid);
    const gateway = await readProcess(stack.child('gateway').pid);
    return {
      run,
      workerPeakMiB: worker.peakMiB,
      workerCpuSeconds: worker.cpuSeconds,
      gatewayPeakMiB: gateway.peakMiB,
      ...(await readHistories(stack.temporalAddress, path.basename(stack.stateDir))),
      seconds,
    };
  } finally {
    await stack.dispose();
  }
}

/** VmHWM: the peak of the resident set since the process began. Linux. */
async function readProcess(pid: number): Promise<{ peakMiB: number; cpuSeconds: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const stat = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return {
    peakMiB: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024,
    // User and system time, in clock ticks of a hundredth of a second.
    cpuSeconds: (Number(stat[11]) + Number(stat[12])) / 100,
  };
}

async function readHistories(
  address: string,
  taskQueue: string,
): Promise<Pick<Measured, 'historyEventsMax' | 'activities'>> {
  const connection = await Connection.connect({ address });
  try {
    let historyEventsMax = 0;
    const activities: Record<string, number> = {};
    const client = new Client({ connection });
    for await (const { workflowId, runId, historyLength } of client.workflow.list({
      query: `TaskQueue="${taskQueue}"`,
    })) {
      historyEventsMax = Math.max(historyEventsMax, historyLength ?? 0);
      const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      for (const { activityTaskScheduledEventAttributes: scheduled } of events ?? []) {
        const name = scheduled?.activityType?.name;
        if (name) activities[name] = (activities[name] ?? 0) + 1;
      }
    }
    return { historyEventsMax, activities };
  } finally {
    await connection.close();
  }
}

export const toSmallKey = (ordinal: number): string =>
  `events/${String(ordinal % 100).padStart(2, '0')}/${String(ordinal).padStart(8, '0')}.json`;

export const printMeasured = (name: string, { run, activities: _, ...rest }: Measured): string =>
  `${name}: ${run.state}, ${run.totals['objects'] ?? 0} objects, ${Object.entries(rest)
    .map(([key, value]) => `${key} ${value.toFixed(1)}`)
    .join(', ')}`;
