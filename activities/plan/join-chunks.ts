/**
 * Joins the manifest, the ledger's deliveries and a listing of the target, a chunk of the manifest at a time, and looks at single objects
 * only where something differs.
 *
 * The ledger tells its deliveries as the manifest tells its objects, in canonical descriptors, by their number and SHA-256. Where those
 * are the chunk's, every object of it was delivered in this very version and nothing else was; where the target's listing reads along the
 * same text with the ETags that were delivered, all of it stands at the target as it was delivered, and nothing else does. Then each object
 * of the chunk would be skipped: that is said of the chunk at once. Any other chunk is parsed and joined object by object.
 */
import type { PipelineSpec } from '../../core/pipeline.ts';
import type { DeliveryRecord, KeyRange, Ledger } from '../../ledger/ledger.ts';
import { DescriptorText, Renaming } from '../../manifest/descriptor-text.ts';
import { mergeJoin, type Joined } from '../../manifest/merge-join.ts';
import { parseDescriptors } from '../../manifest/parse-descriptors.ts';
import type { ListedObject } from '../../stores/store.ts';
import { readAhead } from '../read-ahead.ts';
import { readLedger, toSourceItems, type SourceItem } from '../streams.ts';
import { isDelivered, readDeliveredChunks, type WhollyDelivered } from './delivered-chunks.ts';
import type { TargetPage } from './target-page.ts';
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
  /** By key; null: the target is not looked at. */
  readonly target: AsyncIterable<TargetPage> | null;
}

/**
 * Yields every key of manifest, target and ledger once, ascending, but for the chunks that are the same.
 * @throws listing_incomplete when a stream does not ascend; whatever a stream throws. The listing is closed however it ends.
 */
export async function* joinChunks(options: JoinOptions): AsyncGenerator<JoinedStretch, void, void> {
  const { ledger, spec, targetId, listingId } = options;
  const pages = options.target === null ? null : new TargetPages(options.target);
  const renaming = new Renaming(spec.target.prefix, spec.source.prefix);
  const rest = (taken: readonly TargetPage[], until: string | null): AsyncIterable<readonly ListedObject[]> =>
    pages?.rest(taken, until) ?? readNothing();
  let after: string | null = null;
  try {
    for await (const read of readAhead(readDeliveredChunks(ledger, spec, targetId, listingId))) {
      const { chunk, range, body, delivered } = read;
      const taken: TargetPage[] = [];
      after = range.until;
      if (isDelivered(read) && (pages === null || (await readsAlong(spec, renaming, read, pages, taken)))) {
        yield { kind: 'same', objects: chunk.objects, sizeBytes: chunk.sizeBytes };
        continue;
      }
      const deliveries = delivered?.objects === 0 ? null : range;
      yield* joinItems(options, toSourceItems(spec, parseDescriptors(body)), deliveries, rest(taken, after));
    }
    // Behind the last key of the manifest.
    yield* joinItems(options, [], { after, until: null }, rest([], null));
  } finally {
    await pages?.close();
  }
}

/**
 * Whether the target holds, up to the chunk's end, what was delivered and nothing else. What was read of it is left in `taken`.
 * @param renaming what was listed is under the target's prefix
 */
async function readsAlong(
  { source }: PipelineSpec,
  renaming: Renaming,
  { range: { until }, body, delivered: { targetText } }: WhollyDelivered,
  pages: TargetPages,
  taken: TargetPage[],
): Promise<boolean> {
  // Most targets have the ETags of their source: then it is the chunk's own text.
  const expected = new DescriptorText(targetText === null ? body : Buffer.from(targetText), source.bucket);
  for (let page = await pages.next(until); page !== null; page = await pages.next(until)) {
    taken.push(page);
    if (!page.readsAlong(expected, renaming)) return false;
  }
  return expected.isAtEnd;
}

/** @param range of the deliveries; null: there are none */
async function* joinItems(
  { ledger, targetId }: JoinOptions,
  items: readonly SourceItem[],
  range: KeyRange | null,
  target: AsyncIterable<readonly ListedObject[]>,
): AsyncGenerator<JoinedStretch> {
  const joined = mergeJoin(
    readOnce(items),
    range === null ? readNothing<DeliveryRecord>() : readLedger(ledger, targetId, range),
    target,
    (item) => item.targetKey,
    (item) => item.key,
    (item) => item.key,
  );
  for await (const found of joined) yield { kind: 'items', items: found };
}

async function* readOnce<T>(item: T): AsyncGenerator<T> {
  yield item;
}

async function* readNothing<T>(): AsyncGenerator<readonly T[]> {}
