/** What a run that did not end well says of itself: the innermost failure that has a type of our table. */
import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, TimeoutFailure } from '@temporalio/workflow';
import { isFailureType } from '../core/failures.ts';

export function toFailure(error: unknown, cancelled: boolean): { type: string; message: string } {
  if (cancelled) return { type: 'cancelled', message: 'the run was cancelled' };
  let cause: unknown = error;
  while ((cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) && cause.cause !== undefined) {
    cause = cause.cause;
  }
  if (cause instanceof ApplicationFailure) {
    return { type: isFailureType(cause.type) ? cause.type : 'unclassified', message: cause.message };
  }
  if (cause instanceof TimeoutFailure) {
    return { type: 'heartbeat_lost', message: `an activity timed out: ${cause.timeoutType}` };
  }
  return { type: 'unclassified', message: cause instanceof Error ? cause.message : String(cause) };
}

/** What the workflow fails with. Its stack would name paths of the worker's machine, and say nothing of why. */
export function toRunFailure({ type, message }: { type: string; message: string }): ApplicationFailure {
  const failure = ApplicationFailure.create({ type, message, nonRetryable: true });
  failure.stack = '';
  return failure;
}
