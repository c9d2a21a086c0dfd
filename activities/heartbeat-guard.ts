/**
 * Keeps an activity from writing once it may have been given to somebody else (invariant I10). A worker that was stopped, cut off or
 * starved goes on as if nothing had happened: so it heartbeats on a timer, and begins no store write once its last acknowledged
 * heartbeat is older than half the time-out. Temporal starts a successor a whole time-out after the last heartbeat it saw, and a
 * store request lasts at most the other half, so the two never write at once.
 *
 * A heartbeat counts from when it was sent, not from when its answer came. Its age is by the monotonic clock, which goes on while the
 * process is stopped, or by the wall clock where that says more: on a machine that was suspended the monotonic one stood still.
 */
import { setMaxListeners } from 'node:events';
import { WaybillError } from '../core/failures.ts';

export interface HeartbeatGuard {
  /** Aborted when the activity is cancelled, superseded or shut down; its reason is a WaybillError or a cancellation. */
  readonly signal: AbortSignal;
  /** To begin a write at a store. @throws heartbeat_lost, or the signal's reason */
  assertMayWrite(): void;
  /**
   * To write to the ledger: an execution that is cancelled or shut down begins nothing more, but may still say what it did.
   * @throws heartbeat_lost when it was superseded, or may have been
   */
  assertCurrent(): void;
}

export interface HeartbeatOptions {
  /** Resolves when Temporal acknowledged. */
  readonly beat: () => Promise<void>;
  /** What a failed beat, or the parent's abort, says of this execution. */
  readonly toVerdict: (error: unknown) => BeatVerdict;
  readonly timeoutMs: number;
  /** Cancellation and shutdown, from the worker. */
  readonly parent: AbortSignal;
  /** Milliseconds, each going on at its own pace: the age of a heartbeat is the greatest that any of them shows. */
  readonly clocks?: readonly (() => number)[];
}

/**
 * `ended`: it is to end with this reason, and until then it is the one that Temporal waits for. `superseded`: it is nobody's any
 * more. Null: nothing, Temporal did not answer.
 */
export type BeatVerdict = { readonly ended: Error } | 'superseded' | null;

const CLOCKS = [(): number => performance.now(), (): number => Date.now()];

/** Six beats in a time-out: two may be lost before half of it has passed. */
const BEATS_PER_TIMEOUT = 6;

/** Beats once before it returns, so that the guard knows the execution is current; call `stop` at the end. */
export async function startHeartbeat(options: HeartbeatOptions): Promise<HeartbeatGuard & { stop(): void }> {
  const clocks = options.clocks ?? CLOCKS;
  const read = (): number[] => clocks.map((clock) => clock());
  const controller = new AbortController();
  // Every request in flight listens to it; there are as many as the limiter and the budget allow.
  setMaxListeners(0, controller.signal);
  let acknowledgedAt: readonly number[] = clocks.map(() => Number.NEGATIVE_INFINITY);
  let superseded = false;

  const abortFromParent = (): void => {
    if (options.toVerdict(options.parent.reason) === 'superseded') superseded = true;
    controller.abort(options.parent.reason);
  };
  if (options.parent.aborted) abortFromParent();
  options.parent.addEventListener('abort', abortFromParent, { once: true });

  const acknowledge = (sentAt: readonly number[]): void => {
    // Answers may overtake each other.
    acknowledgedAt = acknowledgedAt.map((at, index) => Math.max(at, sentAt[index] ?? at));
  };
  const beat = async (): Promise<void> => {
    const sentAt = read();
    try {
      await options.beat();
      acknowledge(sentAt);
    } catch (error) {
      const verdict = options.toVerdict(error);
      if (verdict === 'superseded') {
        superseded = true;
        controller.abort(new WaybillError('heartbeat_lost', 'this execution was superseded', {}, { cause: error }));
      } else if (verdict !== null) {
        acknowledge(sentAt);
        controller.abort(verdict.ended);
      }
      // Null is a Temporal that does not answer: the last acknowledgement grows old, which is all that matters.
    }
  };
  await beat();
  const timer = setInterval(() => void beat(), options.timeoutMs / BEATS_PER_TIMEOUT);
  timer.unref();

  const assertCurrent = (): void => {
    let ageMs = Number.NEGATIVE_INFINITY;
    for (const [index, clock] of clocks.entries()) {
      const at = clock();
      ageMs = Math.max(ageMs, at - (acknowledgedAt[index] ?? at));
    }
    if (!superseded && ageMs <= options.timeoutMs / 2) return;
    const lost = new WaybillError('heartbeat_lost', 'the last acknowledged heartbeat is too old to begin a write', {
      superseded,
      ageMs: Math.round(ageMs),
      limitMs: options.timeoutMs / 2,
    });
    controller.abort(lost);
    throw lost;
  };
  return {
    signal: controller.signal,
    assertMayWrite(): void {
      if (controller.signal.aborted) throw controller.signal.reason;
      assertCurrent();
    },
    assertCurrent,
    stop(): void {
      clearInterval(timer);
      options.parent.removeEventListener('abort', abortFromParent);
    },
  };
}
