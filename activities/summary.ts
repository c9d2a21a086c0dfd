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
  readonly plan: PlanCounts;
  readonly counts: CopyCounts;
  readonly markerKey: string | null;
  readonly objects: number;
}

export function buildSummary(deps: ActivityDeps, spec: PipelineSpec, facts: SummaryFacts): Summary {
  const stores = [...new Set([spec.source.store, spec.target.store])];
  const prices = new Map(stores.map((store) => [store, deps.storeFacts(store)]));
  const avoidedTraffic = toAvoidedTraffic({
    skippedObjects: facts.plan.skipped + facts.counts.adopted,
    skippedBytes: facts.plan.skippedBytes + facts.counts.adoptedBytes,
    sourceStore: spec.source.store,
    targetStore: spec.target.store,
  });
  return {
    traffic: facts.traffic,
    avoidedTraffic,
    money: toCosts(facts.traffic, avoidedTraffic, prices),
    markerKey: facts.markerKey,
    emptySource: facts.objects === 0,
  };
}
