/**
 * Verifies a done run against its target: every object of its manifest has a delivery, stands at the target with that delivery's ETag
 * and size, and the marker is there. It reads listings only, and writes nothing to a store.
 */
import { FAILURES, isWaybillError, WaybillError } from '../core/failures.ts';
import { markerKey, type PipelineSpec } from '../core/pipeline.ts';
import { TrafficCounter } from '../core/traffic.ts';
import type { AttemptRecord, ManifestRecord, Verification } from '../ledger/ledger.ts';
import { toTargetFingerprint } from '../manifest/target-fingerprint.ts';
import type { Store } from '../stores/store.ts';
import { guardStore } from './guarded-store.ts';
import { joinChunks } from './plan/join-chunks.ts';
import { listTarget } from './plan/list-target.ts';
import { readAhead } from './read-ahead.ts';
import type { ActivityDeps, ActivityRuntime } from './runtime.ts';

export async function verify(
  deps: ActivityDeps,
  runtime: ActivityRuntime,
  input: { runUuid: string },
): Promise<Verification> {
  const { attempt } = await deps.ledger.loadRun(input.runUuid);
  let verification: Verification;
  try {
    verification = await compareTarget(deps, runtime, attempt);
  } catch (error) {
    if (!isWaybillError(error) || FAILURES[error.type].retryable) throw error;
    verification = { ...NOTHING_SEEN, state: 'failed', checkedAt: new Date().toISOString(), message: error.message };
  }
  await deps.ledger.saveVerification(attempt.attemptId, verification);
  return verification;
}

const NOTHING_SEEN = { objects: 0, missing: 0, changed: 0, marker: 'unknown' } as const;

async function compareTarget(
  deps: ActivityDeps,
  runtime: ActivityRuntime,
  attempt: AttemptRecord,
): Promise<Verification> {
  const { ledger } = deps;
  const spec = await ledger.loadSpec(attempt.attemptId);
  const manifest = await ledger.loadManifest(attempt.manifestHash ?? '');
  const traffic = new TrafficCounter();
  const opened = deps.openStore(spec.target.store, traffic.listener(spec.target.store), attempt.attemptId);
  const store = guardStore(opened, runtime.guard);
  const targetId = await ledger.findTarget(toTargetFingerprint(spec));
  const { listingId } = manifest;
  const target = readAhead(listTarget(deps, runtime, { store, spec, listingId }));
  const joined = joinChunks({ ledger, spec, listingId, targetId, target });
  let objects = 0;
  let missing = 0;
  let changed = 0;
  for await (const stretch of joined) {
    runtime.guard.signal.throwIfAborted();
    if (stretch.kind === 'same') {
      objects += stretch.objects;
      continue;
    }
    for (const { a: source, b: delivery, c: held } of stretch.items) {
      if (source === undefined) continue;
      objects += 1;
      if (held === undefined) missing += 1;
      else if (
        held.etag !== delivery?.targetEtag ||
        delivery.sourceEtag !== source.descriptor.etag ||
        held.sizeBytes !== source.descriptor.sizeBytes
      )
        changed += 1;
    }
  }
  if (objects !== manifest.objects) {
    throw new WaybillError('unknown_manifest', 'the manifest was pruned meanwhile', { hash: manifest.hash });
  }
  const marker = await findMarker(store, spec, manifest);
  const lost = missing > 0 || changed > 0 || marker !== 'present';
  return {
    state: lost ? 'lost' : 'ok',
    checkedAt: new Date().toISOString(),
    objects,
    missing,
    changed,
    marker,
    message: lost ? 'the target does not hold what the run delivered; start it with again to mend that' : null,
  };
}

async function findMarker(store: Store, spec: PipelineSpec, manifest: ManifestRecord): Promise<Verification['marker']> {
  try {
    const held = await store.head({ bucket: spec.target.bucket, key: markerKey(spec.target, manifest.hash) });
    return held.sizeBytes === manifest.manifestBytes ? 'present' : 'different';
  } catch (error) {
    if (isWaybillError(error) && error.type === 'no_such_key') return 'absent';
    throw error;
  }
}
