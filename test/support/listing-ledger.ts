/**
 * As much of a ledger as listing needs, in memory, with the rules of the real one (test/integration/ledger-listing.test.ts): a change is
 * taken whole, only by whoever knows the ranges as they are. For tests that list thousands of times.
 */
import { WaybillError } from '../../core/failures.ts';
import type { PipelineSpec } from '../../core/pipeline.ts';
import type { Fence, Ledger, ListingPage, ListingRange, OutcomeRecord, RangeChange } from '../../ledger/ledger.ts';
import type { PageEntry } from '../../manifest/build-page.ts';

export interface ListingLedger {
  readonly ledger: Ledger;
  readonly ranges: () => readonly ListingRange[];
  readonly pages: () => readonly ListingPage[];
  readonly outcomes: () => readonly OutcomeRecord[];
  readonly resets: () => number;
}

export const FENCE: Fence = { attemptId: 'attempt', targetId: 'target', epoch: 1 };
const START: ListingRange = { ordinal: 0, after: null, until: null, cursor: null, done: false };

/** @param step around each write; what it throws before `commit` keeps the write from happening, and after it the answer from coming */
export function createListingLedger(
  spec: PipelineSpec,
  step: (commit: () => void) => Promise<void> = async (commit) => commit(),
): ListingLedger {
  let ranges = new Map<number, ListingRange>([[0, START]]);
  let pages = new Map<string, ListingPage>();
  let unordered = new Map<string, PageEntry>();
  const outcomes = new Map<string, OutcomeRecord>();
  let resets = 0;

  const save = (changes: readonly RangeChange[]): void => {
    if (changes.every(({ range }) => JSON.stringify(ranges.get(range.ordinal)) === JSON.stringify(range))) return;
    for (const { range, was } of changes) {
      const stored = ranges.get(range.ordinal);
      const isKnown =
        was === null
          ? !stored
          : stored?.cursor === was.cursor && stored.until === was.until && stored.done === was.done;
      if (!isKnown) throw new WaybillError('listing_incomplete', 'overtaken');
    }
    for (const { range, pages: added } of changes) {
      ranges.set(range.ordinal, range);
      for (const page of added) {
        if (pages.has(page.firstKey)) throw new WaybillError('unclassified', 'a page is there already');
        pages.set(page.firstKey, page);
      }
    }
  };
  const ledger: Partial<Ledger> = {
    loadStep: () => Promise.resolve(null),
    claimStep: () => Promise.resolve(),
    commitStep: () => Promise.resolve(),
    releaseStep: () => Promise.resolve(),
    loadAttempt: (fence) =>
      Promise.resolve({
        fence,
        number: 1,
        runUuid: 'run',
        pipeline: spec.name,
        runId: 'r',
        mode: 'run' as const,
        nominalAt: null,
        spec,
        quietMs: 0,
      }),
    openListing: () => Promise.resolve({ listingId: 'listing', ranges: [...ranges.values()] }),
    saveRanges: (_fence, _listing, changes) => step(() => save(changes)),
    resetListing: () =>
      step(() => {
        resets += 1;
        ranges = new Map([[0, START]]);
        pages = new Map();
        unordered = new Map();
      }),
    saveUnordered: (_fence, _listing, entries) =>
      step(() => {
        for (const entry of entries) unordered.set(entry.key, entry);
      }),
    readUnordered: async function* () {
      yield* [...unordered.values()].sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
    },
    saveEffects: (_fence, effects) =>
      step(() => {
        for (const outcome of effects.outcomes ?? []) outcomes.set(outcome.key, outcome);
      }),
  };
  return {
    ledger: ledger as Ledger,
    ranges: () => [...ranges.values()],
    pages: () => [...pages.values()].sort((a, b) => Buffer.compare(Buffer.from(a.firstKey), Buffer.from(b.firstKey))),
    outcomes: () => [...outcomes.values()],
    resets: () => resets,
  };
}
