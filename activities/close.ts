/** Ends an attempt that failed or was cancelled: what is open at the target is aborted first, and the lease is released. */
import { abortOpenUploads } from './abort-open-uploads.ts';
import { isWaybillError } from '../core/failures.ts';
import { TrafficCounter } from '../core/traffic.ts';
import type { Fence } from '../ledger/ledger.ts';
import { buildSummary } from './summary.ts';
import { guardStore } from './guarded-store.ts';
import type { ActivityDeps, ActivityRuntime } from './runtime.ts';
import type { CloseStep } from './types.ts';

export async function close(deps: ActivityDeps, runtime: ActivityRuntime, input: CloseStep): Promise<void> {
  const { fence, state, failure } = input;
  const counter = new TrafficCounter();
  const spec = await deps.ledger.loadSpec(fence.attemptId);
  if (fence.targetId !== null && (await isOpen(deps, fence))) {
    await abortOpenUploads({
      deps,
      runtime,
      fence,
      open: (store) => guardStore(deps.openStore(store, counter.listener(store), fence.attemptId), runtime.guard),
    });
    await deps.ledger.saveEffects(fence, { traffic: counter.take() });
  }
  const { traffic } = await deps.ledger.loadProgress(fence.attemptId);
  const spared = { objects: 0, sizeBytes: 0 };
  const summary = buildSummary(deps, spec, { traffic, spared, markerKey: null, emptySource: false });
  await deps.ledger.endAttempt(fence, { state, failure, summary });
}

/** False: it was closed already, by an execution of this activity that did not live to say so. */
async function isOpen(deps: ActivityDeps, fence: Fence): Promise<boolean> {
  try {
    await deps.ledger.loadAttempt(fence);
    return true;
  } catch (error) {
    if (isWaybillError(error) && error.type === 'lease_lost') return false;
    throw error;
  }
}
