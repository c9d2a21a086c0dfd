/**
 * How many batches of copies a process takes from Temporal: what keeps it busy, and no more, so that another process has work too.
 *
 * Two count, one that is copied and one so that nothing waits while a batch is committed. A batch that has been under way for some seconds
 * counts no longer: its store is slow, and whoever else has copies to make must not wait behind it. Where the process still has room for
 * copies, as next to a run of few objects, a batch counts for a moment only. The most at once stays a limit of its own.
 *
 * A place is held from before Temporal is asked for a task until the task has ended; a question that is not answered counts like a batch
 * that has just begun, for it may be answered at any moment and cannot be taken back.
 */
import type { ActivitySlotInfo, CustomSlotSupplier, SlotPermit } from '@temporalio/worker';

export interface CopyPlacesOptions {
  /** Batches that count, at once. */
  readonly counting: number;
  /** All batches at once. */
  readonly max: number;
  /** The process could have more copies in flight than its batches give it. */
  readonly hasRoom: () => boolean;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
  readonly after?: (ms: number, look: () => void) => void;
}

/** After it a batch counts no longer. One of 2,500 objects takes half a second next to stores that are near, and 4 s next to one of 50 ms. */
const COUNTS_MS = 7500;
/** And where there is room for more copies: longer than it takes a batch to begin them. */
const COUNTS_WITH_ROOM_MS = 500;
/** How often the ages are looked at, while somebody waits for a place. */
const LOOK_MS = 250;

interface Place extends SlotPermit {
  /** Null: no task yet. */
  begunAt: number | null;
}

export class CopyPlaces implements CustomSlotSupplier<ActivitySlotInfo> {
  readonly type = 'custom';
  readonly #options: CopyPlacesOptions;
  readonly #now: () => number;
  readonly #after: (ms: number, look: () => void) => void;
  readonly #held = new Set<SlotPermit>();
  readonly #waiting: ((place: Place) => void)[] = [];
  #isLooking = false;

  constructor(options: CopyPlacesOptions) {
    this.#options = options;
    this.#now = options.now ?? ((): number => performance.now());
    this.#after = options.after ?? ((ms, look): void => void setTimeout(look, ms).unref());
  }

  reserveSlot(_context: unknown, signal: AbortSignal): Promise<SlotPermit> {
    return new Promise((resolve, reject) => {
      const give = (place: Place): void => {
        signal.removeEventListener('abort', giveUp);
        resolve(place);
      };
      const giveUp = (): void => {
        const index = this.#waiting.indexOf(give);
        if (index >= 0) this.#waiting.splice(index, 1);
        reject(signal.reason as Error);
      };
      if (signal.aborted) {
        giveUp();
        return;
      }
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.push(give);
      this.#open();
    });
  }

  tryReserveSlot(): SlotPermit | null {
    return this.#isOpen() ? this.#take() : null;
  }

  markSlotUsed({ permit }: { readonly permit: SlotPermit }): void {
    (permit as Place).begunAt = this.#now();
  }

  releaseSlot({ permit }: { readonly permit: SlotPermit }): void {
    this.#held.delete(permit);
    this.#open();
  }

  #open(): void {
    while (this.#waiting.length > 0 && this.#isOpen()) this.#waiting.shift()?.(this.#take());
    // Batches grow old by themselves.
    if (this.#waiting.length === 0 || this.#isLooking || this.#held.size === 0) return;
    this.#isLooking = true;
    this.#after(LOOK_MS, () => {
      this.#isLooking = false;
      this.#open();
    });
  }

  #isOpen(): boolean {
    const { counting, max, hasRoom } = this.#options;
    if (this.#held.size >= max) return false;
    const since = this.#now() - (hasRoom() ? COUNTS_WITH_ROOM_MS : COUNTS_MS);
    let count = 0;
    for (const { begunAt } of this.#held as Set<Place>) if (begunAt === null || begunAt > since) count += 1;
    return count < counting;
  }

  #take(): Place {
    const place: Place = { begunAt: null };
    this.#held.add(place);
    return place;
  }
}
