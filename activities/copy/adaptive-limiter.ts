/**
 * How many copies of a worker process are in flight at once, adapted to what the stores bear and to what more of them bring.
 *
 * - From its start it doubles, until a store asks to slow down or answers much later than it used to; from then on it is one more after
 *   each round that went well, and half as many at each such sign (additive increase, multiplicative decrease).
 * - A doubling that brings hardly more copies a second is taken back, for a while: then the stores, or this process, have their hands
 *   full, and what is in flight only waits longer. 64 copies of 1 KiB instead of 16 next to a store that answers at once cost a tenth
 *   more CPU and were slower.
 *
 * The work comes from queues, one for each batch. Runs take turns, and the batches of one come one after the other: taken in turn they
 * would end all at once, and nothing would be copied while they are committed. A copy that ends makes room for the next without anybody
 * waiting on a promise for it.
 */
export interface LimiterOptions {
  readonly min: number;
  readonly start: number;
  readonly max: number;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
  /** One of these stores has asked to slow down, and was listened to: the other workers are to be told. */
  readonly onSlowDown?: (stores: readonly string[]) => void;
}

/** Begins the next piece of work, whose promise never rejects; null when there is none left to begin. */
export type BeginNext = () => Promise<void> | null;

/** Whose work it is: the run, whose queues come one after the other, and its stores. */
interface WorkOf {
  readonly run: string;
  readonly stores: readonly string[];
}

interface Queue {
  readonly of: WorkOf;
  readonly beginNext: BeginNext;
  readonly end: () => void;
  running: number;
  /** There is nothing left to begin. */
  isEmpty: boolean;
}

/** A copy that takes this many times the usual latency counts as a sign of congestion. */
const SLOW_FACTOR = 8;
/** Below it, latency says more about our own event loop than about the store. */
const SLOW_FLOOR_MS = 2000;
/** Copies whose latency is compared before and after a doubling, or two rounds, if that is more. */
const SAMPLES_MIN = 64;
/** A doubling has to bring this many times as many copies a second; two would be all of it. */
const GAIN_MIN = 1.3;
/**
 * From this latency on it is the stores' and not our own: then one round that brings clearly more is enough to go on. Next to a store
 * of 50 ms the most is reached after 0.4 s instead of 0.8. That a doubling brings nothing is never said so soon.
 */
const FAR_MS = 25;
const GAIN_CLEAR = 1.6;
/** So long it is not tried again. */
const HOLD_MS = 10_000;

/** How long copies took at one limit. */
interface Sample {
  readonly limit: number;
  count: number;
  sumMs: number;
}

export class AdaptiveLimiter {
  readonly #options: LimiterOptions;
  readonly #now: () => number;
  /** By run; none of them is empty. */
  readonly #queues: Queue[][] = [];
  #turn = 0;
  #limit: number;
  #inFlight = 0;
  #successes = 0;
  /** So many copies that end next were begun at another limit, or opened connections: they say nothing of this one. */
  #stale: number;
  #isDoubling = true;
  /** Before the last doubling, whose gain is not known yet. */
  #before: Sample | null = null;
  #sample: Sample;
  #holdsUntil = Number.NEGATIVE_INFINITY;
  #usualMs: number | undefined;
  #halvedAt = Number.NEGATIVE_INFINITY;

  constructor(options: LimiterOptions) {
    this.#options = options;
    this.#limit = options.start;
    this.#stale = options.start;
    this.#sample = { limit: options.start, count: 0, sumMs: 0 };
    this.#now = options.now ?? ((): number => performance.now());
  }

  get limit(): number {
    return this.#limit;
  }

  /** More could be in flight than there is work for. */
  get hasRoom(): boolean {
    return this.#inFlight < this.#limit;
  }

  /** Works a queue off, as many pieces at once as its share of the limit allows. Resolves when it has no more and all have ended. */
  run(of: WorkOf, beginNext: BeginNext): Promise<void> {
    return new Promise((end) => {
      const queue = { of, beginNext, end, running: 0, isEmpty: false };
      const ofRun = this.#queues.find(([first]) => first?.of.run === of.run);
      if (ofRun === undefined) this.#queues.push([queue]);
      else ofRun.push(queue);
      this.#fill();
    });
  }

  /** A copy has ended well. Sizes differ, so only work of a like size says how long it took. */
  succeeded(tookMs: number | undefined): void {
    if (tookMs !== undefined) {
      const usual = this.#usualMs ?? tookMs;
      this.#usualMs = usual * 0.95 + tookMs * 0.05;
      if (tookMs > SLOW_FLOOR_MS && tookMs > usual * SLOW_FACTOR) {
        this.#halve();
        return;
      }
    }
    this.#successes += 1;
    if (!this.#isDoubling || tookMs === undefined) {
      if (this.#successes >= this.#limit) this.#change(this.#limit + 1);
      return;
    }
    if (this.#successes <= this.#stale) return;
    const sample = this.#sample;
    sample.count += 1;
    sample.sumMs += tookMs;
    if (sample.count >= Math.max(SAMPLES_MIN, 2 * sample.limit) || this.#isClear(sample)) this.#judge(sample);
  }

  /** One of these stores asked to slow down. */
  slowDown(stores: readonly string[]): void {
    if (this.#halve()) this.#options.onSlowDown?.(stores);
  }

  /** Another worker was asked to, by one of these stores. */
  heardSlowDown(stores: readonly string[]): void {
    const isMeant = ({ of }: Queue): boolean => of.stores.some((store) => stores.includes(store));
    if (this.#queues.some((ofRun) => ofRun.some(isMeant))) this.#halve();
  }

  /** Answers of one congestion come in bursts, and to several workers: only one in a second halves the limit. */
  #halve(): boolean {
    this.#isDoubling = false;
    this.#before = null;
    if (this.#now() - this.#halvedAt < 1000) return false;
    this.#halvedAt = this.#now();
    this.#change(Math.floor(this.#limit / 2));
    return true;
  }

  /** A whole round from stores that are far says already that the last doubling was right, and that another is to be tried. */
  #isClear(sample: Sample): boolean {
    const isFar = sample.count >= sample.limit && sample.sumMs >= FAR_MS * sample.count;
    return isFar && this.#mayDouble() && (this.#before === null || gains(this.#before, sample, GAIN_CLEAR));
  }

  #mayDouble(): boolean {
    return this.#now() >= this.#holdsUntil && this.#limit < this.#options.max;
  }

  #judge(sample: Sample): void {
    const before = this.#before;
    this.#before = null;
    if (before !== null && !gains(before, sample, GAIN_MIN)) {
      this.#holdsUntil = this.#now() + HOLD_MS;
      this.#change(before.limit);
      return;
    }
    if (this.#mayDouble()) {
      this.#before = sample;
      this.#change(this.#limit * 2);
    } else {
      this.#change(this.#limit);
    }
  }

  #change(wanted: number): void {
    const { min, max } = this.#options;
    const former = this.#limit;
    this.#limit = Math.max(min, Math.min(max, wanted));
    this.#successes = 0;
    this.#stale = this.#limit === former ? 0 : former;
    this.#sample = { limit: this.#limit, count: 0, sumMs: 0 };
  }

  #fill(): void {
    while (this.#inFlight < this.#limit && this.#queues.length > 0) {
      this.#turn = (this.#turn + 1) % this.#queues.length;
      const ofRun = this.#queues[this.#turn] as Queue[];
      const queue = ofRun[0] as Queue;
      const work = queue.beginNext();
      if (work === null) {
        queue.isEmpty = true;
        ofRun.shift();
        if (ofRun.length === 0) this.#queues.splice(this.#turn, 1);
        if (queue.running === 0) queue.end();
        continue;
      }
      this.#inFlight += 1;
      queue.running += 1;
      void work.then(() => this.#ended(queue));
    }
  }

  #ended(queue: Queue): void {
    this.#inFlight -= 1;
    queue.running -= 1;
    // Also where the limit leaves no room: a queue that has nothing left would not be asked again.
    if (queue.running === 0 && queue.isEmpty) queue.end();
    this.#fill();
  }
}

/** Copies a millisecond: as many as are in flight, in the time that one takes. */
const toRate = ({ limit, count, sumMs }: Sample): number => (limit * count) / Math.max(sumMs, Number.EPSILON);

/** Whether the later limit brings that many times as many copies a second, for each time that it is twice the earlier. */
const gains = (before: Sample, after: Sample, factor: number): boolean =>
  toRate(after) >= toRate(before) * factor ** Math.log2(after.limit / before.limit);
