/**
 * How many copies of a worker process are in flight at once, adapted to what the stores bear: one more after every round that went
 * well, half as many when a store asks to slow down or answers much later than it used to (additive increase, multiplicative decrease).
 */
export interface LimiterOptions {
  readonly min: number;
  readonly start: number;
  readonly max: number;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
}

/** A copy that takes this many times the usual latency counts as a sign of congestion. */
const SLOW_FACTOR = 8;
/** Below it, latency says more about our own event loop than about the store. */
const SLOW_FLOOR_MS = 2000;

export class AdaptiveLimiter {
  readonly #options: LimiterOptions;
  readonly #now: () => number;
  readonly #waiting: (() => void)[] = [];
  #limit: number;
  #inFlight = 0;
  #successes = 0;
  #usualMs: number | undefined;
  #halvedAt = Number.NEGATIVE_INFINITY;

  constructor(options: LimiterOptions) {
    this.#options = options;
    this.#limit = options.start;
    this.#now = options.now ?? ((): number => performance.now());
  }

  get limit(): number {
    return this.#limit;
  }

  get max(): number {
    return this.#options.max;
  }

  /** Runs the work when a place is free. Sizes differ, so only work of a like size should report its latency: `steady`. */
  async use<T>(work: () => Promise<T>, steady: boolean): Promise<T> {
    if (this.#inFlight >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#inFlight += 1;
    const startedAt = this.#now();
    try {
      const result = await work();
      this.#succeeded(steady ? this.#now() - startedAt : undefined);
      return result;
    } finally {
      this.#inFlight -= 1;
      while (this.#inFlight < this.#limit) {
        const wake = this.#waiting.shift();
        if (wake === undefined) break;
        this.#inFlight += 1;
        wake();
      }
    }
  }

  /** A store asked to slow down. Answers of one congestion come in bursts: only one in a second halves the limit. */
  slowDown(): void {
    if (this.#now() - this.#halvedAt < 1000) return;
    this.#halvedAt = this.#now();
    this.#limit = Math.max(this.#options.min, Math.floor(this.#limit / 2));
    this.#successes = 0;
  }

  #succeeded(tookMs: number | undefined): void {
    if (tookMs !== undefined) {
      const usual = this.#usualMs ?? tookMs;
      this.#usualMs = usual * 0.95 + tookMs * 0.05;
      if (tookMs > SLOW_FLOOR_MS && tookMs > usual * SLOW_FACTOR) {
        this.slowDown();
        return;
      }
    }
    this.#successes += 1;
    if (this.#successes >= this.#limit && this.#limit < this.#options.max) {
      this.#limit += 1;
      this.#successes = 0;
    }
  }
}
