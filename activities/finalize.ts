/**
 * Ends a run: checks every object of the manifest against the ledger, writes the marker when all are there, and closes the attempt
 * with its totals and its money. The marker exists only when every object of the manifest is verified at the target (invariant I1).
 */
import { isFailureOutcome, type OutcomeCode } from '../core/outcomes.ts';
import { toTargetKey, type PipelineSpec } from '../core/pipeline.ts';
import type { Fence, ManifestRecord } from '../ledger/ledger.ts';
import type { Descriptor } from '../manifest/descriptor.ts';
import { parseDescriptors } from '../manifest/parse-descriptors.ts';
import { abortOpenUploads } from './abort-open-uploads.ts';
import type { PlanResult } from './plan.ts';
import { isDelivered, readDeliveredChunks } from './plan/delivered-chunks.ts';
import { readAhead } from './read-ahead.ts';
import { runStep } from './run-step.ts';
import type { ActivityDeps, ActivityRuntime } from './runtime.ts';
import { buildSummary, toSpared, toTotals } from './summary.ts';
import type { FinalizeResult, FinalizeStep, ManifestStep } from './types.ts';
import { writeMarker } from './write-marker.ts';
import type { PlanCounts } from '../workflows/types.ts';

/** Asked for at once: a delivery is several times its descriptor, and those of a whole chunk would be the most that a run holds. */
const DELIVERIES_AT_ONCE = 1000;

interface Finalized extends FinalizeResult {
  readonly markerKey: string | null;
}

/** @throws marker_conflict */
export async function finalize(
  deps: ActivityDeps,
  runtime: ActivityRuntime,
  input: FinalizeStep,
): Promise<FinalizeResult> {
  const { fence, manifest, plan, counts } = input;
  const { ledger } = deps;
  // Without the fence: once the attempt is ended there is none, and this may be asked again.
  const spec = await ledger.loadSpec(fence.attemptId);
  const key = { manifestHash: manifest.manifestHash, step: 'finalize', ordinal: 0 } as const;
  const finalized = await runStep<Finalized>(deps, runtime, fence, key, async (step) => {
    await ledger.setState(fence, 'finalizing');
    const record = await ledger.loadManifest(manifest.manifestHash);
    const { outcomes } = await ledger.loadProgress(fence.attemptId);
    const failed = countFailures(outcomes);
    const undelivered = await countUndelivered(deps, runtime, fence, spec, record);
    await abortOpenUploads(step);
    if (failed > 0 || undelivered > 0)
      return { state: 'partial', failed: Math.max(failed, undelivered), markerKey: null };
    const markerKey = await writeMarker(step, spec, record);
    return { state: 'done', failed: 0, markerKey };
  });

  const { outcomes, traffic } = await ledger.loadProgress(fence.attemptId);
  await ledger.endAttempt(fence, {
    state: finalized.state,
    totals: toTotals(manifest, plan, counts, outcomes),
    summary: buildSummary(deps, spec, {
      traffic,
      spared: toSpared(plan, counts),
      markerKey: finalized.markerKey,
      emptySource: manifest.objects === 0,
    }),
    ...(finalized.state === 'done'
      ? {}
      : {
          failure: {
            type: 'incomplete',
            message: `${finalized.failed} of ${manifest.objects} objects were not copied`,
          },
        }),
  });
  return { state: finalized.state, failed: finalized.failed };
}

/** A plan without a run ends with what it would do. */
export async function endPlan(
  deps: ActivityDeps,
  input: ManifestStep & { readonly counts: PlanCounts },
): Promise<void> {
  const { fence, manifest, counts: plan } = input;
  const spec = await deps.ledger.loadSpec(fence.attemptId);
  const { outcomes, traffic } = await deps.ledger.loadProgress(fence.attemptId);
  const counts = {
    copied: plan.toCopy,
    copiedBytes: plan.toCopyBytes,
    repaired: plan.toRepair,
    adopted: plan.toAdopt,
    adoptedBytes: 0,
    failed: 0,
  };
  await deps.ledger.endAttempt(fence, {
    state: 'done',
    totals: toTotals(manifest, plan, counts, outcomes),
    summary: buildSummary(deps, spec, {
      traffic,
      spared: toSpared(plan, counts),
      markerKey: null,
      emptySource: manifest.objects === 0,
    }),
  });
}

function countFailures(outcomes: Readonly<Partial<Record<OutcomeCode, number>>>): number {
  return (Object.entries(outcomes) as [OutcomeCode, number][])
    .filter(([code]) => isFailureOutcome(code))
    .reduce((sum, [, count]) => sum + count, 0);
}

/**
 * Objects of the manifest that the ledger does not show delivered in this very version. What the plan skipped was seen so, and since
 * then only this attempt has written to the ledger of its target: when it skipped all, nothing can have changed.
 */
async function countUndelivered(
  deps: ActivityDeps,
  runtime: ActivityRuntime,
  { attemptId, targetId, epoch }: Fence,
  spec: PipelineSpec,
  record: ManifestRecord,
): Promise<number> {
  if (targetId === null) return 0;
  const planKey = { manifestHash: record.hash, step: 'plan', ordinal: 0 } as const;
  const planned = (await deps.ledger.loadStep({ attemptId, targetId, epoch }, planKey)) as PlanResult | null;
  if (planned?.counts.skipped === record.objects) return 0;
  let undelivered = 0;
  for await (const read of readAhead(readDeliveredChunks(deps.ledger, spec, targetId, record.listingId))) {
    runtime.guard.signal.throwIfAborted();
    if (isDelivered(read)) continue;
    undelivered += await countOneByOne(deps, runtime, targetId, spec, parseDescriptors(read.body));
  }
  return undelivered;
}

async function countOneByOne(
  deps: ActivityDeps,
  runtime: ActivityRuntime,
  targetId: string,
  spec: PipelineSpec,
  descriptors: readonly Descriptor[],
): Promise<number> {
  let undelivered = 0;
  for (let from = 0; from < descriptors.length; from += DELIVERIES_AT_ONCE) {
    runtime.guard.signal.throwIfAborted();
    const asked = descriptors.slice(from, from + DELIVERIES_AT_ONCE);
    const keys = asked.map((descriptor) => toTargetKey(spec, descriptor.key));
    const deliveries = await deps.ledger.loadDeliveries(targetId, keys);
    for (const [index, descriptor] of asked.entries()) {
      const delivery = deliveries.get(keys[index] ?? '');
      if (delivery?.sourceEtag !== descriptor.etag || delivery.sizeBytes !== descriptor.sizeBytes) undelivered += 1;
    }
  }
  return undelivered;
}
