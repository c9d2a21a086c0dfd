/**
 * The ranges of a listing: half-open intervals of keys (after, until] that together are all keys, contiguous by construction. A range
 * is listed from its beginning; it is cut by giving what lies beyond a pivot to a new range. Whatever comes in, in whatever order,
 * three things hold:
 *
 * - the ranges, in order, cover every key once: the first begins before all keys, each ends where the next begins, the last has no end;
 * - a range's cursor stands at the last key that was taken for it, and all that lies between its beginning and its cursor was taken;
 * - a page is cut at its range's end as it stands when the page arrives.
 *
 * So the union of what is taken is the serial listing, for any keys, pages and timing. Pure: what is taken is handed to the caller.
 */
import { compareUtf8 } from '../../core/utf8-order.ts';
import { TokenCycle } from './token-cycle.ts';

/** One answer of a store, as keys in order. */
export interface KeyPage {
  readonly count: number;
  keyAt(index: number): string;
  /** How many of its keys are not beyond this one. */
  countUpTo(key: string): number;
  /** Where the store goes on; null: nothing follows, says the store. */
  readonly token: string | null;
}

export interface Range {
  readonly ordinal: number;
  readonly after: string | null;
  until: string | null;
  cursor: string | null;
  done: boolean;
  /** Where the store goes on, in this execution. */
  token: string | null;
  readonly tokens: TokenCycle;
  /** First and last key of the last page taken. */
  front: { readonly first: string; readonly last: string; readonly count: number } | null;
  /** Taken in this execution. */
  pages: number;
  /** Its row is in the ledger: before that it is not listed on. */
  recorded: boolean;
  /** A request for its next page is under way. */
  busy: boolean;
  /** It is done because the store said that nothing follows. */
  byWord: boolean;
}

/** The first `count` keys of the page are the range's. */
export interface Taken {
  readonly range: Range;
  readonly count: number;
  /** The range that this one was cut from; null: it was there before. */
  readonly owner: Range | null;
}

export type Disorder =
  /** The keys are not beyond where the page was asked to begin. */
  | 'not-after'
  /** The store says that nothing follows, and keys that follow were seen. */
  | 'ends-early'
  /** The page says to go on where another began. */
  | 'stands-still';

export type Arrival = { readonly kind: 'taken'; readonly taken: Taken } | { readonly kind: Disorder };

export class Ranges {
  /** By their beginnings, which is also by their ends. */
  readonly #all: Range[];
  #ordinal: number;
  /** The greatest key that any page brought. */
  #greatest: string | null = null;
  readonly #reopened = new Set<Range>();

  constructor(
    ranges: readonly {
      ordinal: number;
      after: string | null;
      until: string | null;
      cursor: string | null;
      done: boolean;
    }[],
  ) {
    this.#all = ranges
      .map(({ ordinal, after, until, cursor, done }): Range => {
        return { ordinal, after, until, cursor, done, ...createState(), recorded: true };
      })
      .sort((a, b) => (a.after === null ? -1 : b.after === null ? 1 : compareUtf8(a.after, b.after)));
    this.#ordinal = Math.max(-1, ...ranges.map(({ ordinal }) => ordinal));
    for (const { cursor } of this.#all) this.#see(cursor);
  }

  get all(): readonly Range[] {
    return this.#all;
  }

  get isDone(): boolean {
    return this.#all.every(({ done }) => done);
  }

  /** The range's next page. */
  arrived(range: Range, page: KeyPage): Arrival {
    const start = range.cursor ?? range.after;
    if (start !== null && page.count > 0 && compareUtf8(page.keyAt(0), start) <= 0) return { kind: 'not-after' };
    if (page.token !== null && range.tokens.comesAgain(page.token)) return { kind: 'stands-still' };
    if (this.#endsEarly(page, start)) return { kind: 'ends-early' };
    return { kind: 'taken', taken: this.#take(range, page, null) };
  }

  /**
   * A page that was asked for after the pivot. Null: the owner has passed it, or another range begins there; the page is nobody's. What
   * it shows to be empty becomes a range that is done, so that the ranges stay contiguous.
   */
  split(pivot: string, page: KeyPage): Arrival | null {
    if (page.count > 0 && compareUtf8(page.keyAt(0), pivot) <= 0) return { kind: 'not-after' };
    // Also a page that nobody needs may show that something follows.
    if (page.count > 0) this.#see(page.keyAt(page.count - 1));
    if (this.#endsEarly(page, pivot)) return { kind: 'ends-early' };
    const at = this.indexOf(pivot);
    const owner = this.#all[at];
    if (owner === undefined || !isAhead(owner, pivot)) return null;
    const child: Range = {
      ordinal: (this.#ordinal += 1),
      after: pivot,
      until: owner.until,
      cursor: null,
      done: false,
      ...createState(),
      recorded: false,
    };
    this.#all.splice(at + 1, 0, child);
    owner.until = pivot;
    if (page.token !== null) child.tokens.comesAgain(page.token);
    return { kind: 'taken', taken: this.#take(child, page, owner) };
  }

  /** Where the range that the key lies in stands. */
  indexOf(key: string): number {
    let low = 0;
    let high = this.#all.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const after = this.#all[middle]?.after ?? null;
      if (after === null || compareUtf8(after, key) < 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The range that could be cut at this pivot now. */
  ownerOf(pivot: string): Range | null {
    const range = this.#all[this.indexOf(pivot)];
    return range !== undefined && isAhead(range, pivot) ? range : null;
  }

  #take(range: Range, page: KeyPage, owner: Range | null): Taken {
    const { until } = range;
    const to = until === null ? page.count : page.countUpTo(until);
    if (page.count > 0) this.#see(page.keyAt(page.count - 1));
    if (to > 0) {
      range.cursor = toOwn(page.keyAt(to - 1));
      range.front = { first: toOwn(page.keyAt(0)), last: range.cursor, count: to };
    }
    range.pages += 1;
    range.token = page.token;
    range.byWord = page.token === null && to === page.count;
    range.done = to < page.count || range.byWord || (until !== null && range.cursor === until);
    return { range, count: to, owner };
  }

  /** What was taken for done on the store's word that nothing follows, and is not: a key that follows was seen since. */
  takeReopened(): readonly Range[] {
    const reopened = [...this.#reopened];
    this.#reopened.clear();
    return reopened;
  }

  #see(key: string | null): void {
    if (key === null || (this.#greatest !== null && compareUtf8(key, this.#greatest) <= 0)) return;
    this.#greatest = toOwn(key);
    for (const range of this.#all) {
      const end = range.cursor ?? range.after;
      if (!range.byWord || (end !== null && compareUtf8(key, end) <= 0)) continue;
      range.byWord = false;
      range.done = range.cursor !== null && range.cursor === range.until;
      if (!range.done) this.#reopened.add(range);
    }
  }

  /** The store says that nothing follows this page. Whoever has seen a key beyond it knows better. */
  #endsEarly(page: KeyPage, start: string | null): boolean {
    if (page.token !== null || this.#greatest === null) return false;
    const end = page.count > 0 ? page.keyAt(page.count - 1) : start;
    return end === null || compareUtf8(end, this.#greatest) < 0;
  }
}

/** What is known of a range in this execution alone, at its beginning. */
const createState = (): Pick<Range, 'token' | 'tokens' | 'front' | 'pages' | 'busy' | 'byWord'> => ({
  token: null,
  tokens: new TokenCycle(),
  front: null,
  pages: 0,
  busy: false,
  byWord: false,
});

/** A copy: a key that was cut out of a page's text would keep all of the text. */
const toOwn = (key: string): string => ` ${key}`.slice(1);

/** Strictly between what was taken and the end. */
function isAhead(range: Range, pivot: string): boolean {
  if (range.done) return false;
  const from = range.cursor ?? range.after;
  return (
    (from === null || compareUtf8(from, pivot) < 0) && (range.until === null || compareUtf8(pivot, range.until) < 0)
  );
}
