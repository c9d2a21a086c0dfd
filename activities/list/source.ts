/** What a listing reads, and how what it reads becomes pages of canonical descriptors. */
import { WaybillError } from '../../core/failures.ts';
import type { ETag } from '../../core/ids.ts';
import { isSupportedKey, toOutcomeKey } from '../../core/keys.ts';
import { LIST_PAGE_KEYS } from '../../core/limits.ts';
import { countKeysUpTo, keyAt, keysAscend } from '../../core/object-columns.ts';
import type { PipelineSpec } from '../../core/pipeline.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import type { OutcomeRecord } from '../../ledger/ledger.ts';
import { buildOrderedPage, type ManifestPage } from '../../manifest/build-page.ts';
import { normaliseEtag } from '../../manifest/normalise-etag.ts';
import { packColumnPage } from '../../manifest/pack-column-page.ts';
import type { ListedObject, ListPage, Store } from '../../stores/store.ts';
import type { Step } from '../run-step.ts';
import { countUpTo } from './count-up-to.ts';
import type { KeyPage } from './ranges.ts';

export interface Source {
  readonly step: Step;
  readonly spec: PipelineSpec;
  readonly listingId: string;
  readonly store: Store;
  /** Null when all do. */
  readonly passes: ((object: ListedObject) => boolean) | null;
}

/** One request. The token wins. A page that is lent is given back when it was read. */
export function requestPage(
  { store, spec }: Source,
  from: { readonly token: string | null; readonly startAfter: string | null; readonly isLent: boolean },
): Promise<ListPage> {
  const { bucket, prefix } = spec.source;
  const start =
    from.token !== null
      ? { continuationToken: from.token }
      : from.startAfter !== null
        ? { startAfter: from.startAfter }
        : {};
  return store.list({ bucket, prefix, maxKeys: LIST_PAGE_KEYS, isLent: from.isLent, ...start });
}

/** The page's keys; null when they do not ascend. */
export function toKeyPage(page: ListPage): KeyPage | null {
  const { columns, nextContinuationToken } = page;
  if (columns === undefined) return toKeyPageOfObjects(page);
  if (!keysAscend(columns)) return null;
  return {
    count: columns.count,
    keyAt: (index) => keyAt(columns, index),
    countUpTo: (key) => countKeysUpTo(columns, key),
    token: nextContinuationToken ?? null,
  };
}

function toKeyPageOfObjects({ objects, nextContinuationToken }: ListPage): KeyPage | null {
  for (let at = 1; at < objects.length; at++) {
    if (compareUtf8(objects[at - 1]?.key ?? '', objects[at]?.key ?? '') >= 0) return null;
  }
  return {
    count: objects.length,
    keyAt: (index) => objects[index]?.key ?? '',
    countUpTo: (key) => countUpTo(objects, key),
    token: nextContinuationToken ?? null,
  };
}

export interface Selected {
  /** Null when nothing was selected. */
  readonly page: ManifestPage | null;
  /** Its body is packed already. */
  readonly isPacked: boolean;
  readonly unsupported: readonly OutcomeRecord[];
}

/** The descriptors of what was selected of the first `count` objects, which ascend. @throws as selectObjects */
export function selectPage(source: Source, page: ListPage, count: number): Selected {
  const { bucket, prefix } = source.spec.source;
  const { columns } = page;
  if (columns !== undefined && source.passes === null && count > 0) {
    // Between two keys that begin with the prefix every key does.
    const isWithin = [0, count - 1].every((index) => keyAt(columns, index).startsWith(prefix));
    const packed = isWithin ? packColumnPage(bucket, columns, count) : undefined;
    if (packed !== undefined) return { page: packed, isPacked: true, unsupported: [] };
  }
  const objects = count === page.objects.length ? page.objects : page.objects.slice(0, count);
  const { selected, unsupported } = selectObjects(source, objects);
  return { page: buildOrderedPage(bucket, selected), isPacked: false, unsupported };
}

/** What passes the filters, and what nobody can hold. @throws listing_incomplete for a key outside of the prefix */
export function selectObjects(
  { spec, passes }: Source,
  objects: readonly ListedObject[],
): { readonly selected: readonly ListedObject[]; readonly unsupported: readonly OutcomeRecord[] } {
  const { bucket, prefix } = spec.source;
  const selected: ListedObject[] = [];
  const unsupported: OutcomeRecord[] = [];
  for (const object of objects) {
    const { key } = object;
    if (!key.startsWith(prefix)) {
      throw new WaybillError('listing_incomplete', 'the store listed a key outside the prefix', { bucket, prefix });
    }
    if (passes?.(object) === false) continue;
    if (isSupportedKey(key)) selected.push(withEtag(object, normaliseEtag(object.etag)));
    else {
      unsupported.push({
        key: toOutcomeKey(key),
        code: 'unsupported_key',
        detail: 'the key holds NUL, is not valid UTF-8 or is longer than 1,024 bytes; it is shown percent-encoded',
      });
    }
  }
  return { selected, unsupported };
}

const withEtag = (object: ListedObject, etag: ETag): ListedObject =>
  etag === object.etag ? object : { ...object, etag };
