/** Totals and money of an attempt: what it did, what it was spared, and what both cost. */
import { toAvoidedTraffic, toCosts } from '../core/money.ts';
import type { OutcomeCode } from '../core/outcomes.ts';
import type { PipelineSpec } from '../core/pipeline.ts';
import type { TrafficByOperation } from '../core/traffic.ts';
import type { Summary, Totals } from '../ledger/ledger.ts';
import type { CopyCounts, ManifestRef, PlanCounts } from '../workflows/types.ts';
import type { ActivityDeps } from './runtime.ts';

export function toTotals(
  manifest: ManifestRef,
  plan: PlanCounts,
  counts: CopyCounts,
  outcomes: Readonly<Partial<Record<OutcomeCode, number>>>,
): Totals {
  return {
    objects: manifest.objects,
    sizeBytes: manifest.sizeBytes,
    copied: counts.copied,
    copiedBytes: counts.copiedBytes,
    skipped: plan.skipped,
    skippedBytes: plan.skippedBytes,
    adopted: counts.adopted,
    adoptedBytes: counts.adoptedBytes,
    repaired: counts.repaired,
    orphans: plan.orphans,
    outcomes,
  };
}

export interface SummaryFacts {
  readonly traffic: TrafficByOperation;
  /** Objects that were not copied because they are there; zeros where the attempt did not come so far. */
  readonly spared: { readonly objects: number; readonly sizeBytes: number };
  readonly markerKey: string | null;
  readonly emptySource: boolean;
}

export function toSpared(plan: PlanCounts, counts: CopyCounts): SummaryFacts['spared'] {
  return { objects: plan.skipped + counts.adopted, sizeBytes: plan.skippedBytes + counts.adoptedBytes };
}

export function buildSummary(deps: ActivityDeps, spec: PipelineSpec, facts: SummaryFacts): Summary {
  const { traffic, spared, markerKey, emptySource } = facts;
  const [sourceStore, targetStore] = [spec.source.store, spec.target.store];
  const prices = new Map([sourceStore, targetStore].map((store) => [store, deps.storeFacts(store)]));
  const avoidedTraffic = toAvoidedTraffic({
    skippedObjects: spared.objects,
    skippedBytes: spared.sizeBytes,
    sourceStore,
    targetStore,
  });
  return { traffic, avoidedTraffic, money: toCosts(traffic, avoidedTraffic, prices), markerKey, emptySource };
}
