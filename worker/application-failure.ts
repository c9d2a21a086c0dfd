/** The one total function from what an activity throws to what Temporal records. */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { FAILURES, isWaybillError } from '../core/failures.ts';

/** An unexpected failure is a defect: trying it a thousand times only hides it. */
const UNCLASSIFIED_TRIES = 5;

/**
 * Cancellation stays cancellation. No stack is recorded, nor a cause: histories are read by many, and both name the paths of this
 * machine. What nobody expected keeps its own.
 */
export function toApplicationFailure(error: unknown, tryNumber: number): unknown {
  if (error instanceof CancelledFailure) return withoutStack(new CancelledFailure(error.message));
  if (error instanceof ApplicationFailure) return error;
  if (isWaybillError(error)) {
    const failure = ApplicationFailure.create({
      type: error.type,
      message: error.message,
      // Whoever says when to try again wants to be tried again.
      nonRetryable: !FAILURES[error.type].retryable && error.retryAfterMs === undefined,
      details: [error.details],
      ...(error.retryAfterMs === undefined ? {} : { nextRetryDelay: error.retryAfterMs }),
    });
    return withoutStack(failure);
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const failure = ApplicationFailure.create({
    type: 'unclassified',
    message,
    nonRetryable: tryNumber >= UNCLASSIFIED_TRIES,
  });
  if (error instanceof Error && error.stack !== undefined) failure.stack = error.stack;
  return failure;
}

function withoutStack<T extends Error>(failure: T): T {
  failure.stack = '';
  return failure;
}
