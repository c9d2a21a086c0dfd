/**
 * Lists by ranges: asks the store what the ladder says, as many requests at once as it bears, and commits what comes in the order in which
 * it was taken, many pages at a time. What is committed is at every moment a listing to go on with: a cut goes in together with the range
 * that it makes, a page together with its range's cursor, and a new range is not listed on before it is committed.
 *
 * It starts with one request at a time and follows the store's own tokens. Only when a few pages have come and more follow, and the store
 * has shown that it begins a listing where it is asked to, does it go on by ranges; a successor that finds ranges goes on with all of
 * them. Whatever is out of order ends it, without another request.
 */
import { WaybillError } from '../../core/failures.ts';
import { isSupportedKey } from '../../core/keys.ts';
import { LIST_IN_FLIGHT_MAX } from '../../core/limits.ts';
import type { ListingPage, ListingRange, OutcomeRecord, RangeChange } from '../../ledger/ledger.ts';
import type { ManifestPage } from '../../manifest/build-page.ts';
import { createBodyPacker } from '../../manifest/pack-body.ts';
import type { ListPage } from '../../stores/store.ts';
import { InFlightLimit } from './in-flight-limit.ts';
import { Ladder, type Ask } from './ladder.ts';
import { Ranges, type Arrival, type KeyPage, type Range } from './ranges.ts';
import { requestPatiently } from '../request-patiently.ts';
import { requestPage, selectPage, toKeyPage, type Source } from './source.ts';
import { sameToken } from './sort-through-ledger.ts';
import { beginsWhereAsked } from './start-after.ts';

export type Listed =
  | { readonly order: 'kept'; readonly objects: number }
  /** A key does not follow the one before it. */
  | { readonly order: 'broken' }
  /** A listing that went on at a key began before it. */
  | { readonly order: 'start-after-ignored' }
  /** The store says that nothing follows where others of its answers have keys. */
  | { readonly order: 'ends-early' };

/** Smaller buckets are listed as anybody would. The question whether ranges may follow goes out beside the page after these. */
const SERIAL_PAGES = 4;
/**
 * A store that answers faster is listed one page after the other: 40,000 keys and more a second, which is about what the rest of a run
 * takes in, and no request for keys that are not there. S3 itself takes 75 to 300 ms a page.
 */
export const PARALLEL_MS_MIN = 25;
/**
 * What ranges cost at first, a hundred requests and half a second of this process and the ledger, is the same at any store; what they
 * save is not. So a store that takes less than three times the least is listed for longer before: ten pages of 50 ms took 1.1 s and
 * 131 requests by ranges, and take 0.6 s one after the other.
 */
const FAR_FACTOR = 3;
const SERIAL_PAGES_NEAR = 12;
/** Pages that wait for the ledger, about 30 KB each: beyond it nothing more is asked for. */
const PAGES_WAITING_MAX = 128;

/** Whether the store begins a listing where it is asked to. */
type Ranging = 'unknown' | 'asking' | 'yes' | 'no';

type Known = Pick<ListingRange, 'until' | 'cursor' | 'done'>;

interface Waiting {
  readonly range: Range;
  readonly page: Promise<ListingPage> | null;
  readonly unsupported: readonly OutcomeRecord[];
}

/** After so many pages, of which each takes so long. */
export function areRangesWorthIt(pages: number, usualMs: number, pageMsMin = PARALLEL_MS_MIN): boolean {
  return usualMs >= pageMsMin && pages >= (usualMs >= FAR_FACTOR * pageMsMin ? SERIAL_PAGES : SERIAL_PAGES_NEAR);
}

/** @throws what the store answers, listing_incomplete, ledger_unavailable; all that was taken before is committed then, if it can be */
export async function listByRanges(source: Source, stored: readonly ListingRange[]): Promise<Listed> {
  return new Lister(source, stored).run();
}

class Lister {
  readonly #source: Source;
  readonly #ladder: Ladder;
  readonly #packer = createBodyPacker();
  readonly #limit = new InFlightLimit({ max: LIST_IN_FLIGHT_MAX });
  /** As the ledger has them. */
  readonly #saved = new Map<Range, Known>();
  /** The last key up to the cursor that the ledger can hold: what comes after it is listed again by a successor. */
  readonly #kept = new Map<Range, string | null>();
  readonly #changed = new Set<Range>();
  #waiting: Waiting[] = [];
  #saving = false;
  #inFlight = 0;
  #pages = 0;
  /** Pages that come one by one; none of a listing that has ranges. */
  readonly #serialPages: number;
  #objects = 0;
  #ranging: Ranging;
  #end: { readonly listed: Listed } | { readonly error: unknown } | null = null;
  #finish: () => void = () => undefined;

  constructor(source: Source, stored: readonly ListingRange[]) {
    this.#source = source;
    const ranges = new Ranges(stored);
    this.#ladder = new Ladder(ranges, source.spec.source.prefix);
    for (const range of ranges.all) {
      this.#saved.set(range, { until: range.until, cursor: range.cursor, done: range.done });
      this.#kept.set(range, range.cursor);
    }
    // Nobody cuts a range without having asked.
    this.#ranging = stored.length > 1 ? 'yes' : 'unknown';
    this.#serialPages = stored.length > 1 ? -1 : SERIAL_PAGES;
  }

  async run(): Promise<Listed> {
    const finished = new Promise<void>((resolve) => (this.#finish = resolve));
    this.#go();
    await finished;
    this.#packer.close();
    const end = this.#end;
    if (end === null) throw new WaybillError('unclassified', 'a listing stopped before its end');
    if ('error' in end) throw end.error;
    return end.listed;
  }

  /** Whatever is free to be done, is begun. */
  #go(): void {
    // What is still under way may show that the store's word was not its last.
    const isQuiet = this.#inFlight === 0 && this.#changed.size === 0 && !this.#saving;
    if (this.#end === null && this.#ladder.isDone && isQuiet) {
      this.#stop({ listed: { order: 'kept', objects: this.#objects } });
    }
    if (this.#end === null && this.#source.step.runtime.guard.signal.aborted) {
      this.#stop({ error: this.#source.step.runtime.guard.signal.reason });
    }
    if (this.#end === null && this.#waiting.length < PAGES_WAITING_MAX) {
      const isRanging = this.#ranging === 'yes' && this.#pages > this.#serialPages;
      // The question goes out beside a page.
      const slots = isRanging ? this.#limit.current : this.#ranging === 'asking' ? 2 : 1;
      const free = slots - this.#inFlight;
      if (free > 0) for (const ask of this.#ladder.next(free, isRanging)) this.#begin(ask);
    }
    if (this.#changed.size > 0 && !this.#saving) void this.#save();
    if (this.#end !== null && this.#inFlight === 0 && !this.#saving) this.#finish();
  }

  #stop(end: { readonly listed: Listed } | { readonly error: unknown }): void {
    this.#end ??= end;
  }

  #begin(ask: Ask): void {
    this.#inFlight += 1;
    void this.#carryOut(ask)
      .catch((error: unknown) => this.#stop({ error }))
      .finally(() => {
        this.#inFlight -= 1;
        this.#go();
      });
  }

  async #carryOut(ask: Ask): Promise<void> {
    const from = ask.kind === 'page' ? ask : { token: null, startAfter: ask.pivot };
    for (let tries = 1; ; tries++) {
      const page = await this.#request(from);
      const isSettled = this.#arrived(ask, page);
      // All that is kept of it are pages that are packed, and keys of their own.
      page.giveBack?.();
      if (isSettled) return;
      // A key may have been made since the page was answered, or the page lies: the store is asked once more.
      if (tries === 2) return this.#stop({ listed: { order: 'ends-early' } });
    }
  }

  /** @returns false when the page says that nothing follows, and something does; @throws listing_incomplete */
  #arrived(ask: Ask, page: ListPage): boolean {
    if (this.#end !== null) return true;
    const keys = toKeyPage(page);
    if (keys === null) {
      this.#stop({ listed: { order: 'broken' } });
      return true;
    }
    const arrival = this.#ladder.arrived(ask, keys);
    for (const range of this.#ladder.takeReopened()) this.#changed.add(range);
    if (arrival?.kind === 'ends-early') return false;
    if (arrival?.kind === 'stands-still') throw sameToken(this.#source);
    if (arrival?.kind === 'taken') this.#took(arrival, page, keys);
    if (arrival?.kind === 'not-after') {
      const resumed = ask.kind === 'page' && ask.token === null;
      this.#stop({ listed: { order: resumed ? 'start-after-ignored' : 'broken' } });
    }
    return true;
  }

  #took({ taken: { range, count, owner } }: Arrival & { kind: 'taken' }, page: ListPage, keys: KeyPage): void {
    const { page: built, isPacked, unsupported } = selectPage(this.#source, page, count);
    this.#objects += built?.objects ?? 0;
    const packed = built === null ? null : isPacked ? Promise.resolve(built) : this.#pack(built);
    // It is waited for when it is saved, or never, when the listing ends before.
    packed?.catch(() => undefined);
    this.#waiting.push({ range, page: packed, unsupported });
    this.#kept.set(range, findKept(keys, count) ?? this.#kept.get(range) ?? null);
    this.#changed.add(range);
    if (owner !== null) this.#changed.add(owner);
    this.#pages += 1;
    const { listInParallelMsMin } = this.#source.step.deps;
    const isWorthIt = areRangesWorthIt(this.#pages, this.#limit.usualMs, listInParallelMsMin);
    if (isWorthIt && this.#ranging === 'unknown' && !range.done) {
      this.#ranging = 'asking';
      this.#inFlight += 1;
      void this.#askStartAfter(keys).finally(() => {
        this.#inFlight -= 1;
        this.#go();
      });
    }
  }

  async #pack(page: ManifestPage): Promise<ListingPage> {
    return { ...page, body: await this.#packer.pack(page.body) };
  }

  /** Beside the pages, which go on; without a right answer they go on one by one. */
  async #askStartAfter(keys: KeyPage): Promise<void> {
    const { store, spec, step } = this.#source;
    this.#ranging = (await beginsWhereAsked(store, spec.source, keys, step.runtime.log)) ? 'yes' : 'no';
  }

  #request(from: { readonly token: string | null; readonly startAfter: string | null }): Promise<ListPage> {
    const { signal } = this.#source.step.runtime.guard;
    const isOver = (): boolean => this.#end !== null;
    return requestPatiently(() => requestPage(this.#source, { ...from, isLent: true }), {
      limit: this.#limit,
      signal,
      isOver,
    });
  }

  /** All that was taken since the last time, in one transaction. After the end too: a successor has the less to list. */
  async #save(): Promise<void> {
    this.#saving = true;
    const waiting = this.#waiting;
    const changed = [...this.#changed];
    this.#waiting = [];
    this.#changed.clear();
    // As they are now: what is taken while the pages are packed is for the next time.
    const ranges = changed.map((range): ListingRange => {
      const { ordinal, after, until, done } = range;
      return { ordinal, after, until, cursor: this.#kept.get(range) ?? null, done };
    });
    try {
      const { step, listingId } = this.#source;
      const pagesOf = new Map<Range, ListingPage[]>(changed.map((range) => [range, []]));
      const packed = await Promise.all(waiting.map(({ page }) => page ?? Promise.resolve(null)));
      for (const [index, page] of packed.entries()) {
        const range = waiting[index]?.range;
        if (page !== null && range !== undefined) pagesOf.get(range)?.push(page);
      }
      const changes = changed.map((range, index): RangeChange => {
        const to = ranges[index];
        if (to === undefined) throw new WaybillError('unclassified', 'a range is not there');
        return { range: to, was: this.#saved.get(range) ?? null, pages: pagesOf.get(range) ?? [] };
      });
      const outcomes = waiting.flatMap(({ unsupported }) => unsupported);
      if (outcomes.length > 0) await step.deps.ledger.saveEffects(step.fence, { outcomes });
      await step.deps.ledger.saveRanges(step.fence, listingId, changes);
      for (const [index, range] of changed.entries()) {
        this.#saved.set(range, ranges[index] ?? range);
        range.recorded = true;
      }
    } catch (error) {
      // What could not be committed is not tried again after the end.
      this.#stop({ error });
      this.#waiting = [];
      this.#changed.clear();
    } finally {
      this.#saving = false;
    }
    this.#go();
  }
}

function findKept(keys: KeyPage, count: number): string | null {
  for (let at = count - 1; at >= 0; at--) {
    const key = keys.keyAt(at);
    if (isSupportedKey(key)) return key;
  }
  return null;
}
