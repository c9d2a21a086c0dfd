/**
 * Lists the source into pages of canonical descriptors. A page and its cursor are committed together, so a successor goes on after
 * the last committed page; an incomplete listing never becomes a manifest (invariant I11).
 *
 * Within one execution the store's own continuation token is followed; only a resumed listing opens at a key with start-after. A
 * store that does not honour it is found out by the first page, and listed again from the start. A store whose keys do not ascend is
 * listed once more into the ledger, which sorts: its collation is the manifest's order.
 */
import { WaybillError } from '../core/failures.ts';
import { compileFilters } from '../core/filters.ts';
import { isSupportedKey, toOutcomeKey } from '../core/keys.ts';
import { LIST_PAGE_KEYS } from '../core/limits.ts';
import type { PipelineSpec } from '../core/pipeline.ts';
import { compareUtf8 } from '../core/utf8-order.ts';
import type { Fence, ListingRange } from '../ledger/ledger.ts';
import { buildPage, type PageEntry } from '../manifest/build-page.ts';
import { normaliseEtag } from '../manifest/normalise-etag.ts';
import { packBody } from '../manifest/pack-body.ts';
import { printDescriptor } from '../manifest/print-descriptor.ts';
import type { ListedObject, Store } from '../stores/store.ts';
import { runStep, type Step } from './run-step.ts';
import type { ActivityDeps, ActivityRuntime } from './runtime.ts';

export interface ListResult {
  readonly objects: number;
}

/** @throws listing_incomplete, and whatever the store answers */
export async function list(deps: ActivityDeps, runtime: ActivityRuntime, input: { fence: Fence }): Promise<ListResult> {
  return runStep(deps, runtime, input.fence, { manifestHash: '', step: 'list', ordinal: 0 }, async (step) => {
    const { spec, nominalAt } = await deps.ledger.loadAttempt(input.fence);
    // The first step that can fail with a reason: an alias that is not there would fail every PUT, after all has been listed.
    await deps.checkEncryption?.(spec.target.store, spec.target.encryption, runtime.guard.signal);
    const { listingId, ranges } = await deps.ledger.openListing(input.fence);
    const range = ranges[0];
    if (range === undefined) throw new WaybillError('unclassified', 'a listing has at least one range');
    const lister: Lister = {
      step,
      spec,
      listingId,
      range,
      store: step.open(spec.source.store),
      passes: compileFilters(spec.filters, {
        sourcePrefix: spec.source.prefix,
        nominalMs: nominalAt === null ? null : Date.parse(nominalAt),
      }),
    };
    if (range.done) return { objects: 0 };
    const outcome = await listInOrder(lister, range.cursor);
    if (outcome.order === 'kept') return { objects: outcome.objects };
    await deps.ledger.resetListing(input.fence, listingId);
    if (outcome.order === 'start-after-ignored') {
      const again = await listInOrder(lister, null);
      if (again.order === 'kept') return { objects: again.objects };
      await deps.ledger.resetListing(input.fence, listingId);
    }
    runtime.log.warn({ store: spec.source.store, bucket: spec.source.bucket }, 'the store lists out of order: sorting');
    return { objects: await listOutOfOrder(lister) };
  });
}

interface Lister {
  readonly step: Step;
  readonly spec: PipelineSpec;
  readonly listingId: string;
  readonly range: ListingRange;
  readonly store: Store;
  readonly passes: (object: ListedObject) => boolean;
}

type Order =
  { readonly order: 'kept'; readonly objects: number } | { readonly order: 'broken' | 'start-after-ignored' };

async function listInOrder(lister: Lister, resumeAfter: string | null): Promise<Order> {
  const { ledger } = lister.step.deps;
  let cursor = resumeAfter;
  let objects = 0;
  for await (const page of readListing(lister, resumeAfter)) {
    for (const { key } of page.objects) {
      if (cursor !== null && compareUtf8(cursor, key) >= 0) {
        return { order: resumeAfter !== null && cursor === resumeAfter ? 'start-after-ignored' : 'broken' };
      }
      cursor = key;
    }
    const entries = await toEntries(lister, page.objects);
    const built = buildPage(entries);
    const packed = built === null ? null : { ...built, body: packBody(built.body) };
    // A cursor that the ledger cannot hold stays where it was: the keys behind it are listed again.
    const kept = cursor !== null && isSupportedKey(cursor) ? cursor : (entries.at(-1)?.key ?? lister.range.cursor);
    await ledger.savePage(
      lister.step.fence,
      lister.listingId,
      { ...lister.range, cursor: kept, done: page.last },
      packed,
    );
    objects += entries.length;
  }
  return { order: 'kept', objects };
}

/** Every key goes through the ledger, which sorts. A key that comes twice means that the listing repeated itself. */
async function listOutOfOrder(lister: Lister): Promise<number> {
  const { ledger } = lister.step.deps;
  let listed = 0;
  for await (const page of readListing(lister, null)) {
    const entries = await toEntries(lister, page.objects);
    listed += entries.length;
    await ledger.saveUnordered(lister.step.fence, lister.listingId, entries);
  }
  let sorted = 0;
  let batch: PageEntry[] = [];
  const flush = async (done: boolean): Promise<void> => {
    const built = buildPage(batch);
    const cursor = built?.lastKey ?? null;
    const packed = built === null ? null : { ...built, body: packBody(built.body) };
    await ledger.savePage(lister.step.fence, lister.listingId, { ...lister.range, cursor, done }, packed);
    sorted += batch.length;
    batch = [];
  };
  for await (const entry of ledger.readUnordered(lister.listingId)) {
    batch.push(entry);
    if (batch.length === LIST_PAGE_KEYS) await flush(false);
  }
  if (sorted + batch.length !== listed) {
    throw new WaybillError('listing_incomplete', 'the store listed a key more than once', {
      listed,
      distinct: sorted + batch.length,
    });
  }
  await flush(true);
  return sorted;
}

async function* readListing(
  lister: Lister,
  resumeAfter: string | null,
): AsyncGenerator<{ objects: readonly ListedObject[]; last: boolean }> {
  const { bucket, prefix } = lister.spec.source;
  let token: string | undefined;
  for (;;) {
    lister.step.runtime.guard.signal.throwIfAborted();
    const from =
      token !== undefined ? { continuationToken: token } : resumeAfter !== null ? { startAfter: resumeAfter } : {};
    const page = await lister.store.list({ bucket, prefix, maxKeys: LIST_PAGE_KEYS, ...from });
    const next = page.nextContinuationToken;
    if (next !== undefined && next === token) {
      throw new WaybillError('listing_incomplete', 'the store gave the same continuation token twice', {
        bucket,
        prefix,
      });
    }
    yield { objects: page.objects, last: next === undefined };
    if (next === undefined) return;
    token = next;
  }
}

async function toEntries(lister: Lister, objects: readonly ListedObject[]): Promise<PageEntry[]> {
  const { bucket, prefix } = lister.spec.source;
  const entries: PageEntry[] = [];
  const unsupported: string[] = [];
  for (const object of objects) {
    if (!object.key.startsWith(prefix)) {
      throw new WaybillError('listing_incomplete', 'the store listed a key outside the prefix', { bucket, prefix });
    }
    if (!lister.passes(object)) continue;
    if (!isSupportedKey(object.key)) {
      unsupported.push(object.key);
      continue;
    }
    const { key, sizeBytes } = object;
    entries.push({
      key,
      sizeBytes,
      descriptor: printDescriptor({ bucket, key, sizeBytes, etag: normaliseEtag(object.etag) }),
    });
  }
  if (unsupported.length > 0) {
    await lister.step.deps.ledger.saveEffects(lister.step.fence, {
      outcomes: unsupported.map((key) => ({
        key: toOutcomeKey(key),
        code: 'unsupported_key',
        detail: 'the key holds NUL, is not valid UTF-8 or is longer than 1,024 bytes; it is shown percent-encoded',
      })),
    });
  }
  return entries;
}
