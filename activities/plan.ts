/**
 * Plans: a merge-join of the manifest, the ledger's deliveries and a listing of the target, all sorted by target key. It writes
 * nothing to a store.
 */
import { WaybillError } from '../core/failures.ts';
import { compileFilters } from '../core/filters.ts';
import { isSupportedKey } from '../core/keys.ts';
import { reservedPrefix, type PipelineSpec } from '../core/pipeline.ts';
import { toTargetFingerprint } from '../manifest/target-fingerprint.ts';
import type { PlanCounts } from '../workflows/types.ts';
import { InFlightLimit } from './list/in-flight-limit.ts';
import { askMetadata, METADATA_IN_FLIGHT_MAX } from './plan/ask-metadata.ts';
import { decide, type DecideOptions, type Decision } from './plan/decide.ts';
import { joinChunks, type JoinedItem } from './plan/join-chunks.ts';
import { listTarget } from './plan/list-target.ts';
import { PlanWriter } from './plan/plan-writer.ts';
import { readAhead } from './read-ahead.ts';
import { runStep, type Step } from './run-step.ts';
import type { ActivityDeps, ActivityRuntime } from './runtime.ts';
import type { ManifestStep } from './types.ts';

export interface PlanResult {
  readonly planHash: string;
  readonly counts: PlanCounts;
}

/** @throws listing_incomplete; store_refused when the target lists out of order; whatever the stores answer */
export async function plan(deps: ActivityDeps, runtime: ActivityRuntime, input: ManifestStep): Promise<PlanResult> {
  const { fence, manifest } = input;
  const { ledger } = deps;
  const key = { manifestHash: manifest.manifestHash, step: 'plan', ordinal: 0 } as const;
  const planned = await runStep(deps, runtime, fence, key, (step) => writePlan(step, input));
  if (fence.targetId !== null) await ledger.setState(fence, 'copying');
  return planned;
}

/** Like `decideItem` a function of the module: what V8 compiled of a closure of `plan` it would forget between two runs. */
async function writePlan(step: Step, { fence, manifest }: ManifestStep): Promise<PlanResult> {
  const { deps, runtime } = step;
  const { ledger } = deps;
  const { spec } = await ledger.loadAttempt(fence);
  const { listingId } = await ledger.loadManifest(manifest.manifestHash);
  const fingerprint = toTargetFingerprint(spec);
  const target = step.open(spec.target.store);
  const source = step.open(spec.source.store);
  const decider = createDecider(deps, spec);
  const patience = {
    limit: new InFlightLimit({ max: METADATA_IN_FLIGHT_MAX }),
    signal: runtime.guard.signal,
    isOver: () => false,
  };
  const options = [spec.filters, spec.overwrite, spec.listTarget];
  const identity = [manifest.manifestHash, fingerprint, options];
  const writer = await PlanWriter.create(ledger, fence, { identity, concurrency: spec.concurrency });
  const joined = joinChunks({
    ledger,
    spec,
    listingId,
    // A plan without a run owns no target; it reads what a run would.
    targetId: fence.targetId ?? (await ledger.findTarget(fingerprint)),
    target: spec.listTarget ? readAhead(listTarget(deps, runtime, { store: target, spec, listingId })) : null,
  });
  for await (const stretch of joined) {
    runtime.guard.signal.throwIfAborted();
    if (stretch.kind === 'same') {
      writer.skip(stretch.objects, stretch.sizeBytes);
      continue;
    }
    const { items } = stretch;
    const decisions = items.map((item) => decideItem(decider, item));
    await askMetadata({ items, decisions, spec, source, target, patience });
    for (const [index, decision] of decisions.entries()) {
      const item = items[index];
      if (item === undefined) continue;
      if (isGone(item) && spec.listTarget && fence.targetId !== null) await writer.forget(item.key);
      else await writer.write(item.key, item.a?.descriptor, decision);
    }
  }
  const result = await writer.finish();
  const { skipped, toCopy, toAdopt, refused } = result.counts;
  if (skipped + toCopy + toAdopt + refused === manifest.objects) return result;
  throw new WaybillError('unclassified', 'the plan does not say something of every object', {
    objects: manifest.objects,
    planned: skipped + toCopy + toAdopt + refused,
  });
}

const isGone = ({ a, b, c }: JoinedItem): boolean => a === undefined && b !== undefined && c === undefined;

interface Decider {
  readonly spec: PipelineSpec;
  /** What an orphan passes to count as one. */
  readonly passes: ReturnType<typeof compileFilters>;
  readonly options: DecideOptions;
}

function createDecider(deps: ActivityDeps, spec: PipelineSpec): Decider {
  // An orphan is what the filters would have passed; an object's age at the target says nothing.
  const passes = compileFilters(
    { ...spec.filters, minAgeMs: null, maxAgeMs: null },
    { sourcePrefix: spec.target.prefix, nominalMs: null },
  );
  const hasHashes = (store: string): boolean => deps.storeFacts(store).etags === 'md5';
  const options: DecideOptions = {
    overwrite: spec.overwrite,
    targetListed: spec.listTarget,
    etagsAreHashes: hasHashes(spec.source.store) && hasHashes(spec.target.store),
    encrypted: spec.target.encryption !== null,
  };
  return { spec, passes, options };
}

function decideItem({ spec, passes, options }: Decider, { a, b, c }: JoinedItem): Decision {
  const refusal = a === undefined ? null : refuseKey(spec, a.targetKey);
  if (refusal !== null) return refusal;
  const decision = decide({ source: a?.descriptor, delivery: b, target: c }, options);
  return decision.kind === 'orphan' && c !== undefined && !passes(c) ? { kind: 'nothing' } : decision;
}

/** What cannot be written at the target, whatever stands there. */
function refuseKey(spec: PipelineSpec, targetKey: string): Decision | null {
  const reserved = reservedPrefix(spec.target);
  if (targetKey.startsWith(reserved)) {
    return { kind: 'refuse', code: 'reserved_key', detail: `${reserved} at the target belongs to the markers` };
  }
  if (isSupportedKey(targetKey)) return null;
  return { kind: 'refuse', code: 'unsupported_key', detail: 'a key at the target has 1 to 1,024 bytes' };
}
