/** What an attempt lists of its source, page by page, range by range. */
import type { Fence } from './fence.ts';

export interface ListingRange {
  readonly ordinal: number;
  /** Keys strictly after it; null: from the start. */
  readonly after: string | null;
  /** Up to and including it; null: to the end. */
  readonly until: string | null;
  /** Last key of the last saved page. */
  readonly cursor: string | null;
  readonly done: boolean;
}

/** One listing answer after the filters; `body` is the canonical descriptors joined by ','. */
export interface ListingPage {
  readonly firstKey: string;
  readonly lastKey: string;
  readonly objects: number;
  readonly sizeBytes: number;
  readonly body: Uint8Array;
}

/** What an execution adds to a range. */
export interface RangeChange {
  /** As it is to be. */
  readonly range: ListingRange;
  /** As the execution knows it; null: the range is new. */
  readonly was: Pick<ListingRange, 'until' | 'cursor' | 'done'> | null;
  /** Between the cursor that it had and the one that it gets, ascending. */
  readonly pages: readonly ListingPage[];
}

/** An object of a store that lists out of order. */
export interface UnorderedEntry {
  readonly key: string;
  readonly descriptor: string;
  readonly sizeBytes: number;
}

export interface ListingLedger {
  /** The attempt's one listing; made at the first call with one range over everything. */
  openListing(fence: Fence): Promise<{ listingId: string; ranges: readonly ListingRange[] }>;
  /**
   * Pages, the cursors of their ranges, and new ranges with the ends of those that they were cut from, in one transaction. Each range
   * is to be as the execution left it. @throws listing_incomplete when another execution has listed on
   */
  saveRanges(fence: Fence, listingId: string, changes: readonly RangeChange[]): Promise<void>;
  /** Throws away what was listed, for a store that lists out of order: it starts over with `saveUnordered`. */
  resetListing(fence: Fence, listingId: string): Promise<void>;
  saveUnordered(fence: Fence, listingId: string, entries: readonly UnorderedEntry[]): Promise<void>;
  /** The entries of `saveUnordered`, by key. */
  readUnordered(listingId: string): AsyncIterable<UnorderedEntry>;
  /** Pages by first key. */
  readPages(listingId: string): AsyncIterable<ListingPage>;
}
