/** What goes in and out of the workflows: references, counts and hashes, never bytes or lists of objects (invariant I3). */
import type { RunState } from '../core/run-state.ts';
import type { Fence } from '../ledger/ledger.ts';

export interface RunInput {
  /** The run's UUID in the ledger. */
  readonly runUuid: string;
  /** The attempt that this workflow carries out, and no other of the run. */
  readonly attemptId: string;
  readonly pipeline: string;
  readonly runId: string;
  /** The worker's configured heartbeat time-out, fixed for the life of this run. */
  readonly heartbeatTimeoutMs: number;
  /** Where the run stood when it continued as new. */
  readonly resume?: RunCheckpoint;
}

export interface CopyCounts {
  readonly copied: number;
  readonly copiedBytes: number;
  readonly repaired: number;
  readonly adopted: number;
  readonly adoptedBytes: number;
  /** Objects of finished batches that ended in an outcome. */
  readonly failed: number;
}

export interface PlanCounts {
  readonly batches: number;
  readonly skipped: number;
  readonly skippedBytes: number;
  readonly toCopy: number;
  readonly toCopyBytes: number;
  readonly toAdopt: number;
  readonly toRepair: number;
  readonly orphans: number;
  readonly refused: number;
}

export interface ManifestRef {
  readonly manifestHash: string;
  readonly contentHash: string;
  readonly objects: number;
  readonly sizeBytes: number;
}

/** A large object between two groups of its parts. */
export interface UnfinishedLarge {
  readonly ordinal: number;
  /** The next group of parts, from 0. */
  readonly partBatch: number;
  readonly partBatches: number;
}

/** Everything that the copy loop carries into its next history. */
export interface RunCheckpoint {
  readonly fence: Fence;
  readonly attempt: number;
  readonly manifest: ManifestRef;
  readonly planHash: string;
  readonly plan: PlanCounts;
  readonly nextOrdinal: number;
  /** Batches before `nextOrdinal` that were begun and are gone on with first. */
  readonly unfinished: readonly UnfinishedLarge[];
  readonly counts: CopyCounts;
  readonly paused: boolean;
  readonly concurrency: number;
  /** Temporal's clock, milliseconds: no store write before it. */
  readonly quietUntilMs: number;
}

/** The answer to the query `progress`. */
export interface Progress {
  readonly state: RunState;
  readonly attempt: number;
  readonly paused: boolean;
  readonly concurrency: number;
  readonly manifest: ManifestRef | null;
  readonly plan: PlanCounts | null;
  readonly batchesDone: number;
  readonly counts: CopyCounts;
}

export interface RunResult {
  readonly state: 'done' | 'partial';
  readonly manifestHash: string | null;
  readonly planHash: string | null;
  readonly copied: number;
  readonly skipped: number;
  readonly adopted: number;
  readonly failed: number;
}

export interface ScheduledRunInput {
  readonly pipeline: string;
  /** How late a nominal time that met a busy target is still made up for. */
  readonly catchupWindowMs: number;
  readonly heartbeatTimeoutMs: number;
}

export interface VerifyInput {
  readonly runUuid: string;
  readonly pipeline: string;
  readonly runId: string;
  readonly heartbeatTimeoutMs: number;
}
