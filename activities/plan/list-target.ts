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
import { countKeysUpTo, keyAt } from '../../core/object-columns.ts';
import { reservedPrefix, toTargetKey, type PipelineSpec } from '../../core/pipeline.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import { normaliseEtag } from '../../manifest/normalise-etag.ts';
import type { ListedObject, ListPage, Store } from '../../stores/store.ts';
import { countUpTo } from '../list/count-up-to.ts';
import { InFlightLimit } from '../list/in-flight-limit.ts';
import { PARALLEL_MS_MIN } from '../list/lister.ts';
import { isSafePivot } from '../list/pivots.ts';
import { requestPatiently } from '../request-patiently.ts';
import { toKeyPage } from '../list/source.ts';
import { beginsWhereAsked } from '../list/start-after.ts';
import { readAhead } from '../read-ahead.ts';
import type { ActivityDeps, ActivityRuntime } from '../runtime.ts';

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

/** What of a page lies in its stretch. Its objects are made when its turn comes: as columns they take less than half the memory. */
interface StretchPage {
  readonly page: ListPage;
  /** Of its objects, from the first on. */
  readonly count: number;
  /** The store says that nothing follows, and the stretch's end was not seen. */
  readonly endsByWord: boolean;
}

/**
 * What stands at the target, without what belongs to the markers, in arrays.
 * @throws store_refused when the keys do not ascend; listing_incomplete when a token comes twice; whatever the store answers
 */
export async function* listTarget(
  deps: ActivityDeps,
  runtime: ActivityRuntime,
  listing: TargetListing,
): AsyncGenerator<ListedObject[], void, void> {
  const { spec } = listing;
  const reserved = reservedPrefix(spec.target);
  let last: string | undefined;
  for await (const page of listPages(deps, runtime, listing)) {
    for (const { key } of page) {
      if (last !== undefined && compareUtf8(last, key) >= 0) throw outOfOrder(spec);
      last = key;
    }
    const objects = page
      .filter(({ key }) => !key.startsWith(reserved))
      .map((object) => ({ ...object, etag: normaliseEtag(object.etag) }));
    if (objects.length > 0) yield objects;
  }
}

async function* listPages(
  { ledger, listInParallelMsMin = PARALLEL_MS_MIN }: ActivityDeps,
  runtime: ActivityRuntime,
  { store, spec, listingId }: TargetListing,
): AsyncGenerator<readonly ListedObject[], void, void> {
  const { bucket, prefix } = spec.target;
  const limit = new InFlightLimit({ max: STRETCHES_MAX });
  const over = new AbortController();
  const patience = { limit, signal: runtime.guard.signal, isOver: () => over.signal.aborted };
  const ask: Asking['ask'] = (from) =>
    requestPatiently(() => store.list({ bucket, prefix, maxKeys: LIST_PAGE_KEYS, ...from }), patience);
  const first = await ask({});
  const isFar = limit.usualMs >= listInParallelMsMin;
  const { objects, nextContinuationToken: token } = first;
  yield objects;
  if (token === undefined) return;
  const after = objects.at(-1)?.key ?? '';
  const keys = isFar && objects.length > 0 ? toKeyPage(first) : null;
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

async function* readStretches(
  asking: Asking,
  stretches: readonly Stretch[],
): AsyncGenerator<readonly ListedObject[], void, void> {
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
        const { endsByWord } = next.value;
        const objects = toObjects(next.value);
        if (objects.length > 0 && endedAt !== null) {
          // And something does follow: the store is asked once more for what may lie between.
          const gap = readStretch(asking, { after: endedAt, token: null, until: stretch.after });
          for await (const missed of gap) yield toObjects(missed);
          endedAt = null;
        }
        yield objects;
        after = objects.at(-1)?.key ?? after;
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
  while (!over.signal.aborted) {
    const page = await ask(token === null ? { startAfter: after } : { continuationToken: token });
    const { nextContinuationToken: next } = page;
    if (next !== undefined && next === token) {
      throw new WaybillError('listing_incomplete', 'the store gave the same continuation token twice', { after });
    }
    const { count, isWhole } = cut(page, until);
    yield { page, count, endsByWord: isWhole && next === undefined };
    if (next === undefined || !isWhole) return;
    token = next;
  }
}

/** How much of it lies in the stretch, and whether more may follow that does. No objects are made of columns for it. */
function cut(page: ListPage, until: string | null): { readonly count: number; readonly isWhole: boolean } {
  const { columns } = page;
  const total = columns?.count ?? page.objects.length;
  if (until === null || total === 0) return { count: total, isWhole: true };
  if (columns === undefined) {
    const count = countUpTo(page.objects, until);
    return { count, isWhole: count === total && page.objects.at(-1)?.key !== until };
  }
  // By its last key first, as above: of keys that are out of order none may be passed over, for the reader refuses them.
  const last = keyAt(columns, total - 1);
  const count = compareUtf8(last, until) <= 0 ? total : countKeysUpTo(columns, until);
  return { count, isWhole: count === total && last !== until };
}

const toObjects = ({ page: { objects }, count }: StretchPage): readonly ListedObject[] =>
  count === objects.length ? objects : objects.slice(0, count);

/** A source is sorted through the ledger; a target is joined as it comes. */
function outOfOrder({ target }: PipelineSpec): WaybillError {
  return new WaybillError(
    'store_refused',
    'the target does not list its keys in order, or lists one twice; set unsafe_skip_target_listing: true to plan without it',
    { store: target.store, bucket: target.bucket },
  );
}
