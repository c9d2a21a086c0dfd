/** A read that is sent again a few times, so that one reset or SlowDown does not cost a listing, or a plan, of thousands of them. */
import { FAILURES, isWaybillError } from '../core/failures.ts';
import type { InFlightLimit } from './list/in-flight-limit.ts';
import { pauseMsAfter } from './list/pause.ts';
import { pauseFor } from './pause-for.ts';

export interface Patience {
  /** It is told how long answers take, and when the store asks to slow down. */
  readonly limit: InFlightLimit;
  readonly signal: AbortSignal;
  /** Nobody needs the answer any more: a failure is not tried again. */
  readonly isOver: () => boolean;
}

/** @throws what the store answers in the end; the signal's reason */
export async function requestPatiently<T>(request: () => Promise<T>, { limit, signal, isOver }: Patience): Promise<T> {
  for (let tries = 1; ; tries++) {
    const sentAt = performance.now();
    try {
      signal.throwIfAborted();
      const answer = await request();
      limit.answered(performance.now(), performance.now() - sentAt);
      return answer;
    } catch (error) {
      if (!isWaybillError(error) || !FAILURES[error.type].retryable || signal.aborted || isOver()) throw error;
      if (error.type === 'store_slow_down') limit.slowDown(performance.now());
      const pauseMs = pauseMsAfter(error, tries);
      if (pauseMs === null) throw error;
      await pauseFor(pauseMs, signal);
    }
  }
}
