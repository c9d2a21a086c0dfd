/**
 * How many LIST requests may be under way at once, by what the store bears and this process reads: twice as many after every round trip as
 * long as answers come as fast as they did, one more or fewer per round trip once they queued or the store asked to slow down, half as
 * many when it does or when answers take several times as long (additive increase, multiplicative decrease). No clock of its own.
 */
export interface InFlightOptions {
  readonly max: number;
}

const START = 8;
/** Answers that take this many times as long as they did at best only queue, at the store or in this process: fewer are as fast. */
const QUEUEING = 2.5;
const CONGESTED = 6;
/** Differences below it are our own. */
const NOISE_MS = 25;
/** Single answers differ by as much as that: what counts is their running mean, from this many on. */
const ANSWERS_MIN = 4;
const WEIGHT = 0.1;

export class InFlightLimit {
  readonly #max: number;
  #current: number;
  /** The lowest that the mean has been; it is forgotten slowly, for a store may become slower for good. */
  #bestMs = Infinity;
  #usualMs: number | null = null;
  #answers = 0;
  #inRound = 0;
  #slowStart = true;
  #halvedAt = -Infinity;

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
    this.#usualMs = this.#usualMs === null ? tookMs : this.#usualMs * (1 - WEIGHT) + tookMs * WEIGHT;
    this.#answers += 1;
    if (this.#answers < ANSWERS_MIN) return;
    this.#bestMs = Math.min(this.#bestMs * 1.00002, this.#usualMs);
    if (this.#usualMs > this.#bestMs * CONGESTED + NOISE_MS) return this.#halve(now);
    const isQueueing = this.#usualMs > this.#bestMs * QUEUEING + NOISE_MS;
    if (this.#slowStart && !isQueueing) this.#current = Math.min(this.#max, this.#current + 1);
    else this.#endRound(isQueueing ? -1 : 1);
  }

  #endRound(step: 1 | -1): void {
    this.#slowStart &&= step > 0;
    this.#inRound += 1;
    if (this.#inRound < this.#current) return;
    this.#inRound = 0;
    this.#current = Math.max(1, Math.min(this.#max, this.#current + step));
  }

  /** The store asked to slow down. */
  slowDown(now: number): void {
    this.#halve(now);
  }

  /** Signs of one congestion come in bursts: once in a second, or a round trip, is enough. */
  #halve(now: number): void {
    this.#slowStart = false;
    this.#inRound = 0;
    if (now - this.#halvedAt < Math.max(1000, this.#usualMs ?? 0)) return;
    this.#halvedAt = now;
    this.#current = Math.max(1, Math.floor(this.#current / 2));
  }
}
