/**
 * Binds activities to Temporal: the heartbeat with its acknowledgement, the identity of an execution, and failures. The SDK's own
 * `heartbeat()` tells nobody whether the server heard it, and whether it did decides whether a write may begin; so each beat is a
 * request of its own. The SDK's is sent too: it is what its local time-out watches.
 */
import {
  ActivityCancelledError,
  ActivityNotFoundError,
  ActivityPausedError,
  ActivityResetError,
  type Client,
} from '@temporalio/client';
import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { Logger } from 'pino';
import type { Executor } from '../activities/index.ts';
import { startHeartbeat, type BeatVerdict } from '../activities/heartbeat-guard.ts';
import { WaybillError } from '../core/failures.ts';
import { toApplicationFailure } from './application-failure.ts';

export interface ExecutorOptions {
  readonly client: Client;
  /** For an activity that was scheduled without one. */
  readonly heartbeatTimeoutMs: number;
  readonly logger: Logger;
  /** Called when an activity begins, once its context has been taken: from then on nobody asks the SDK for it. */
  readonly leaveContext?: () => void;
  readonly onActivity: (activity: string, outcome: 'completed' | 'failed', seconds: number) => void;
}

export function createExecutor(options: ExecutorOptions): Executor {
  const { client, heartbeatTimeoutMs, logger } = options;

  const execute = async <T>(work: (context: Context) => Promise<T>): Promise<T> => {
    const context = Context.current();
    options.leaveContext?.();
    const startedAt = performance.now();
    const end = (outcome: 'completed' | 'failed'): void =>
      options.onActivity(context.info.activityType, outcome, (performance.now() - startedAt) / 1000);
    try {
      const result = await work(context);
      end('completed');
      return result;
    } catch (error) {
      end('failed');
      throw toApplicationFailure(error, context.info.attempt);
    }
  };
  const logOf = ({ info }: Context): Logger =>
    logger.child({
      activity: info.activityType,
      workflow: info.workflowExecution?.workflowId,
      try: info.attempt,
    });

  return {
    short: (work) =>
      execute((context) => work({ workflowRunId: context.info.workflowExecution?.runId ?? '', log: logOf(context) })),
    long: (work) =>
      execute(async (context) => {
        const { taskToken, base64TaskToken, attempt, activityId } = context.info;
        let beats = 0;
        const guard = await startHeartbeat({
          // What Temporal waits before it starts a successor: a run keeps what it was started with when the configuration changes.
          timeoutMs: context.info.heartbeatTimeoutMs ?? heartbeatTimeoutMs,
          parent: context.cancellationSignal,
          beat: async () => {
            // The SDK's time-out runs from the start of the activity: the first beat would tell it nothing, and be one request more.
            if (beats++ > 0) context.heartbeat();
            await client.activity.heartbeat(taskToken);
          },
          toVerdict,
        });
        try {
          const holder = `${process.pid}:${activityId}:${attempt}:${base64TaskToken.slice(-24)}`;
          return await work({ tryNumber: attempt, holder, guard, log: logOf(context) });
        } finally {
          guard.stop();
        }
      }),
  };
}

/** Messages of the SDK's own cancellation that mean: another execution may be at work. */
const SUPERSEDED: ReadonlySet<string> = new Set(['NOT_FOUND', 'TIMED_OUT']);

/**
 * Cancelled: it stays a cancellation, so that the run ends `cancelled`. Paused or reset by an operator: it fails retryably. Not found:
 * completed by another, timed out, or its workflow is closed.
 */
export function toVerdict(error: unknown): BeatVerdict {
  if (error instanceof ActivityCancelledError) return { ended: new CancelledFailure('CANCELLED', [], error) };
  if (error instanceof ActivityPausedError || error instanceof ActivityResetError) {
    return { ended: new WaybillError('heartbeat_lost', 'the activity was paused or reset', {}, { cause: error }) };
  }
  if (error instanceof ActivityNotFoundError) return 'superseded';
  return error instanceof CancelledFailure && SUPERSEDED.has(error.message) ? 'superseded' : null;
}
