/**
 * Plans: a merge-join of the manifest, the ledger's deliveries and a listing of the target, all sorted by target key. It writes
 * nothing to a store; batches are written to the ledger under their ordinals, so a successor that plans again overwrites them.
 */
import { createHash } from 'node:crypto';
import { WaybillError } from '../core/failures.ts';
import { compileFilters } from '../core/filters.ts';
import type { Sha256Hex } from '../core/ids.ts';
import { isSupportedKey, toOutcomeKey } from '../core/keys.ts';
import { reservedPrefix, type PipelineSpec } from '../core/pipeline.ts';
import type { OutcomeRecord } from '../ledger/ledger.ts';
import { toTargetFingerprint } from '../manifest/target-fingerprint.ts';
import type { Descriptor } from '../manifest/descriptor.ts';
import { mergeJoin } from '../manifest/merge-join.ts';
import type { ListedObject } from '../stores/store.ts';
import type { PlanCounts } from '../workflows/types.ts';
import { askMetadata } from './plan/ask-metadata.ts';
import { packActions } from './plan/action.ts';
import { Batcher, type ActionBatch } from './plan/batcher.ts';
import { decide, type DecideOptions, type Decision } from './plan/decide.ts';
import { runStep } from './run-step.ts';
import type { ActivityDeps, ActivityRuntime } from './runtime.ts';
import { readLedger, readNothing, readSource, readTarget, type SourceItem } from './streams.ts';
import type { ManifestStep } from './types.ts';

export interface PlanResult {
  readonly planHash: string;
  readonly counts: PlanCounts;
}

/** Outcomes saved at once. */
const OUTCOME_PAGE = 1000;

export async function plan(deps: ActivityDeps, runtime: ActivityRuntime, input: ManifestStep): Promise<PlanResult> {
  const { fence, manifest } = input;
  const key = { manifestHash: manifest.manifestHash, step: 'plan', ordinal: 0 } as const;
  const planned = await runStep(deps, runtime, fence, key, async (step) => {
    const attempt = await deps.ledger.loadAttempt(fence);
    const { spec } = attempt;
    const record = await deps.ledger.loadManifest(manifest.manifestHash);
    const target = step.open(spec.target.store);
    const source = step.open(spec.source.store);
    const passes = compileFilters(
      { ...spec.filters, minAgeMs: null, maxAgeMs: null },
      { sourcePrefix: spec.target.prefix, nominalMs: 0 },
    );
    const decideOptions = toDecideOptions(deps, spec);
    const tally = new Tally();
    const batcher = new Batcher();
    const options = [spec.filters, spec.overwrite, spec.listTarget];
    const hash = createHash('sha256').update(
      JSON.stringify([manifest.manifestHash, toTargetFingerprint(spec), options]),
    );
    let outcomes: OutcomeRecord[] = [];

    const save = async (batches: Iterable<ActionBatch>): Promise<void> => {
      for (const batch of batches) {
        hash.update('\n').update(batch.json);
        const { ordinal, kind, objects, sizeBytes } = batch;
        await deps.ledger.saveBatch(fence, { ordinal, kind, objects, sizeBytes, body: packActions(batch.json) });
      }
    };
    const report = async (outcome: OutcomeRecord): Promise<void> => {
      outcomes.push(outcome);
      if (outcomes.length < OUTCOME_PAGE) return;
      await deps.ledger.saveEffects(fence, { outcomes });
      outcomes = [];
    };
    const settle = async (targetKey: string, from: Descriptor | undefined, decision: Decision): Promise<void> => {
      switch (decision.kind) {
        case 'nothing':
          return;
        case 'skip':
          return tally.skip(from?.sizeBytes ?? 0);
        case 'orphan':
          tally.orphans += 1;
          return report({ key: toOutcomeKey(targetKey), code: 'orphan', detail: 'at the target, not in the manifest' });
        case 'refuse':
          tally.refused += 1;
          return report({
            key: from?.key ?? targetKey,
            code: 'target_conflict',
            detail: "somebody else's object stands at the target",
          });
        case 'act':
          tally.act(decision.action);
          return save(batcher.add(decision.action));
        case 'ask':
          throw new WaybillError('unclassified', 'a question was not answered', { key: targetKey });
      }
    };

    const joined = mergeJoin(
      readSource(deps.ledger, record.listingId, spec),
      readLedger(deps.ledger, fence.targetId ?? (await deps.ledger.findTarget(toTargetFingerprint(spec)))),
      spec.listTarget ? readTarget(target, spec, runtime.guard.signal) : readNothing<ListedObject>(),
      (item) => item.targetKey,
      (item) => item.key,
      (item) => item.key,
    );
    for await (const items of joined) {
      runtime.guard.signal.throwIfAborted();
      const decisions: Decision[] = [];
      for (const { a, b, c } of items) {
        const refusal = a === undefined ? null : toRefusal(spec, a);
        if (refusal !== null) {
          tally.refused += 1;
          await report(refusal);
          decisions.push({ kind: 'nothing' });
          continue;
        }
        const seen = { source: a?.descriptor, delivery: b, target: c };
        const decision = decide(seen, decideOptions);
        decisions.push(decision.kind === 'orphan' && c !== undefined && !passes(c) ? { kind: 'nothing' } : decision);
      }
      await askMetadata({ items, decisions, spec, source, target });
      for (const [index, { key: targetKey, a }] of items.entries()) {
        await settle(targetKey, a?.descriptor, decisions[index] ?? { kind: 'nothing' });
      }
    }
    await save(batcher.flush());
    if (outcomes.length > 0) await deps.ledger.saveEffects(fence, { outcomes });
    const planHash = hash.digest('hex') as Sha256Hex;
    await deps.ledger.savePlanHash(fence, planHash);
    return { planHash, counts: tally.toCounts(batcher.count) };
  });
  if (fence.targetId !== null) await deps.ledger.setState(fence, 'copying');
  return planned;
}

function toDecideOptions(deps: ActivityDeps, spec: PipelineSpec): DecideOptions {
  const hasHashes = (store: string): boolean => deps.storeFacts(store).etags === 'md5';
  const { encryption } = spec.target;
  return {
    overwrite: spec.overwrite,
    targetListed: spec.listTarget,
    etagsAreHashes: hasHashes(spec.source.store) && hasHashes(spec.target.store),
    encrypted: encryption !== null,
  };
}

/** What cannot be written at the target, whatever stands there. */
function toRefusal(spec: PipelineSpec, item: SourceItem): OutcomeRecord | null {
  const { key } = item.descriptor;
  if (item.targetKey.startsWith(reservedPrefix(spec.target))) {
    return { key, code: 'reserved_key', detail: `${reservedPrefix(spec.target)} at the target belongs to the markers` };
  }
  if (item.targetKey === '' || !isSupportedKey(item.targetKey)) {
    return { key, code: 'unsupported_key', detail: 'a key at the target has 1 to 1,024 bytes' };
  }
  return null;
}

class Tally {
  orphans = 0;
  refused = 0;
  #skipped = 0;
  #skippedBytes = 0;
  #toCopy = 0;
  #toCopyBytes = 0;
  #toRepair = 0;
  #toAdopt = 0;

  skip(sizeBytes: number): void {
    this.#skipped += 1;
    this.#skippedBytes += sizeBytes;
  }

  act(action: { op: 'copy' | 'repair' | 'adopt'; sizeBytes: number }): void {
    if (action.op === 'adopt') {
      this.#toAdopt += 1;
      return;
    }
    this.#toCopy += 1;
    this.#toCopyBytes += action.sizeBytes;
    if (action.op === 'repair') this.#toRepair += 1;
  }

  toCounts(batches: number): PlanCounts {
    return {
      batches,
      skipped: this.#skipped,
      skippedBytes: this.#skippedBytes,
      toCopy: this.#toCopy,
      toCopyBytes: this.#toCopyBytes,
      toAdopt: this.#toAdopt,
      toRepair: this.#toRepair,
      orphans: this.orphans,
      refused: this.refused,
    };
  }
}
