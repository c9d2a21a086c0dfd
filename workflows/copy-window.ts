/** Runs numbered work in a bounded window: at most `concurrency()` at once, started in order, finished in any. */
import { CancellationScope, condition } from '@temporalio/workflow';

export interface WindowOptions {
  /** Numbers before `from` that are started first. */
  readonly before: readonly number[];
  readonly from: number;
  /** One past the last number. */
  readonly count: number;
  readonly concurrency: () => number;
  readonly mayStart: () => boolean;
  /** True: start nothing more, let what runs end, and return. */
  readonly shouldStop: () => boolean;
  readonly work: (ordinal: number) => Promise<void>;
}

/**
 * Returns the first number, from `from` on, that was not started. Fails with the first failure: what is in flight is cancelled then, for
 * a batch may be tried again for hours where a store is down, and has settled when this returns.
 */
export async function runWindow(options: WindowOptions): Promise<number> {
  const before = [...options.before];
  let next = options.from;
  let inFlight = 0;
  const failures: unknown[] = [];
  const scope = new CancellationScope();
  const idle = (): boolean => inFlight === 0;
  const mayGoOn = (): boolean =>
    failures.length > 0 || options.shouldStop() || (options.mayStart() && inFlight < options.concurrency());

  try {
    while (before.length > 0 || next < options.count) {
      await condition(mayGoOn);
      if (failures.length > 0 || options.shouldStop()) break;
      const ordinal = before.shift() ?? next++;
      inFlight += 1;
      void scope
        .run(() => options.work(ordinal))
        .then(
          () => {
            inFlight -= 1;
          },
          (error: unknown) => {
            failures.push(error);
            inFlight -= 1;
            scope.cancel();
          },
        );
    }
    await condition(idle);
  } catch (cancelled) {
    // Cancelled while waiting: the activities in flight were cancelled too, and settle before the run is closed.
    failures.push(cancelled);
    await CancellationScope.nonCancellable(() => condition(idle));
  }
  if (failures.length > 0) throw failures[0];
  return next;
}
