/**
 * How many LIST requests may be under way at once, by what the store bears: twice as many after every round trip as long as answers come
 * as fast as they did, one more per round trip once it has asked to slow down, half as many when it does or when answers take several
 * times as long (additive increase, multiplicative decrease). No clock of its own.
 */
export interface InFlightOptions {
  readonly max: number;
}

const START = 8;
/** Answers that take this many times the fastest usual ones: more requests would only queue. */
const QUEUEING = 2.5;
const CONGESTED = 6;
/** Differences below it are our own. */
const NOISE_MS = 25;

export class InFlightLimit {
  readonly #max: number;
  #current: number;
  /** Of a single request, when nothing queues. */
  #baseMs = Infinity;
  #usualMs: number | null = null;
  #answers = 0;
  #slowStart = true;
  #shrunkAt = -Infinity;

  constructor({ max }: InFlightOptions) {
    this.#max = max;
    this.#current = Math.min(START, max);
  }

  /** Milliseconds that an answer takes, lately; 0 before the first. */
  get usualMs(): number {
    return this.#usualMs ?? 0;
  }

  get current(): number {
    return this.#current;
  }

  /** @param now milliseconds, monotonic */
  answered(now: number, tookMs: number): void {
    this.#baseMs = Math.min(this.#baseMs * 1.0005, tookMs);
    this.#usualMs = this.#usualMs === null ? tookMs : this.#usualMs * 0.9 + tookMs * 0.1;
    if (this.#usualMs > this.#baseMs * CONGESTED + NOISE_MS) return this.#shrink(now, 0.5);
    if (this.#usualMs > this.#baseMs * QUEUEING + NOISE_MS) return;
    this.#answers += 1;
    if (this.#slowStart) this.#current = Math.min(this.#max, this.#current + 1);
    else if (this.#answers >= this.#current) {
      this.#answers = 0;
      this.#current = Math.min(this.#max, this.#current + 1);
    }
  }

  /** The store asked to slow down. */
  slowDown(now: number): void {
    this.#shrink(now, 0.5);
  }

  /** Signs of one congestion come in bursts: once in a second, or a round trip, is enough. */
  #shrink(now: number, factor: number): void {
    this.#slowStart = false;
    this.#answers = 0;
    if (now - this.#shrunkAt < Math.max(1000, this.#usualMs ?? 0)) return;
    this.#shrunkAt = now;
    this.#current = Math.max(1, Math.floor(this.#current * factor));
  }
}
