/**
 * Lists the source into pages of canonical descriptors, by ranges where the store allows it (list/lister.ts). Pages and the cursors of
 * their ranges are committed together, so a successor goes on after what is committed; an incomplete listing never becomes a manifest
 * (invariant I11), whose bytes do not depend on how the keys were divided (I6).
 *
 * Within one execution the store's own continuation tokens are followed; start-after opens a range, and goes on with one that another
 * execution began. A store that does not honour it is found out, and listed from the start, by token. A store whose keys do not ascend
 * is listed once more into the ledger, which sorts: its collation is the manifest's order.
 */
import { WaybillError } from '../core/failures.ts';
import { compileFilters, passesAll } from '../core/filters.ts';
import type { Fence, ListingRange } from '../ledger/ledger.ts';
import { assertComplete } from './list/assert-complete.ts';
import { listByRanges } from './list/lister.ts';
import { sortThroughLedger } from './list/sort-through-ledger.ts';
import type { Source } from './list/source.ts';
import { runStep } from './run-step.ts';
import type { ActivityDeps, ActivityRuntime } from './runtime.ts';

export interface ListResult {
  readonly objects: number;
}

/** @throws listing_incomplete, and whatever the store answers */
export async function list(deps: ActivityDeps, runtime: ActivityRuntime, input: { fence: Fence }): Promise<ListResult> {
  const { fence } = input;
  return runStep(deps, runtime, fence, { manifestHash: '', step: 'list', ordinal: 0 }, async (step) => {
    const { spec, nominalAt } = await deps.ledger.loadAttempt(fence);
    // The first step that can fail with a reason: an alias that is not there would fail every PUT, after all has been listed.
    await deps.checkEncryption?.(spec.target.store, spec.target.encryption, runtime.guard.signal);
    const { listingId, ranges } = await deps.ledger.openListing(fence);
    const source: Source = {
      step,
      spec,
      listingId,
      store: step.open(spec.source.store),
      passes: passesAll(spec.filters)
        ? null
        : compileFilters(spec.filters, {
            sourcePrefix: spec.source.prefix,
            nominalMs: nominalAt === null ? null : Date.parse(nominalAt),
          }),
    };
    const objects = ranges.every(({ done }) => done) ? 0 : await listAll(source, ranges);
    assertComplete((await deps.ledger.openListing(fence)).ranges);
    return { objects };
  });
}

async function listAll(source: Source, stored: readonly ListingRange[]): Promise<number> {
  const { step, spec, listingId } = source;
  let ranges = stored;
  for (let tries = 1; tries <= 2; tries++) {
    if (tries === 2 || !mayGoOn(ranges)) {
      ranges = await startOver(source);
    }
    const listed = await listByRanges(source, ranges);
    if (listed.order === 'kept') return listed.objects;
    if (listed.order === 'ends-early') {
      // What was listed so far cannot be told from what is missing.
      await step.deps.ledger.resetListing(step.fence, listingId);
      throw new WaybillError('listing_incomplete', 'the store says that nothing follows, and has listed what follows', {
        bucket: spec.source.bucket,
        prefix: spec.source.prefix,
      });
    }
    if (listed.order === 'broken') break;
  }
  step.runtime.log.warn(
    { store: spec.source.store, bucket: spec.source.bucket },
    'the store lists out of order: sorting',
  );
  const [range] = await startOver(source);
  if (range === undefined) throw new WaybillError('unclassified', 'a listing has at least one range');
  return sortThroughLedger(source, range);
}

async function startOver({ step, listingId }: Source): Promise<readonly ListingRange[]> {
  await step.deps.ledger.resetListing(step.fence, listingId);
  return (await step.deps.ledger.openListing(step.fence)).ranges;
}

/**
 * A listing that was cut has a store that was asked whether it decodes start-after once. One that was not, and stands at a key that
 * reads otherwise when it is decoded twice, starts over: it has brought a few pages, or is one that cannot be cut.
 */
const mayGoOn = (ranges: readonly ListingRange[]): boolean =>
  ranges.length > 1 || !/[%+]/.test(ranges[0]?.cursor ?? '');
