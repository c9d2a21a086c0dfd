/** Makes a page of a listing from its descriptors. */
import { WaybillError } from '../core/failures.ts';
import type { ETag } from '../core/ids.ts';
import { compareUtf8 } from '../core/utf8-order.ts';
import { printDescriptor } from './print-descriptor.ts';

/** A run of consecutive descriptors; `body` is the canonical descriptors joined by ','. */
export interface ManifestPage {
  readonly firstKey: string;
  readonly lastKey: string;
  /** At least 1. */
  readonly objects: number;
  readonly sizeBytes: number;
  readonly body: Uint8Array;
}

export interface PageEntry {
  readonly key: string;
  readonly sizeBytes: number;
  /** As `printDescriptor` prints it. */
  readonly descriptor: string;
}

/**
 * The page of these entries, or null when there are none.
 * @throws listing_incomplete when the keys do not ascend strictly in UTF-8 order
 */
export function buildPage(entries: readonly PageEntry[]): ManifestPage | null {
  const first = entries[0];
  if (first === undefined) return null;
  let last = first;
  let sizeBytes = 0;
  const descriptors: string[] = [];
  for (const entry of entries) {
    if (entry !== first && compareUtf8(last.key, entry.key) >= 0) {
      throw new WaybillError('listing_incomplete', 'the keys of a listing do not ascend', {
        after: JSON.stringify(last.key),
        key: JSON.stringify(entry.key),
      });
    }
    last = entry;
    sizeBytes += entry.sizeBytes;
    descriptors.push(entry.descriptor);
  }
  return {
    firstKey: first.key,
    lastKey: last.key,
    objects: entries.length,
    sizeBytes,
    body: Buffer.from(descriptors.join(',')),
  };
}

/** What a descriptor says of one object of a bucket, its ETag in our spelling. */
export interface PageObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: ETag;
}

/**
 * The page of objects whose keys are known to ascend, as `buildPage` makes it of their descriptors, for half of the time: they are
 * printed by one call, and looked over once for what `printDescriptor` would refuse.
 * @throws as `printDescriptor`
 */
export function buildOrderedPage(bucket: string, objects: readonly PageObject[]): ManifestPage | null {
  const [first, last] = [objects[0], objects.at(-1)];
  if (first === undefined || last === undefined) return null;
  let sizeBytes = 0;
  let areSafe = true;
  const descriptors = objects.map(({ etag, key, sizeBytes: size }) => {
    areSafe &&= Number.isSafeInteger(size) && size >= 0;
    sizeBytes += size;
    return { bucket, etag, key, size };
  });
  const printed = JSON.stringify(descriptors).slice(1, -1);
  // A lone surrogate is printed as \udXXX, and so is a text that holds these characters: one by one they are told apart.
  if (!areSafe || printed.includes('\\ud')) {
    for (const object of objects) printDescriptor({ bucket, ...object });
  }
  return { firstKey: first.key, lastKey: last.key, objects: objects.length, sizeBytes, body: Buffer.from(printed) };
}
