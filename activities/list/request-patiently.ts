/** A request for a page that is sent again a few times, so that one reset or SlowDown does not cost a listing of thousands of pages. */
import { FAILURES, isWaybillError } from '../../core/failures.ts';
import type { ListPage } from '../../stores/store.ts';
import { pauseFor } from '../pause-for.ts';
import type { InFlightLimit } from './in-flight-limit.ts';
import { pauseMsAfter } from './pause.ts';

export interface Patience {
  /** It is told how long answers take, and when the store asks to slow down. */
  readonly limit: InFlightLimit;
  readonly signal: AbortSignal;
  /** Nobody needs the page any more: a failure is not tried again. */
  readonly isOver: () => boolean;
}

/** @throws what the store answers in the end; the signal's reason */
export async function requestPatiently(
  request: () => Promise<ListPage>,
  { limit, signal, isOver }: Patience,
): Promise<ListPage> {
  for (let tries = 1; ; tries++) {
    const sentAt = performance.now();
    try {
      signal.throwIfAborted();
      const page = await request();
      limit.answered(performance.now(), performance.now() - sentAt);
      return page;
    } catch (error) {
      if (!isWaybillError(error) || !FAILURES[error.type].retryable || signal.aborted || isOver()) throw error;
      if (error.type === 'store_slow_down') limit.slowDown(performance.now());
      const pauseMs = pauseMsAfter(error, tries);
      if (pauseMs === null) throw error;
      await pauseFor(pauseMs, signal);
    }
  }
}
