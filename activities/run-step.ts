/**
 * One step, once: a step whose result is stored is answered from the ledger without a request to a store (invariant I2); otherwise
 * it is claimed, worked, and committed together with what it leaves behind. A failed execution still tells what it did.
 */
import { TrafficCounter, type TrafficByOperation } from '../core/traffic.ts';
import type { Fence, StepEffects, StepKey } from '../ledger/ledger.ts';
import type { Store } from '../stores/store.ts';
import { guardStore } from './guarded-store.ts';
import type { ActivityDeps, ActivityRuntime } from './runtime.ts';

export interface Step {
  readonly deps: ActivityDeps;
  readonly runtime: ActivityRuntime;
  readonly fence: Fence;
  readonly key: StepKey;
  /** The store by name: its writes are guarded, its requests counted for this step. */
  open(store: string): Store;
  /** Kept until the step ends, and committed with it, however it ends. */
  readonly deliveries: NonNullable<StepEffects['deliveries']>[number][];
  readonly outcomes: NonNullable<StepEffects['outcomes']>[number][];
}

export async function runStep<T extends object>(
  deps: ActivityDeps,
  runtime: ActivityRuntime,
  fence: Fence,
  key: StepKey,
  work: (step: Step) => Promise<T>,
): Promise<T> {
  const stored = await deps.ledger.loadStep(fence, key);
  if (stored !== null) return stored as T;

  await deps.ledger.claimStep(fence, key, runtime.holder);
  const counter = new TrafficCounter();
  const step: Step = {
    deps,
    runtime,
    fence,
    key,
    open: (store) => guardStore(deps.openStore(store, counter.listener(store), fence.attemptId), runtime.guard),
    deliveries: [],
    outcomes: [],
  };
  let traffic: TrafficByOperation = {};
  try {
    const result = await work(step);
    traffic = counter.take();
    runtime.guard.assertCurrent();
    const { deliveries, outcomes } = step;
    await deps.ledger.commitStep(fence, key, runtime.holder, result, { deliveries, outcomes, traffic });
    return result;
  } catch (error) {
    if (Object.keys(traffic).length === 0) traffic = counter.take();
    // Outcomes are said by the execution that ends: a later one may copy the object after all.
    await release(step, { deliveries: step.deliveries, traffic });
    throw error;
  }
}

/** What was delivered before the failure is delivered, also when it was cancelled. An execution that lost its heartbeat says nothing. */
async function release(step: Step, effects: StepEffects): Promise<void> {
  try {
    step.runtime.guard.assertCurrent();
    await step.deps.ledger.releaseStep(step.fence, step.key, step.runtime.holder, effects);
  } catch (cause) {
    step.runtime.log.warn(
      { step: step.key.step, ordinal: step.key.ordinal, cause: String(cause) },
      'nothing could be released',
    );
  }
}
