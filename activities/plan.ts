/**
 * Plans: a merge-join of the manifest, the ledger's deliveries and a listing of the target, all sorted by target key. It writes
 * nothing to a store.
 */
import { compileFilters } from '../core/filters.ts';
import { isSupportedKey } from '../core/keys.ts';
import { reservedPrefix, type PipelineSpec } from '../core/pipeline.ts';
import { mergeJoin, type Joined } from '../manifest/merge-join.ts';
import { toTargetFingerprint } from '../manifest/target-fingerprint.ts';
import type { DeliveryRecord } from '../ledger/ledger.ts';
import type { ListedObject } from '../stores/store.ts';
import type { PlanCounts } from '../workflows/types.ts';
import { askMetadata } from './plan/ask-metadata.ts';
import { decide, type DecideOptions, type Decision } from './plan/decide.ts';
import { PlanWriter } from './plan/plan-writer.ts';
import { runStep } from './run-step.ts';
import type { ActivityDeps, ActivityRuntime } from './runtime.ts';
import { readLedger, readNothing, readSource, readTarget, type SourceItem } from './streams.ts';
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
  const planned = await runStep<PlanResult>(deps, runtime, fence, key, async (step) => {
    const { spec } = await ledger.loadAttempt(fence);
    const { listingId } = await ledger.loadManifest(manifest.manifestHash);
    const fingerprint = toTargetFingerprint(spec);
    const target = step.open(spec.target.store);
    const source = step.open(spec.source.store);
    const decideItem = createDecider(deps, spec);
    const options = [spec.filters, spec.overwrite, spec.listTarget];
    const writer = await PlanWriter.create(ledger, fence, [manifest.manifestHash, fingerprint, options]);
    const joined = mergeJoin(
      readSource(ledger, listingId, spec),
      // A plan without a run owns no target; it reads what a run would.
      readLedger(ledger, fence.targetId ?? (await ledger.findTarget(fingerprint))),
      spec.listTarget ? readTarget(target, spec, runtime.guard.signal) : readNothing<ListedObject>(),
      (item) => item.targetKey,
      (item) => item.key,
      (item) => item.key,
    );
    for await (const items of joined) {
      runtime.guard.signal.throwIfAborted();
      const decisions = items.map(decideItem);
      await askMetadata({ items, decisions, spec, source, target });
      for (const [index, decision] of decisions.entries()) {
        const item = items[index];
        if (item !== undefined) await writer.write(item.key, item.a?.descriptor, decision);
      }
    }
    return writer.finish();
  });
  if (fence.targetId !== null) await ledger.setState(fence, 'copying');
  return planned;
}

type Item = Joined<SourceItem, DeliveryRecord, ListedObject>;

function createDecider(deps: ActivityDeps, spec: PipelineSpec): (item: Item) => Decision {
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
  return ({ a, b, c }) => {
    const refusal = a === undefined ? null : refuseKey(spec, a.targetKey);
    if (refusal !== null) return refusal;
    const decision = decide({ source: a?.descriptor, delivery: b, target: c }, options);
    return decision.kind === 'orphan' && c !== undefined && !passes(c) ? { kind: 'nothing' } : decision;
  };
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
