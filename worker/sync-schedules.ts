/** Makes Temporal's Schedules what the configuration says: `schedule:<pipeline>` for each pipeline with a schedule, no other of ours. */
import { createHash } from 'node:crypto';
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleOptions,
} from '@temporalio/client';
import type { Logger } from 'pino';
import { scheduleId } from '../core/ids.ts';
import type { PipelineSpec, Schedule } from '../core/pipeline.ts';
import { WORKFLOW_TYPES } from '../core/wire-names.ts';
import type { ScheduledRunInput } from '../workflows/types.ts';

/** In the memo of what the Schedule starts: a hash of the configuration that it was made from, for Temporal keeps it compiled. */
const MADE_FROM = 'madeFrom';
const TRIES = 5;

export interface SyncOptions {
  readonly client: Client;
  readonly pipelines: ReadonlyMap<string, PipelineSpec>;
  readonly taskQueue: string;
  readonly heartbeatTimeoutMs: number;
  readonly logger: Logger;
}

export async function syncSchedules(options: SyncOptions): Promise<void> {
  const { pipelines } = options;
  await deleteUnknown(options);
  for (const spec of pipelines.values()) {
    if (spec.schedule === null) continue;
    await makeSo(options, spec, spec.schedule);
  }
}

/** Makes or updates it. Workers that start at once find each other's; one that is as it should be is left alone. */
async function makeSo(options: SyncOptions, spec: PipelineSpec, schedule: Schedule): Promise<void> {
  const { client, logger } = options;
  const handle = client.schedule.getHandle(scheduleId(spec.name));
  const wanted = toScheduleOptions(options, spec, schedule);
  for (let tries = 1; ; tries++) {
    try {
      const { action } = await handle.describe();
      // Not written again at every start: an update is an event of its history, and what is missed is counted from it.
      if (action.memo?.[MADE_FROM] === wanted.action.memo[MADE_FROM]) return;
      // What an operator paused in the UI stays paused.
      await handle.update((current) => ({ ...wanted, state: current.state }));
      logger.info({ pipeline: spec.name, cron: schedule.cron }, 'its schedule is updated');
      return;
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError) && tries === TRIES) throw error;
    }
    try {
      await client.schedule.create({ ...wanted, state: { paused: schedule.paused } });
      logger.info({ pipeline: spec.name, cron: schedule.cron }, 'its schedule is made');
      return;
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning) || tries === TRIES) throw error;
    }
  }
}

/**
 * Deletes ours of which the configuration says nothing: of pipelines that lost their schedule, or are gone. Ours are those of our name
 * that start our workflow on our task queue: another Waybill may live in the same namespace.
 */
async function deleteUnknown({ client, pipelines, taskQueue, logger }: SyncOptions): Promise<void> {
  const wanted = new Set(
    [...pipelines.values()].filter(({ schedule }) => schedule !== null).map(({ name }) => scheduleId(name)),
  );
  for await (const { scheduleId: id } of client.schedule.list()) {
    if (!id.startsWith(scheduleId('')) || wanted.has(id)) continue;
    const handle = client.schedule.getHandle(id);
    try {
      const { action } = await handle.describe();
      if (action.workflowType !== WORKFLOW_TYPES.scheduledRun || action.taskQueue !== taskQueue) continue;
      await handle.delete();
      logger.info({ schedule: id }, 'a schedule is gone from the configuration: deleted');
    } catch (error) {
      // The list is a moment old.
      ignoreNotFound(error);
    }
  }
}

/**
 * Overlap says nothing about runs, for the starter is done once its run has begun: the target's lease does. It buffers, so that nominal
 * times that were missed, or that met a busy target, are made up for one after the other, within the catch-up window.
 */
function toScheduleOptions(options: SyncOptions, spec: PipelineSpec, schedule: Schedule) {
  const input: ScheduledRunInput = {
    pipeline: spec.name,
    catchupWindowMs: schedule.catchupWindowMs,
    heartbeatTimeoutMs: options.heartbeatTimeoutMs,
  };
  const wanted = {
    spec: { cronExpressions: [schedule.cron], timezone: schedule.timezone, jitter: schedule.jitterMs },
    action: {
      type: 'startWorkflow',
      workflowType: WORKFLOW_TYPES.scheduledRun,
      workflowId: `scheduled:${spec.name}`,
      taskQueue: options.taskQueue,
      args: [input],
    },
    policies: {
      overlap: ScheduleOverlapPolicy.BUFFER_ALL,
      catchupWindow: schedule.catchupWindowMs,
      pauseOnFailure: false,
    },
  } satisfies Omit<ScheduleOptions, 'scheduleId'>;
  const madeFrom = createHash('sha256').update(JSON.stringify(wanted)).digest('hex');
  return {
    ...wanted,
    scheduleId: scheduleId(spec.name),
    action: { ...wanted.action, memo: { [MADE_FROM]: madeFrom } },
  } satisfies ScheduleOptions;
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof ScheduleNotFoundError)) throw error;
}
