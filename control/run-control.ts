/**
 * The port through which the API reaches the workflows. The ledger says which attempt a run is at; this says whether a workflow
 * carries that attempt out. Every method is idempotent, answers within seconds, and fails with `temporal_unavailable` when Temporal
 * does not; `progress` never fails.
 */
import type { RunRecord } from '../ledger/ledger.ts';
import type { Progress } from '../workflows/types.ts';

/** `ended`: a workflow of this very attempt has closed. `absent`: none of this attempt was ever started, or it was forgotten. */
export type Presence = 'running' | 'ended' | 'absent';

export interface RunControl {
  /** Starts the workflow of the run's attempt; one that runs already is success. */
  start(run: RunRecord): Promise<void>;
  /** Starts the verification of a done run; one that runs already is success. */
  verify(run: RunRecord): Promise<void>;
  /** @throws invalid_state when no workflow runs, like the three that follow */
  pause(run: RunRecord): Promise<void>;
  resume(run: RunRecord): Promise<void>;
  cancel(run: RunRecord): Promise<void>;
  /** Batches in flight at once, 1 to RUN_CONCURRENCY_MAX. */
  setConcurrency(run: RunRecord, batches: number): Promise<void>;
  /** What the live workflow says of itself; null when it cannot say it at once. */
  progress(run: RunRecord): Promise<Progress | null>;
  look(run: RunRecord): Promise<Presence>;
  /** True while a workflow carries the run's attempt out. */
  isAlive(run: RunRecord): Promise<boolean>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
