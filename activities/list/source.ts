/** What a listing reads, and how what it reads becomes pages of canonical descriptors. */
import { WaybillError } from '../../core/failures.ts';
import type { ETag } from '../../core/ids.ts';
import { isSupportedKey, toOutcomeKey } from '../../core/keys.ts';
import { LIST_PAGE_KEYS } from '../../core/limits.ts';
import type { PipelineSpec } from '../../core/pipeline.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import type { OutcomeRecord } from '../../ledger/ledger.ts';
import { normaliseEtag } from '../../manifest/normalise-etag.ts';
import type { ListedObject, ListPage, Store } from '../../stores/store.ts';
import type { Step } from '../run-step.ts';
import type { KeyPage } from './ranges.ts';

export interface Source {
  readonly step: Step;
  readonly spec: PipelineSpec;
  readonly listingId: string;
  readonly store: Store;
  readonly passes: (object: ListedObject) => boolean;
}

/** One request. The token wins. */
export function requestPage(
  { store, spec }: Source,
  from: { readonly token: string | null; readonly startAfter: string | null },
): Promise<ListPage> {
  const { bucket, prefix } = spec.source;
  const start =
    from.token !== null
      ? { continuationToken: from.token }
      : from.startAfter !== null
        ? { startAfter: from.startAfter }
        : {};
  return store.list({ bucket, prefix, maxKeys: LIST_PAGE_KEYS, ...start });
}

/** The page's keys; null when they do not ascend. */
export function toKeyPage({ objects, nextContinuationToken }: ListPage): KeyPage | null {
  for (let at = 1; at < objects.length; at++) {
    if (compareUtf8(objects[at - 1]?.key ?? '', objects[at]?.key ?? '') >= 0) return null;
  }
  return {
    count: objects.length,
    keyAt: (index) => objects[index]?.key ?? '',
    countUpTo(key) {
      let low = 0;
      let high = objects.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (compareUtf8(objects[middle]?.key ?? '', key) <= 0) low = middle + 1;
        else high = middle;
      }
      return low;
    },
    token: nextContinuationToken ?? null,
  };
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
    if (!passes(object)) continue;
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
