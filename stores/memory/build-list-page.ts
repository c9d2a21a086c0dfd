/** One page of a listing, from first principles: sort all keys, drop those before the cursor, group, cut. */
import { compareUtf8 } from '../../core/utf8-order.ts';
import { printListCursor, toCommonPrefix, toListPlan } from '../rules/list-cursor.ts';
import type { ListPlan } from '../rules/list-cursor.ts';
import type { ListPage, ListRequest, ListedObject } from '../store.ts';
import type { MemoryBucket } from './create-memory-store.ts';

export function buildListPage(bucket: MemoryBucket, request: ListRequest): ListPage {
  const plan = toListPlan(request);
  if (plan.maxKeys === 0) {
    return { objects: [], commonPrefixes: [] };
  }
  const entries = toEntries(bucket, plan);
  const page = entries.slice(0, plan.maxKeys);
  const last = page.at(-1);
  return {
    objects: page.flatMap((entry) => (entry.kind === 'key' ? [entry.object] : [])),
    commonPrefixes: page.flatMap((entry) => (entry.kind === 'prefix' ? [entry.text] : [])),
    ...(last !== undefined && entries.length > page.length
      ? { nextContinuationToken: printListCursor({ kind: last.kind, text: last.text }) }
      : {}),
  };
}

type Entry = { kind: 'key'; text: string; object: ListedObject } | { kind: 'prefix'; text: string };

function toEntries(bucket: MemoryBucket, plan: ListPlan): Entry[] {
  const entries: Entry[] = [];
  const keys = [...bucket.objects.keys()].sort(compareUtf8);
  for (const key of keys.filter((each) => each.startsWith(plan.prefix) && isAfter(each, plan.after))) {
    const prefix = toCommonPrefix(key, plan);
    if (prefix === undefined) {
      const info = bucket.objects.get(key)?.info;
      if (info !== undefined) {
        const { sizeBytes, etag, lastModifiedMs, checksum, storageClass } = info;
        const sum = checksum && { checksum: { algorithm: checksum.algorithm, type: checksum.type } };
        const object = { key, sizeBytes, etag, lastModifiedMs, ...sum, ...(storageClass && { storageClass }) };
        entries.push({ kind: 'key', text: key, object });
      }
    } else if (entries.at(-1)?.text !== prefix || entries.at(-1)?.kind !== 'prefix') {
      entries.push({ kind: 'prefix', text: prefix });
    }
  }
  return entries;
}

const isAfter = (key: string, after: ListPlan['after']): boolean =>
  after === undefined || (compareUtf8(key, after.text) > 0 && !(after.kind === 'prefix' && key.startsWith(after.text)));
