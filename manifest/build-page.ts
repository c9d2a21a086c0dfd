/** Makes a page of a listing from its descriptors. */
import { WaybillError } from '../core/failures.ts';
import { compareUtf8 } from '../core/utf8-order.ts';

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
