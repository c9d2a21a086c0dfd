/**
 * Lists what stands at the target, in order, for a reader that joins it with the manifest.
 *
 * One page after the other a far store takes a quarter of an hour for ten million keys. But what is to be expected there is known: the
 * keys of the manifest. So where the first page took long and more follows, the listing is cut where the manifest's chunks end, and some
 * stretches of it are listed side by side, each to its end while those before it are read. What stands there unexpectedly costs requests
 * and no key: the stretches meet by construction, and each is listed to its end by the store's own tokens.
 */
import { WaybillError } from '../../core/failures.ts';
import { isSupportedKey } from '../../core/keys.ts';
import { CHUNK_OBJECTS, LIST_PAGE_KEYS } from '../../core/limits.ts';
import { reservedPrefix, toTargetKey, type PipelineSpec } from '../../core/pipeline.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import type { ListPage, Store } from '../../stores/store.ts';
import { InFlightLimit } from '../list/in-flight-limit.ts';
import { PARALLEL_MS_MIN } from '../list/lister.ts';
import { isSafePivot } from '../list/pivots.ts';
import { requestPatiently } from '../request-patiently.ts';
import { toKeyPage } from '../list/source.ts';
import { beginsWhereAsked } from '../list/start-after.ts';
import { TokenCycle } from '../list/token-cycle.ts';
import { readAhead } from '../read-ahead.ts';
import type { ActivityDeps, ActivityRuntime } from '../runtime.ts';
import { TargetPage } from './target-page.ts';

/** Stretches under way at once. Each holds up to a chunk's keys, some 1.1 MB as columns, until its turn comes: 18 MB. */
const STRETCHES_MAX = 16;
/** Of one stretch; what has more keys than the manifest expects there waits for its reader. */
const PAGES_AHEAD = CHUNK_OBJECTS / LIST_PAGE_KEYS + 2;

export interface TargetListing {
  readonly store: Store;
  readonly spec: PipelineSpec;
  /** Of the manifest that the target is compared with. */
  readonly listingId: string;
}

/** What all stretches of one listing share. */
interface Asking {
  readonly ask: (from: { readonly startAfter?: string; readonly continuationToken?: string }) => Promise<ListPage>;
  readonly limit: InFlightLimit;
  /** Aborted once nobody reads any more. */
  readonly over: AbortController;
}

/** The keys in (after, until]; null: to the end. With a token the store goes on where it left off. */
interface Stretch {
  readonly after: string;
  readonly token: string | null;
  readonly until: string | null;
}

interface StretchPage {
  /** What of a page lies in the stretch. */
  readonly page: TargetPage;
  /** The store says that nothing follows, and the stretch's end was not seen. */
  readonly endsByWord: boolean;
}

/**
 * What stands at the target, without what belongs to the markers.
 * @throws store_refused when the keys do not ascend; listing_incomplete when a token comes twice, or for a key outside of the prefix;
 *   whatever the store answers
 */
export async function* listTarget(
  deps: ActivityDeps,
  runtime: ActivityRuntime,
  listing: TargetListing,
): AsyncGenerator<TargetPage, void, void> {
  const { spec } = listing;
  const { bucket, prefix } = spec.target;
  const reserved = reservedPrefix(spec.target);
  let last: string | undefined;
  for await (const page of listPages(deps, runtime, listing)) {
    // All of the page: of one that is out of order nothing may lie in the stretch, by a search that takes it to be in order.
    if (!page.ascends) throw outOfOrder(spec);
    if (page.count === 0) continue;
    if (last !== undefined && compareUtf8(last, page.keyAt(0)) >= 0) throw outOfOrder(spec);
    last = page.lastKey;
    // Between two keys that begin with the prefix every key does.
    if (![page.keyAt(0), last].every((key) => key.startsWith(prefix))) {
      throw new WaybillError('listing_incomplete', 'the store listed a key outside the prefix', { bucket, prefix });
    }
    yield* page.without(reserved);
  }
}

async function* listPages(
  { ledger, listInParallelMsMin = PARALLEL_MS_MIN }: ActivityDeps,
  runtime: ActivityRuntime,
  { store, spec, listingId }: TargetListing,
): AsyncGenerator<TargetPage, void, void> {
  const { bucket, prefix } = spec.target;
  const limit = new InFlightLimit({ max: STRETCHES_MAX });
  const over = new AbortController();
  const patience = { limit, signal: runtime.guard.signal, isOver: () => over.signal.aborted };
  const ask: Asking['ask'] = (from) =>
    requestPatiently(() => store.list({ bucket, prefix, maxKeys: LIST_PAGE_KEYS, ...from }), patience);
  const first = await ask({});
  const isFar = limit.usualMs >= listInParallelMsMin;
  const { nextContinuationToken: token } = first;
  const page = new TargetPage(first);
  yield page;
  if (token === undefined) return;
  const after = page.lastKey;
  const keys = isFar && page.count > 0 ? toKeyPage(first) : null;
  let ends = keys === null ? [] : toEnds(spec, after, await ledger.readChunkEnds(listingId));
  if (keys === null || ends.length < 2 || !(await beginsWhereAsked(store, spec.target, keys, runtime.log))) ends = [];
  yield* readStretches({ ask, limit, over }, toStretches({ after, token }, ends));
}

/** Where the chunks end at the target, behind what was listed; without what a store might stumble over. */
const toEnds = (spec: PipelineSpec, after: string, chunkEnds: readonly string[]): string[] =>
  chunkEnds
    .map((key) => toTargetKey(spec, key))
    // One that the target's prefix made too long cannot stand there, and the store might refuse it as a beginning.
    .filter((key) => compareUtf8(key, after) > 0 && isSafePivot(key) && isSupportedKey(key));

/** They meet: each begins where the one before it ends. */
function toStretches(from: { readonly after: string; readonly token: string }, ends: readonly string[]): Stretch[] {
  const untils = [...ends, null];
  return untils.map((until, index) => ({
    after: ends[index - 1] ?? from.after,
    token: index === 0 ? from.token : null,
    until,
  }));
}

async function* readStretches(asking: Asking, stretches: readonly Stretch[]): AsyncGenerator<TargetPage, void, void> {
  const { limit, over } = asking;
  const underWay: Reading[] = [];
  let begun = 0;
  const beginMore = (): void => {
    for (; underWay.length < limit.current && begun < stretches.length; begun++) {
      underWay.push(beginReading(asking, stretches[begun] as Stretch));
    }
  };
  /** Behind this key the store said that nothing follows. */
  let endedAt: string | null = null;
  try {
    beginMore();
    for (let [reading] = underWay; reading !== undefined; [reading] = underWay) {
      const { stretch, pages } = reading;
      let { after } = stretch;
      for (let next = await reading.first; next.done !== true; next = await pages.next()) {
        const { page, endsByWord } = next.value;
        if (page.count > 0 && endedAt !== null) {
          // And something does follow: the store is asked once more for what may lie between.
          const gap = readStretch(asking, { after: endedAt, token: null, until: stretch.after });
          for await (const { page: missed } of gap) yield missed;
          endedAt = null;
        }
        yield page;
        if (page.count > 0) after = page.lastKey;
        if (endsByWord) endedAt ??= after;
        beginMore();
      }
      underWay.shift();
      beginMore();
    }
  } finally {
    over.abort();
    await Promise.allSettled(underWay.map(({ pages }) => pages.return()));
  }
}

interface Reading {
  readonly stretch: Stretch;
  readonly first: Promise<IteratorResult<StretchPage, void>>;
  readonly pages: AsyncGenerator<StretchPage, void, void>;
}

/** Read from now on, not only when the reader comes. */
function beginReading(asking: Asking, stretch: Stretch): Reading {
  const pages = readAhead(readStretch(asking, stretch), PAGES_AHEAD);
  const first = pages.next();
  // It is looked at when its turn comes, or never.
  first.catch(() => undefined);
  return { stretch, first, pages };
}

/** @throws listing_incomplete when a token comes twice; whatever the store answers */
async function* readStretch({ ask, over }: Asking, stretch: Stretch): AsyncGenerator<StretchPage, void, void> {
  const { after, until } = stretch;
  let { token } = stretch;
  const tokens = new TokenCycle();
  if (token !== null) tokens.comesAgain(token);
  while (!over.signal.aborted) {
    const page = await ask(token === null ? { startAfter: after } : { continuationToken: token });
    const { nextContinuationToken: next } = page;
    if (next !== undefined && tokens.comesAgain(next)) {
      throw new WaybillError('listing_incomplete', 'the store gave the same continuation token twice', { after });
    }
    const { kept, isWhole } = cut(new TargetPage(page), until);
    yield { page: kept, endsByWord: isWhole && next === undefined };
    if (next === undefined || !isWhole) return;
    token = next;
  }
}

/** What of it lies in the stretch, and whether more may follow that does. */
function cut(page: TargetPage, until: string | null): { readonly kept: TargetPage; readonly isWhole: boolean } {
  if (until === null || page.count === 0) return { kept: page, isWhole: true };
  const { lastKey } = page;
  // By its last key first: of keys that are out of order none may be passed over, for the reader refuses them.
  const count = compareUtf8(lastKey, until) <= 0 ? page.count : page.countUpTo(until);
  return { kept: page.slice(0, count), isWhole: count === page.count && lastKey !== until };
}

/** A source is sorted through the ledger; a target is joined as it comes. */
function outOfOrder({ target }: PipelineSpec): WaybillError {
  return new WaybillError(
    'store_refused',
    'the target does not list its keys in order, or lists one twice; set unsafe_skip_target_listing: true to plan without it',
    { store: target.store, bucket: target.bucket },
  );
}
