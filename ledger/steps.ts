/** Steps of an attempt: who may execute one, what came of it, and what it leaves. */
import type { OutcomeCode } from '../core/outcomes.ts';
import type { TrafficByOperation } from '../core/traffic.ts';
import type { DeliveryRecord } from './deliveries.ts';
import type { Fence } from './fence.ts';

export type StepName = 'list' | 'manifest' | 'plan' | 'copy' | 'create' | 'parts' | 'complete' | 'finalize';

export interface StepKey {
  /** '' for list and manifest steps: there is no hash yet. */
  readonly manifestHash: string;
  readonly step: StepName;
  /** From 0. */
  readonly ordinal: number;
}

export interface OutcomeRecord {
  /** Source key; for an orphan the target key. Keys that Postgres cannot hold are percent-encoded, and `detail` says so. */
  readonly key: string;
  readonly code: OutcomeCode;
  readonly detail: string;
}

/** What a step leaves in the ledger; all of it in one transaction. */
export interface StepEffects {
  /** A delivery closes the upload of its key. */
  readonly deliveries?: readonly DeliveryRecord[];
  readonly outcomes?: readonly OutcomeRecord[];
  /** Target keys that neither the source nor the target has any more. */
  readonly forgotten?: readonly string[];
  readonly traffic?: TrafficByOperation;
}

export interface StepLedger {
  /** The stored result of a step, or null. */
  loadStep(fence: Fence, key: StepKey): Promise<unknown>;
  /** Notes that an execution of the step may write to the store from now on; `commitStep` and `releaseStep` take it back. */
  claimStep(fence: Fence, key: StepKey, holder: string): Promise<void>;
  /** Fence, result, deliveries, outcomes, traffic and the release of the claim: one transaction, counted once. */
  commitStep(fence: Fence, key: StepKey, holder: string, result: unknown, effects: StepEffects): Promise<void>;
  /** What a failed execution has to show: fence, effects and the release of the claim, without a result. */
  releaseStep(fence: Fence, key: StepKey, holder: string, effects: StepEffects): Promise<void>;
  /** Effects that need no step's result, in pieces as they come up; the fence holds, repeating leaves the same state (traffic adds up). */
  saveEffects(fence: Fence, effects: StepEffects): Promise<void>;
  /** Takes back what an earlier execution of the plan reported. */
  dropOutcomes(fence: Fence, codes: readonly OutcomeCode[]): Promise<void>;
}
