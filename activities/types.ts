/** The activities as the workflows see them: names and payloads. Workflows import this file's types and nothing else from here. */
import type { Fence, RunMode, Verification } from '../ledger/ledger.ts';
import type { CopyCounts, ManifestRef, PlanCounts } from '../workflows/types.ts';

export interface Begun {
  readonly fence: Fence;
  readonly attempt: number;
  readonly mode: RunMode;
  readonly concurrency: number;
  readonly quietMs: number;
  /** For people: `store/bucket/prefix -> store/bucket/prefix`. */
  readonly route: string;
}

export interface ManifestStep {
  readonly fence: Fence;
  readonly manifest: ManifestRef;
}

export interface BatchStep {
  readonly fence: Fence;
  readonly manifestHash: string;
  readonly ordinal: number;
}

export interface PartsStep extends BatchStep {
  /** Which 64 parts, from 0. */
  readonly partBatch: number;
}

export interface BatchResult {
  readonly counts: CopyCounts;
  /** Present when the batch is one large object whose upload is open now: its parts and its completion are steps of their own. */
  readonly large: { readonly partBatches: number } | null;
}

export interface FinalizeStep extends ManifestStep {
  readonly planHash: string;
  readonly plan: PlanCounts;
  readonly counts: CopyCounts;
}

export interface FinalizeResult {
  readonly state: 'done' | 'partial';
  readonly failed: number;
}

export interface CloseStep {
  readonly fence: Fence;
  readonly state: 'failed' | 'cancelled';
  readonly failure: { readonly type: string; readonly message: string };
}

export interface AcceptScheduled {
  readonly pipeline: string;
  /** ISO 8601 with Z. */
  readonly nominalAt: string;
  /** How long after its nominal time the run may still be made. */
  readonly catchupWindowMs: number;
}

export interface Activities {
  /** Takes the attempt and its target's lease. @throws lease_lost when it is no longer the run's attempt */
  begin(input: { runUuid: string; attemptId: string }): Promise<Begun>;
  list(input: { fence: Fence }): Promise<{ readonly objects: number }>;
  buildManifest(input: { fence: Fence }): Promise<ManifestRef>;
  plan(input: ManifestStep): Promise<{ readonly planHash: string; readonly counts: PlanCounts }>;
  /** Closes a plan without a run. */
  endPlan(input: ManifestStep & { readonly counts: PlanCounts }): Promise<void>;
  copyBatch(input: BatchStep): Promise<BatchResult>;
  copyParts(input: PartsStep): Promise<void>;
  completeLarge(input: BatchStep): Promise<BatchResult>;
  finalize(input: FinalizeStep): Promise<FinalizeResult>;
  /** Aborts what is open and ends the attempt as failed or cancelled. */
  close(input: CloseStep): Promise<void>;
  verify(input: { runUuid: string }): Promise<Verification>;
  /** Makes the run of a schedule's nominal time, or finds it. Null: there is nothing to start. */
  acceptScheduled(
    input: AcceptScheduled,
  ): Promise<{ readonly runUuid: string; readonly attemptId: string; readonly runId: string } | null>;
}
