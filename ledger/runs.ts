/** Runs: how one is accepted, found and looked at. */
import type { Sha256Hex } from '../core/ids.ts';
import type { OutcomeCode } from '../core/outcomes.ts';
import type { PipelineSpec } from '../core/pipeline.ts';
import type { RunState } from '../core/run-state.ts';
import type { AttemptRecord } from './attempt-record.ts';

export type RunMode = 'run' | 'plan';

/** A run with its latest attempt. */
export interface RunRecord {
  /** UUID. */
  readonly id: string;
  readonly mode: RunMode;
  readonly pipeline: string;
  readonly runId: string;
  readonly nominalAt: string | null;
  readonly attempt: AttemptRecord;
}

export interface AcceptRequest {
  readonly pipeline: string;
  readonly mode: RunMode;
  readonly runId: string;
  /** ISO 8601 with Z, for a scheduled run. */
  readonly nominalAt: string | null;
  readonly spec: PipelineSpec;
  /** sha256 of (store, bucket, prefix, key mapping, encryption and metadata options). */
  readonly targetFingerprint: Sha256Hex;
  /** Asks for a new attempt even where the run is done. */
  readonly again: boolean;
  readonly idempotency: { readonly principal: string; readonly key: string; readonly requestSha256: Sha256Hex } | null;
}

export type Accepted =
  /** A new attempt was made; its workflow is to be started. */
  | { readonly kind: 'accepted'; readonly run: RunRecord }
  /** The run's attempt is live already. */
  | { readonly kind: 'live'; readonly run: RunRecord }
  /** The run is done; it is verified and its receipt returned. */
  | { readonly kind: 'done'; readonly run: RunRecord };

export interface Page<T> {
  readonly items: readonly T[];
  /** Opaque; null at the end. */
  readonly nextCursor: string | null;
}

export interface RunLedger {
  /**
   * Commits the run and its attempt, or finds them. Twenty callers at once get one attempt.
   * @throws target_busy with pipeline and runId of the live run; idempotency_conflict
   */
  accept(request: AcceptRequest): Promise<Accepted>;
  /** What an Idempotency-Key stands for, or null. @throws idempotency_conflict */
  findIdempotent(principal: string, key: string, requestSha256: Sha256Hex): Promise<RunRecord | null>;
  /** @throws unknown_run */
  loadRun(id: string): Promise<RunRecord>;
  findRun(mode: RunMode, pipeline: string, runId: string): Promise<RunRecord | null>;
  /** Newest first. */
  listRuns(query: { pipeline?: string; state?: RunState; cursor?: string; limit: number }): Promise<Page<RunRecord>>;
  listAttempts(runUuid: string): Promise<readonly AttemptRecord[]>;
  /** Attempts in a live state, oldest first: the reconciler and the sweeper look at them. */
  listLiveAttempts(): Promise<readonly RunRecord[]>;
  /** By outcome code, or 'copied' (deliveries of this run's latest attempt); by key. */
  listObjects(query: {
    id: string;
    outcome?: OutcomeCode | 'copied';
    cursor?: string;
    limit: number;
  }): Promise<Page<{ key: string; outcome: OutcomeCode | 'copied'; detail: string }>>;
  audit(principal: string, action: string, subject: string, detail: Readonly<Record<string, unknown>>): Promise<void>;
}
