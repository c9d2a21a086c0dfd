/**
 * One page of a listing. Without a delimiter it is one range scan. With one, a common prefix costs one seek past everything that
 * starts with it, however many keys that is, so a page costs what it returns and not what it passes over.
 */
import { printListCursor, toCommonPrefix } from '../rules/list-cursor.ts';
import type { ListCursor, ListPlan } from '../rules/list-cursor.ts';
import type { ListPage, ListedObject } from '../store.ts';
import { objectsOf, toSuccessor } from './index-keys.ts';
import type { ObjectIndex, ScanBounds } from './object-index.ts';
import { parseObjectRecord } from './records.ts';

const READ_AHEAD_MAX = 256;

export async function listObjects(index: ObjectIndex, bucket: string, plan: ListPlan): Promise<ListPage> {
  const space = objectsOf(bucket);
  const bounds = toBounds(space, plan);
  if (bounds === undefined || plan.maxKeys === 0) {
    return { objects: [], commonPrefixes: [] };
  }
  return plan.delimiter === undefined ? listFlat(index, space, bounds, plan) : listGrouped(index, space, bounds, plan);
}

/** Undefined when nothing can lie between them. */
function toBounds(space: string, plan: ListPlan): ScanBounds | undefined {
  const from = Buffer.from(space + plan.prefix, 'utf8');
  const lt = toSuccessor(space + plan.prefix);
  if (plan.after === undefined) {
    return { gte: from, lt };
  }
  const after =
    plan.after.kind === 'key' ? Buffer.from(space + plan.after.text, 'utf8') : toSuccessor(space + plan.after.text);
  if (Buffer.compare(after, from) < 0) {
    return { gte: from, lt };
  }
  return Buffer.compare(after, lt) >= 0
    ? undefined
    : plan.after.kind === 'key'
      ? { gt: after, lt }
      : { gte: after, lt };
}

async function listFlat(index: ObjectIndex, space: string, bounds: ScanBounds, plan: ListPlan): Promise<ListPage> {
  const entries = await index.scan({ ...bounds, limit: plan.maxKeys + 1 }).all();
  const skip = Buffer.byteLength(space);
  const objects = entries.slice(0, plan.maxKeys).map(([key, value]) => toListed(key.toString('utf8', skip), value));
  const last = objects.at(-1);
  return toPage(objects, [], entries.length > objects.length && last ? { kind: 'key', text: last.key } : undefined);
}

async function listGrouped(index: ObjectIndex, space: string, bounds: ScanBounds, plan: ListPlan): Promise<ListPage> {
  const skip = Buffer.byteLength(space);
  const objects: ListedObject[] = [];
  const commonPrefixes: string[] = [];
  let last: ListCursor | undefined;
  const scan = index.scan(bounds);
  try {
    // What is read ahead is lost at the next common prefix, so it grows only while objects follow objects.
    let ahead = 1;
    for (let entries = await scan.nextv(ahead); entries.length > 0; entries = await scan.nextv(ahead)) {
      ahead = Math.min(ahead * 2, READ_AHEAD_MAX);
      for (const [bytes, value] of entries) {
        if (objects.length + commonPrefixes.length === plan.maxKeys) {
          return toPage(objects, commonPrefixes, last);
        }
        const key = bytes.toString('utf8', skip);
        const prefix = toCommonPrefix(key, plan);
        if (prefix === undefined) {
          objects.push(toListed(key, value));
          last = { kind: 'key', text: key };
        } else {
          commonPrefixes.push(prefix);
          last = { kind: 'prefix', text: prefix };
          scan.seek(toSuccessor(space + prefix));
          ahead = 1;
          break;
        }
      }
    }
  } finally {
    await scan.close();
  }
  return toPage(objects, commonPrefixes, undefined);
}

function toListed(key: string, value: string): ListedObject {
  const { sizeBytes, etag, modifiedMs, checksum, headers } = parseObjectRecord(value);
  const { storageClass } = headers;
  const { algorithm, type } = checksum ?? {};
  return {
    key,
    sizeBytes,
    etag,
    lastModifiedMs: modifiedMs,
    ...(algorithm && type && { checksum: { algorithm, type } }),
    ...(storageClass && { storageClass }),
  };
}

/** @param last the last entry of the page when more follows */
function toPage(objects: ListedObject[], commonPrefixes: string[], last: ListCursor | undefined): ListPage {
  return last === undefined
    ? { objects, commonPrefixes }
    : { objects, commonPrefixes, nextContinuationToken: printListCursor(last) };
}
