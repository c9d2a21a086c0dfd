/**
 * A store that only lists: a sorted array of keys, any number of which make a page. What a test adds (delays, failures, other answers) is
 * asked for each request. Unlike the model it does not sort for each page, so it can have many keys.
 */
import { WaybillError } from '../../core/failures.ts';
import type { ETag } from '../../core/ids.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import type { ListedObject, ListPage, ListRequest, Store } from '../../stores/store.ts';

export interface SortedStoreOptions {
  readonly keys: readonly string[];
  readonly pageKeys?: number;
  /** Before the answer is made; `nth` from 1. What it throws is the answer. */
  readonly before?: (request: ListRequest, nth: number) => Promise<void> | void;
  /** Instead of the answer. */
  readonly edit?: (page: ListPage, request: ListRequest, nth: number) => ListPage;
  /** How the store reads where a listing is to begin. */
  readonly readStartAfter?: (text: string) => string | undefined;
}

export interface SortedStore extends Store {
  readonly requests: readonly ListRequest[];
}

export const toListed = (key: string): ListedObject => ({
  key,
  sizeBytes: key.length,
  etag: `e${String(key.length)}${String(key.codePointAt(0) ?? 0)}` as ETag,
  lastModifiedMs: 1_760_000_000_000,
});

export function createSortedStore(options: SortedStoreOptions): SortedStore {
  const { keys, before, edit, readStartAfter = (text) => text } = options;
  const requests: ListRequest[] = [];
  const list = async (request: ListRequest): Promise<ListPage> => {
    const nth = requests.push(request);
    request.signal?.throwIfAborted();
    await before?.(request, nth);
    request.signal?.throwIfAborted();
    const { prefix = '', startAfter, continuationToken, maxKeys = 1000 } = request;
    const after = startAfter === undefined ? undefined : readStartAfter(startAfter);
    let from =
      continuationToken === undefined ? (after === undefined ? 0 : countUpTo(keys, after)) : Number(continuationToken);
    from = Math.max(from, prefix === '' ? 0 : countBelow(keys, prefix));
    const to = Math.min(from + Math.min(maxKeys, options.pageKeys ?? maxKeys), keys.length);
    const page = keys.slice(from, to).filter((key) => key.startsWith(prefix));
    const more = page.length === to - from && keys[to]?.startsWith(prefix) === true;
    const answer = {
      objects: page.map(toListed),
      commonPrefixes: [],
      ...(more ? { nextContinuationToken: String(to) } : {}),
    };
    return edit?.(answer, request, nth) ?? answer;
  };
  const refuse = (name: string) => (): Promise<never> =>
    Promise.reject(new WaybillError('not_implemented', `this store only lists, it has no ${name}`));
  const other = new Proxy({} as Store, { get: (_, name) => refuse(String(name)) });
  return Object.assign(Object.create(other) as Store, { list, requests, close: () => Promise.resolve() });
}

function countUpTo(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareUtf8(keys[middle] ?? '', key) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function countBelow(keys: readonly string[], key: string): number {
  const count = countUpTo(keys, key);
  return keys[count - 1] === key ? count - 1 : count;
}
