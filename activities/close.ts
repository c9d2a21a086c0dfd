/** Ends an attempt that failed or was cancelled: what is open at the target is aborted first, and the lease is released. */
import { abortOpenUploads } from './abort-open-uploads.ts';
import { TrafficCounter } from '../core/traffic.ts';
import { buildSummary } from './summary.ts';
import { guardStore } from './guarded-store.ts';
import type { ActivityDeps, ActivityRuntime } from './runtime.ts';
import type { CloseStep } from './types.ts';

export async function close(deps: ActivityDeps, runtime: ActivityRuntime, input: CloseStep): Promise<void> {
  const { fence, state, failure } = input;
  const counter = new TrafficCounter();
  const attempt = await deps.ledger.loadAttempt(fence);
  if (attempt.mode === 'run') {
    await abortOpenUploads({
      deps,
      runtime,
      fence,
      open: (store) => guardStore(deps.openStore(store, counter.listener(store)), runtime.guard),
    });
    await deps.ledger.saveEffects(fence, { traffic: counter.take() });
  }
  const { traffic } = await deps.ledger.loadProgress(fence.attemptId);
  const summary = buildSummary(deps, attempt.spec, {
    traffic,
    plan: NOTHING,
    counts: NOTHING,
    markerKey: null,
    objects: -1,
  });
  await deps.ledger.endAttempt(fence, { state, failure, summary });
}

const NOTHING = {
  batches: 0,
  skipped: 0,
  skippedBytes: 0,
  toCopy: 0,
  toCopyBytes: 0,
  toAdopt: 0,
  toRepair: 0,
  orphans: 0,
  refused: 0,
  copied: 0,
  copiedBytes: 0,
  repaired: 0,
  adopted: 0,
  adoptedBytes: 0,
  failed: 0,
};
