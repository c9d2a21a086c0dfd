/**
 * Keeps an activity from writing once it may have been given to somebody else (invariant I10). A worker that was stopped, cut off or
 * starved goes on as if nothing had happened: so it heartbeats on a timer, and begins no store write once its last acknowledged
 * heartbeat is older than half the time-out. Temporal starts a successor a whole time-out after the last heartbeat it saw, and a
 * store request lasts at most the other half, so the two never write at once.
 *
 * A heartbeat counts from when it was sent, not from when its answer came. The clock is monotonic and goes on while the process is
 * stopped.
 */
import { setMaxListeners } from 'node:events';
import { WaybillError } from '../core/failures.ts';

export interface HeartbeatGuard {
  /** Aborted when the activity is cancelled, superseded or shut down; its reason is a WaybillError or a cancellation. */
  readonly signal: AbortSignal;
  /** @throws heartbeat_lost, or the signal's reason */
  assertMayWrite(): void;
}

export interface HeartbeatOptions {
  /** Resolves when Temporal acknowledged; rejects with `gone` true when this execution was cancelled or superseded. */
  readonly beat: () => Promise<void>;
  readonly isGone: (error: unknown) => boolean;
  readonly timeoutMs: number;
  /** Cancellation and shutdown, from the worker. */
  readonly parent: AbortSignal;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
}

/** Six beats in a time-out: two may be lost before half of it has passed. */
const BEATS_PER_TIMEOUT = 6;

/** Beats once before it returns, so that the guard knows the execution is current; call `stop` at the end. */
export async function startHeartbeat(options: HeartbeatOptions): Promise<HeartbeatGuard & { stop(): void }> {
  const now = options.now ?? ((): number => performance.now());
  const controller = new AbortController();
  // Every request in flight listens to it; there are as many as the limiter and the budget allow.
  setMaxListeners(0, controller.signal);
  let acknowledgedAt = Number.NEGATIVE_INFINITY;

  const abortFromParent = (): void => controller.abort(options.parent.reason);
  if (options.parent.aborted) abortFromParent();
  options.parent.addEventListener('abort', abortFromParent, { once: true });

  const beat = async (): Promise<void> => {
    const sentAt = now();
    try {
      await options.beat();
      acknowledgedAt = Math.max(acknowledgedAt, sentAt);
    } catch (error) {
      if (options.isGone(error) && !controller.signal.aborted) {
        controller.abort(
          new WaybillError('heartbeat_lost', 'this execution was superseded or cancelled', {}, { cause: error }),
        );
      }
      // Anything else is a Temporal that does not answer: the last acknowledgement grows old, which is all that matters.
    }
  };
  await beat();
  const timer = setInterval(() => void beat(), options.timeoutMs / BEATS_PER_TIMEOUT);
  timer.unref();

  return {
    signal: controller.signal,
    assertMayWrite(): void {
      if (controller.signal.aborted) throw controller.signal.reason;
      const age = now() - acknowledgedAt;
      if (age > options.timeoutMs / 2) {
        const lost = new WaybillError('heartbeat_lost', 'the last acknowledged heartbeat is too old to begin a write', {
          ageMs: Math.round(age),
          limitMs: options.timeoutMs / 2,
        });
        controller.abort(lost);
        throw lost;
      }
    },
    stop(): void {
      clearInterval(timer);
      options.parent.removeEventListener('abort', abortFromParent);
    },
  };
}
