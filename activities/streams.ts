/** What a plan joins, each sorted by target key, in arrays. */
import { WaybillError } from '../core/failures.ts';
import { LIST_PAGE_KEYS } from '../core/limits.ts';
import { reservedPrefix, toTargetKey, type PipelineSpec } from '../core/pipeline.ts';
import { compareUtf8 } from '../core/utf8-order.ts';
import type { DeliveryRecord, KeyRange, Ledger } from '../ledger/ledger.ts';
import type { Descriptor } from '../manifest/descriptor.ts';
import { normaliseEtag } from '../manifest/normalise-etag.ts';
import type { ListedObject, Store } from '../stores/store.ts';

/** Deliveries read at once: a page of them is about a megabyte. */
const DELIVERY_PAGE = 5000;

export interface SourceItem {
  readonly targetKey: string;
  readonly descriptor: Descriptor;
}

export const toSourceItems = (spec: PipelineSpec, descriptors: readonly Descriptor[]): SourceItem[] =>
  descriptors.map((descriptor) => ({ targetKey: toTargetKey(spec, descriptor.key), descriptor }));

/** Deliveries of the range; none where the target was never written to, as a plan without a run may find. */
export async function* readLedger(
  ledger: Ledger,
  targetId: string | null,
  range: KeyRange,
): AsyncGenerator<readonly DeliveryRecord[]> {
  if (targetId === null) return;
  let { after } = range;
  for (;;) {
    const page: readonly DeliveryRecord[] = await ledger.readDeliveries(targetId, after, DELIVERY_PAGE, range.until);
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < DELIVERY_PAGE) return;
    after = last.key;
  }
}

/** What stands at the target, without what belongs to the markers. */
export async function* readTarget(
  store: Store,
  spec: PipelineSpec,
  signal: AbortSignal,
): AsyncGenerator<ListedObject[]> {
  const { bucket, prefix } = spec.target;
  const reserved = reservedPrefix(spec.target);
  let token: string | undefined;
  let last: string | undefined;
  for (;;) {
    signal.throwIfAborted();
    const page = await store.list({
      bucket,
      prefix,
      maxKeys: LIST_PAGE_KEYS,
      ...(token === undefined ? {} : { continuationToken: token }),
    });
    const next = page.nextContinuationToken;
    if (next !== undefined && next === token) {
      throw new WaybillError('listing_incomplete', 'the store gave the same continuation token twice', {
        bucket,
        prefix,
      });
    }
    for (const { key } of page.objects) {
      if (last !== undefined && compareUtf8(last, key) >= 0) throw outOfOrder(spec);
      last = key;
    }
    const objects = page.objects
      .filter(({ key }) => !key.startsWith(reserved))
      .map((object) => ({ ...object, etag: normaliseEtag(object.etag) }));
    if (objects.length > 0) yield objects;
    if (next === undefined) return;
    token = next;
  }
}

/** A source is sorted through the ledger; a target is joined as it comes. */
function outOfOrder({ target }: PipelineSpec): WaybillError {
  return new WaybillError(
    'store_refused',
    'the target does not list its keys in order, or lists one twice; set unsafe_skip_target_listing: true to plan without it',
    { store: target.store, bucket: target.bucket },
  );
}
