/**
 * Tries one object or part a few times within the activity, so that a single reset or SlowDown does not cost the batch. What outlasts
 * it is the activity's: Temporal retries that, with longer pauses.
 */
import { FAILURES, isWaybillError } from '../../core/failures.ts';
import { pauseFor } from '../pause-for.ts';
import type { Transfer } from './transfer.ts';

const TRIES = 3;
const PAUSE_MS = 200;
/** A longer Retry-After is left to Temporal, rather than hold a slot. */
const PAUSE_MS_MAX = 5000;

export async function retryTransient<T>(transfer: Transfer, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      await untilNextTry(transfer, error, tries);
    }
  }
}

/** After so many tries, counted from 1. @throws the error, where it is not to be tried again here */
export async function untilNextTry(transfer: Transfer, error: unknown, tries: number): Promise<void> {
  const { guard } = transfer.step.runtime;
  const { source, target } = transfer.spec;
  if (!isWaybillError(error) || !FAILURES[error.type].retryable || guard.signal.aborted) throw error;
  if (error.type === 'store_slow_down') transfer.step.deps.limiter.slowDown([source.store, target.store]);
  if (error.type === 'heartbeat_lost' || error.type === 'ledger_unavailable' || tries === TRIES) throw error;
  const pauseMs = error.retryAfterMs ?? PAUSE_MS * 2 ** tries * (0.5 + Math.random());
  if (pauseMs > PAUSE_MS_MAX) throw error;
  await pauseFor(pauseMs, guard.signal);
}
