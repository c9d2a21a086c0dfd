/**
 * What a Schedule starts. A Schedule appends a timestamp to its workflow's id, so its own workflow can never have the run's id: this
 * one reads the nominal time and starts the run as an abandoned child. A run that exists already is success.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  ParentClosePolicy,
  startChild,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow';
import { runWorkflowId } from '../core/ids.ts';
import { createActivityProxies } from './activity-proxies.ts';
import { run } from './run.ts';
import type { ScheduledRunInput } from './types.ts';

export async function scheduledRun(input: ScheduledRunInput): Promise<{ runUuid: string | null }> {
  const nominalAt = readNominalTime();
  const accepted = await createActivityProxies(input.heartbeatTimeoutMs).acceptScheduled({
    pipeline: input.pipeline,
    nominalAt,
    catchupWindowMs: input.catchupWindowMs,
  });
  if (accepted === null) return { runUuid: null };
  try {
    await startChild(run, {
      workflowId: runWorkflowId(input.pipeline, accepted.runId),
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      memo: { attempt: accepted.attemptId },
      staticSummary: `${input.pipeline} ${accepted.runId}`,
      args: [
        {
          runUuid: accepted.runUuid,
          attemptId: accepted.attemptId,
          pipeline: input.pipeline,
          runId: accepted.runId,
          heartbeatTimeoutMs: input.heartbeatTimeoutMs,
        },
      ],
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  return { runUuid: accepted.runUuid };
}

/** The schedule's nominal second, ISO 8601 with Z; with jitter it still is the nominal one. */
function readNominalTime(): string {
  const value: unknown = workflowInfo().searchAttributes['TemporalScheduledStartTime']?.[0];
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  throw ApplicationFailure.nonRetryable('this workflow is started by a Schedule only', 'invalid_request');
}
