/** What a plan joins, each sorted by target key, in arrays. */
import { toTargetKey, type PipelineSpec } from '../core/pipeline.ts';
import type { DeliveryRecord, KeyRange, Ledger } from '../ledger/ledger.ts';
import type { Descriptor } from '../manifest/descriptor.ts';

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
