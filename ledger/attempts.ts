/** The life of one attempt of a run: begun with a fence, and ended once. */
import type { OutcomeCode } from '../core/outcomes.ts';
import type { PipelineSpec } from '../core/pipeline.ts';
import type { ClosedState, LiveState } from '../core/run-state.ts';
import type { TrafficByOperation } from '../core/traffic.ts';
import type { Summary, Totals, Verification } from './attempt-record.ts';
import type { Fence } from './fence.ts';
import type { RunMode } from './runs.ts';

/** What the first activity learns of its attempt. */
export interface BegunAttempt {
  readonly fence: Fence;
  readonly number: number;
  readonly runUuid: string;
  readonly pipeline: string;
  readonly runId: string;
  readonly mode: RunMode;
  readonly nominalAt: string | null;
  readonly spec: PipelineSpec;
  /** How long to stay quiet before the first store write, since an attempt that was terminated may still be writing. */
  readonly quietMs: number;
}

export interface AttemptLedger {
  /**
   * Takes the target's lease for the run's live attempt: its epoch rises by one, once for each workflow run.
   * A terminated predecessor with unreleased claims makes `quietMs` = what is left of the heartbeat time-out since it was settled.
   * `attemptId` is the attempt that the workflow was started for: one that was terminated and asks late must not take its successor's.
   * @throws unknown_run; lease_lost when the attempt is closed, or the run is at another one
   */
  beginAttempt(
    runUuid: string,
    workflowRunId: string,
    heartbeatTimeoutMs: number,
    attemptId?: string,
  ): Promise<BegunAttempt>;
  /** The same for an attempt that has begun; cached by callers for the life of an activity. @throws lease_lost */
  loadAttempt(fence: Fence): Promise<BegunAttempt>;
  /** The pipeline as the attempt was accepted with, also after it has ended. @throws unknown_run */
  loadSpec(attemptId: string): Promise<PipelineSpec>;
  /** The same with the run that it is an attempt of. @throws unknown_run */
  loadOrigin(attemptId: string): Promise<{ readonly runUuid: string; readonly spec: PipelineSpec }>;
  setState(fence: Fence, state: LiveState): Promise<void>;
  /** Closes the attempt and releases the lease. Repeating it with the same state succeeds. */
  endAttempt(
    fence: Fence,
    end: { state: ClosedState; failure?: { type: string; message: string }; totals?: Totals; summary?: Summary },
  ): Promise<void>;
  /** Closes an attempt whose workflow is dead, without its fence; the epoch rises so that its zombies fail. */
  settleDeadAttempt(
    attemptId: string,
    failure: { type: string; message: string },
    state?: 'failed' | 'cancelled',
  ): Promise<void>;
  saveVerification(attemptId: string, verification: Verification): Promise<void>;
  /** Outcome counts and traffic so far. */
  loadProgress(attemptId: string): Promise<{
    outcomes: Readonly<Partial<Record<OutcomeCode, number>>>;
    traffic: TrafficByOperation;
  }>;
}
