/** Lists a store whose keys do not ascend: every key goes through the ledger, which sorts; its collation is the manifest's order. */
import { WaybillError } from '../../core/failures.ts';
import { LIST_PAGE_KEYS } from '../../core/limits.ts';
import type { ListingRange } from '../../ledger/ledger.ts';
import { buildPage, type PageEntry } from '../../manifest/build-page.ts';
import { packBody } from '../../manifest/pack-body.ts';
import { printDescriptor } from '../../manifest/print-descriptor.ts';
import { requestPage, selectObjects, type Source } from './source.ts';
import { TokenCycle } from './token-cycle.ts';

/**
 * @param range the only one of a listing that was reset
 * @throws listing_incomplete when a key comes twice: then the listing repeated itself
 */
export async function sortThroughLedger(source: Source, range: ListingRange): Promise<number> {
  const { step, listingId } = source;
  const { ledger } = step.deps;
  const tokens = new TokenCycle();
  let listed = 0;
  let token: string | null = null;
  do {
    step.runtime.guard.signal.throwIfAborted();
    const page = await requestPage(source, { token, startAfter: null, isLent: false });
    token = page.nextContinuationToken ?? null;
    if (token !== null && tokens.comesAgain(token)) throw sameToken(source);
    const { selected, unsupported } = selectObjects(source, page.objects);
    const { bucket } = source.spec.source;
    const entries = selected.map(({ key, sizeBytes, etag }): PageEntry => {
      return { key, sizeBytes, descriptor: printDescriptor({ bucket, key, sizeBytes, etag }) };
    });
    if (unsupported.length > 0) await ledger.saveEffects(step.fence, { outcomes: unsupported });
    listed += entries.length;
    await ledger.saveUnordered(step.fence, listingId, entries);
  } while (token !== null);

  let sorted = 0;
  let batch: PageEntry[] = [];
  let was: string | null = null;
  const flush = async (done: boolean): Promise<void> => {
    const built = buildPage(batch);
    const cursor: string | null = built?.lastKey ?? was;
    const pages = built === null ? [] : [{ ...built, body: packBody(built.body) }];
    const change = { range: { ...range, cursor, done }, was: { until: null, cursor: was, done: false }, pages };
    await ledger.saveRanges(step.fence, listingId, [change]);
    was = cursor;
    sorted += batch.length;
    batch = [];
  };
  for await (const entry of ledger.readUnordered(listingId)) {
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

export function sameToken({ spec }: Source): WaybillError {
  const { bucket, prefix } = spec.source;
  return new WaybillError('listing_incomplete', 'the store gave the same continuation token twice', { bucket, prefix });
}
