/**
 * Folds the pages of a listing, in order, into the chunks of a manifest. Bodies are joined, never parsed: parsing each descriptor is
 * what would cost. Where the pages bring their packed bodies these are joined too, for packing is what costs next. Memory is that of one
 * chunk.
 */
import { WaybillError } from '../core/failures.ts';
import { compareUtf8 } from '../core/utf8-order.ts';
import type { ManifestPage } from './build-page.ts';
import { joinPacked } from './pack-body.ts';

/** Consecutive descriptors of a manifest; `ordinal` counts from 0. */
export interface ManifestChunk extends ManifestPage {
  readonly ordinal: number;
  /** The body packed; null where the pages did not bring theirs, or some cannot be joined. */
  readonly packed: Uint8Array | null;
}

/** `packed`: the body as it is stored. */
export type FoldedPage = ManifestPage & { readonly packed?: Uint8Array };

const COMMA = Buffer.from(',');

/**
 * Joins pages (bodies unpacked) into chunks (bodies unpacked) of at most `chunkObjects`; a page is never cut, so one that is larger
 * becomes a chunk of its own. Pages without objects are passed over.
 * @throws listing_incomplete when a page does not begin after the one before it ended: a page that came twice, ranges that overlap,
 * or a store that lists out of order
 */
export async function* foldPages(
  pages: AsyncIterable<FoldedPage>,
  chunkObjects: number,
): AsyncGenerator<ManifestChunk, void, void> {
  let pending: FoldedPage[] = [];
  let pendingObjects = 0;
  let lastKey: string | undefined;
  let ordinal = 0;
  for await (const page of pages) {
    if (page.objects === 0) continue;
    if (lastKey !== undefined && compareUtf8(lastKey, page.firstKey) >= 0) throw outOfOrder(lastKey, page.firstKey);
    if (compareUtf8(page.firstKey, page.lastKey) > 0) throw outOfOrder(page.firstKey, page.lastKey);
    if (pendingObjects > 0 && pendingObjects + page.objects > chunkObjects) {
      yield toChunk(ordinal++, pending);
      pending = [];
      pendingObjects = 0;
    }
    pending.push(page);
    pendingObjects += page.objects;
    lastKey = page.lastKey;
  }
  if (pendingObjects > 0) yield toChunk(ordinal, pending);
}

function toChunk(ordinal: number, pages: readonly FoldedPage[]): ManifestChunk {
  const parts: Uint8Array[] = [];
  let objects = 0;
  let sizeBytes = 0;
  for (const page of pages) {
    if (parts.length > 0) parts.push(COMMA);
    parts.push(page.body);
    objects += page.objects;
    sizeBytes += page.sizeBytes;
  }
  const packed = pages.flatMap((page) => page.packed ?? []);
  const [first, last] = [pages[0], pages.at(-1)];
  if (first === undefined || last === undefined)
    throw new WaybillError('unclassified', 'a chunk has at least one page');
  return {
    ordinal,
    firstKey: first.firstKey,
    lastKey: last.lastKey,
    objects,
    sizeBytes,
    body: Buffer.concat(parts),
    packed: packed.length === pages.length ? joinPacked(packed) : null,
  };
}

function outOfOrder(after: string, key: string): WaybillError {
  return new WaybillError('listing_incomplete', 'the pages of a listing overlap or go backwards', {
    after: JSON.stringify(after),
    key: JSON.stringify(key),
  });
}
