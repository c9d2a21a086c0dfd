/**
 * Folds the pages of a listing, in order, into the chunks of a manifest. Bodies are joined, never parsed: parsing each descriptor is
 * what would cost. Pages that bring their packed bodies are joined packed, for packing is what costs next, and unpacked together: one
 * call and one piece of memory for a chunk. Memory is that of one chunk.
 */
import { WaybillError } from '../core/failures.ts';
import { compareUtf8 } from '../core/utf8-order.ts';
import type { ManifestPage } from './build-page.ts';
import { joinPacked, unpackBody, unpackBodyAside } from './pack-body.ts';

/** Consecutive descriptors of a manifest; `ordinal` counts from 0. */
export interface ManifestChunk extends ManifestPage {
  readonly ordinal: number;
  /** The body packed; null where the pages did not bring theirs, or some cannot be joined. */
  readonly packed: Uint8Array | null;
}

/** With its body, or with it as it is stored. */
export type FoldedPage = Omit<ManifestPage, 'body'> & ({ readonly body: Uint8Array } | { readonly packed: Uint8Array });

/** The buffer for what is unpacked is longer than the last chunk was by this much, so that the next one fits. */
const ROOM = 1.25;

const COMMA = Buffer.from(',');

/**
 * Joins pages into chunks (bodies unpacked) of at most `chunkObjects`; a page is never cut, so one that is larger
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
  let bytesOfObject = 0;
  const toNext = async (): Promise<ManifestChunk> => {
    const chunk = await toChunk(ordinal++, pending, Math.ceil(pendingObjects * bytesOfObject * ROOM));
    bytesOfObject = chunk.body.byteLength / chunk.objects;
    return chunk;
  };
  for await (const page of pages) {
    if (page.objects === 0) continue;
    if (lastKey !== undefined && compareUtf8(lastKey, page.firstKey) >= 0) throw outOfOrder(lastKey, page.firstKey);
    if (compareUtf8(page.firstKey, page.lastKey) > 0) throw outOfOrder(page.firstKey, page.lastKey);
    if (pendingObjects > 0 && pendingObjects + page.objects > chunkObjects) {
      yield await toNext();
      pending = [];
      pendingObjects = 0;
    }
    pending.push(page);
    pendingObjects += page.objects;
    lastKey = page.lastKey;
  }
  if (pendingObjects > 0) yield await toNext();
}

async function toChunk(ordinal: number, pages: readonly FoldedPage[], bodyBytes: number): Promise<ManifestChunk> {
  let objects = 0;
  let sizeBytes = 0;
  for (const page of pages) {
    objects += page.objects;
    sizeBytes += page.sizeBytes;
  }
  const bodies = pages.flatMap((page) => ('packed' in page ? page.packed : []));
  const packed = bodies.length === pages.length ? joinPacked(bodies) : null;
  const [first, last] = [pages[0], pages.at(-1)];
  if (first === undefined || last === undefined)
    throw new WaybillError('unclassified', 'a chunk has at least one page');
  return {
    ordinal,
    firstKey: first.firstKey,
    lastKey: last.lastKey,
    objects,
    sizeBytes,
    body: packed === null ? joinBodies(pages) : await unpackBodyAside(packed, bodyBytes),
    packed,
  };
}

function joinBodies(pages: readonly FoldedPage[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const page of pages) {
    if (parts.length > 0) parts.push(COMMA);
    parts.push('packed' in page ? unpackBody(page.packed) : page.body);
  }
  return Buffer.concat(parts);
}

function outOfOrder(after: string, key: string): WaybillError {
  return new WaybillError('listing_incomplete', 'the pages of a listing overlap or go backwards', {
    after: JSON.stringify(after),
    key: JSON.stringify(key),
  });
}
