/**
 * What takes tasks from Temporal in one process: one worker for workflows and all activities but the copies, and one for the copies
 * alone, so that nothing short waits behind them. How many of those it takes is said by `copy-places.ts`, and why in
 * docs/decisions/copy-concurrency.md.
 */
import { Worker, type NativeConnection } from '@temporalio/worker';
import type { Activities } from '../activities/types.ts';
import { PROCESS_COPIES_COUNTING, PROCESS_COPIES_MAX } from '../core/limits.ts';
import { toCopyQueue } from '../core/wire-names.ts';
import { CopyPlaces } from './copy-places.ts';
import { waitForEnd } from './wait-for-end.ts';
import { findWorkflowCode } from './workflow-bundle.ts';

/** Activities other than copies at once in one worker process. */
const ACTIVITIES_MAX = 16;

export interface TaskWorkersOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly activities: Activities;
  readonly requestLimitMs: number;
  /** This process could have more copies in flight than it has work for. */
  readonly hasRoomForCopies: () => boolean;
}

export interface TaskWorkers {
  /** Until all have stopped. @throws temporal_unavailable when one failed; the others are stopped then */
  run(): Promise<void>;
  shutdown(): void;
}

export async function createTaskWorkers(options: TaskWorkersOptions): Promise<TaskWorkers> {
  const { connection, namespace, taskQueue, activities, requestLimitMs, hasRoomForCopies } = options;
  const common = {
    connection,
    namespace,
    // A part's upload may end; what has not ended by then is cancelled, and its successor goes on.
    shutdownGraceTime: requestLimitMs,
    shutdownForceTime: requestLimitMs + 10_000,
  };
  // Copies of runs that were begun before there were two queues wait in the first.
  const main = await Worker.create({
    ...common,
    taskQueue,
    activities,
    ...findWorkflowCode(),
    maxConcurrentActivityTaskExecutions: ACTIVITIES_MAX,
    // One thread runs all workflows of this process: they only coordinate, and a thread costs 40 MB.
    workflowThreadPoolSize: 1,
    maxCachedWorkflows: 100,
  });
  const copies = await Worker.create({
    ...common,
    taskQueue: toCopyQueue(taskQueue),
    activities,
    tuner: {
      activityTaskSlotSupplier: new CopyPlaces({
        counting: PROCESS_COPIES_COUNTING,
        max: PROCESS_COPIES_MAX,
        hasRoom: hasRoomForCopies,
      }),
      // Of these it takes none.
      workflowTaskSlotSupplier: { type: 'fixed-size', numSlots: 2 },
      localActivityTaskSlotSupplier: { type: 'fixed-size', numSlots: 1 },
      nexusTaskSlotSupplier: { type: 'fixed-size', numSlots: 1 },
    },
    activityTaskPollerBehavior: { type: 'simple-maximum', maximum: PROCESS_COPIES_COUNTING },
  });
  return runTogether([main, copies]);
}

type OneWorker = Pick<Worker, 'run' | 'getState' | 'shutdown'>;

/** Several as one: they end together. */
export function runTogether(workers: readonly OneWorker[]): TaskWorkers {
  const shutdown = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  return {
    shutdown,
    async run() {
      const ends = workers.map((worker) => waitForEnd(worker).finally(shutdown));
      await Promise.allSettled(ends);
      await Promise.all(ends);
    },
  };
}
