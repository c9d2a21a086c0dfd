/** Makes Temporal's Schedules what the configuration says: `schedule:<pipeline>` for each pipeline with a schedule, no other of ours. */
import { ScheduleNotFoundError, ScheduleOverlapPolicy, type Client, type ScheduleOptions } from '@temporalio/client';
import type { Logger } from 'pino';
import { scheduleId } from '../core/ids.ts';
import type { PipelineSpec, Schedule } from '../core/pipeline.ts';
import { WORKFLOW_TYPES } from '../core/wire-names.ts';
import type { ScheduledRunInput } from '../workflows/types.ts';

export interface SyncOptions {
  readonly client: Client;
  readonly pipelines: ReadonlyMap<string, PipelineSpec>;
  readonly taskQueue: string;
  readonly heartbeatTimeoutMs: number;
  readonly logger: Logger;
}

export async function syncSchedules(options: SyncOptions): Promise<void> {
  const { client, pipelines, logger } = options;
  for (const spec of pipelines.values()) {
    const handle = client.schedule.getHandle(scheduleId(spec.name));
    if (spec.schedule === null) {
      await handle
        .delete()
        .then(
          () => logger.info({ pipeline: spec.name }, 'its schedule is gone from the configuration: deleted'),
          ignoreNotFound,
        );
      continue;
    }
    const wanted = toScheduleOptions(options, spec, spec.schedule);
    try {
      // What an operator paused in the UI stays paused.
      await handle.update((current) => ({ ...wanted, state: current.state }));
    } catch (error) {
      ignoreNotFound(error);
      await client.schedule.create({ ...wanted, state: { paused: spec.schedule.paused } });
      logger.info({ pipeline: spec.name, cron: spec.schedule.cron }, 'its schedule is made');
    }
  }
}

/**
 * Overlap says nothing about runs, for the starter is done in a second: the target's lease does. It buffers, so that nominal times
 * that were missed are made up for one after the other, within the catch-up window.
 */
function toScheduleOptions(options: SyncOptions, spec: PipelineSpec, schedule: Schedule) {
  const input: ScheduledRunInput = { pipeline: spec.name, heartbeatTimeoutMs: options.heartbeatTimeoutMs };
  return {
    scheduleId: scheduleId(spec.name),
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
  } satisfies ScheduleOptions;
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof ScheduleNotFoundError)) throw error;
}
