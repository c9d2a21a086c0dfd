/**
 * Joins the manifest, the ledger's deliveries and a listing of the target, a chunk of the manifest at a time, and looks at single objects
 * only where something differs.
 *
 * The ledger tells its deliveries as the manifest tells its objects, in canonical descriptors. Where that is the text of the chunk, every
 * object of it was delivered in this very version and nothing else was; where the target's listing reads along the same text with the
 * ETags that were delivered, all of it stands at the target as it was delivered, and nothing else does. Then each object of the chunk
 * would be skipped: that is said of the chunk at once. Any other chunk is parsed and joined object by object.
 */
import type { PipelineSpec } from '../../core/pipeline.ts';
import { toTargetKey } from '../../core/pipeline.ts';
import type { DeliveredText, DeliveryRecord, Ledger } from '../../ledger/ledger.ts';
import { DescriptorText } from '../../manifest/descriptor-text.ts';
import { mergeJoin, type Joined } from '../../manifest/merge-join.ts';
import { parseDescriptors } from '../../manifest/parse-descriptors.ts';
import type { ListedObject } from '../../stores/store.ts';
import { readAhead } from '../read-ahead.ts';
import { readLedger, toSourceItems, type SourceItem } from '../streams.ts';
import { isDelivered, readDeliveredChunks, type DeliveredChunk } from './delivered-chunks.ts';
import { TargetPages } from './target-pages.ts';

export type JoinedItem = Joined<SourceItem, DeliveryRecord, ListedObject>;

export type JoinedStretch =
  /** Objects of the manifest that were delivered as they are, and that the target, if it was listed, holds as they were delivered. */
  | { readonly kind: 'same'; readonly objects: number; readonly sizeBytes: number }
  | { readonly kind: 'items'; readonly items: readonly JoinedItem[] };

export interface JoinOptions {
  readonly ledger: Ledger;
  readonly spec: PipelineSpec;
  readonly listingId: string;
  /** Null: nothing was ever delivered there. */
  readonly targetId: string | null;
  /** By key, in arrays; null: the target is not looked at. */
  readonly target: AsyncIterable<readonly ListedObject[]> | null;
}

/**
 * Yields every key of manifest and target once, ascending, and keys of the ledger alone or not.
 * @throws listing_incomplete when a stream does not ascend; whatever a stream throws. The listing is closed however it ends.
 */
export async function* joinChunks(options: JoinOptions): AsyncGenerator<JoinedStretch, void, void> {
  const { ledger, spec, targetId, listingId } = options;
  const pages = options.target === null ? null : new TargetPages(options.target);
  try {
    for await (const read of readAhead(readDeliveredChunks(ledger, spec, targetId, listingId))) {
      const { chunk } = read;
      const until = toTargetKey(spec, chunk.lastKey);
      const taken: (readonly ListedObject[])[] = [];
      if (isDelivered(read) && (pages === null || (await readsAlong(options, read.delivered, pages, until, taken)))) {
        yield { kind: 'same', objects: chunk.objects, sizeBytes: chunk.sizeBytes };
      } else {
        yield* joinItems(options, read, pages?.rest(taken, until) ?? readNothing());
      }
    }
    // What only the target holds, behind the last key of the manifest.
    for (let page = await pages?.next(null); page; page = await pages?.next(null)) {
      yield { kind: 'items', items: page.map((c) => ({ key: c.key, a: undefined, b: undefined, c })) };
    }
  } finally {
    await pages?.close();
  }
}

/** Whether the target holds, up to `until`, what was delivered and nothing else. What was read of it is left in `taken`. */
async function readsAlong(
  { spec }: JoinOptions,
  { targetText }: DeliveredText,
  pages: TargetPages,
  until: string,
  taken: (readonly ListedObject[])[],
): Promise<boolean> {
  const { source, target } = spec;
  const expected = new DescriptorText(targetText, source.bucket);
  for (let page = await pages.next(until); page !== null; page = await pages.next(until)) {
    taken.push(page);
    for (const { key, etag, sizeBytes } of page) {
      // It was listed under the target's prefix.
      const sourceKey = source.prefix + key.slice(target.prefix.length);
      if (!expected.accept(sourceKey, etag, sizeBytes)) return false;
    }
  }
  return expected.isAtEnd;
}

async function* joinItems(
  { ledger, spec, targetId }: JoinOptions,
  { chunk, body, delivered }: DeliveredChunk,
  target: AsyncIterable<readonly ListedObject[]>,
): AsyncGenerator<JoinedStretch> {
  const { firstKey, lastKey } = chunk;
  const range = { from: toTargetKey(spec, firstKey), until: toTargetKey(spec, lastKey) };
  const joined = mergeJoin(
    readOnce(toSourceItems(spec, parseDescriptors(body))),
    delivered?.objects === 0 ? readNothing<DeliveryRecord>() : readLedger(ledger, targetId, range),
    target,
    (item) => item.targetKey,
    (item) => item.key,
    (item) => item.key,
  );
  for await (const items of joined) yield { kind: 'items', items };
}

async function* readOnce<T>(item: T): AsyncGenerator<T> {
  yield item;
}

async function* readNothing<T>(): AsyncGenerator<readonly T[]> {}
