/**
 * The port to the ledger: what is known of targets, runs, attempts, listings, manifests, plans, steps and deliveries. Each group of
 * methods has a file of its own here, with what it takes and gives. The one production adapter is `postgres/`. Time is the database's
 * own `now()`; keys compare as UTF-8 bytes (`collate "C"`).
 *
 * - One live attempt a target: a partial unique index arbitrates, not our code.
 * - Every write of a live attempt is fenced: its transaction locks the target's row at the attempt's epoch and fails with
 *   `lease_lost` when another attempt owns the target. A plan without a run owns no target; its fence is its own live attempt.
 * - Every write may be repeated with the same arguments and leaves the same state.
 * - Failures: `ledger_unavailable` when Postgres cannot be reached or the connection breaks; others as each method says.
 */
import type { AttemptLedger } from './attempts.ts';
import type { DeliveryLedger } from './deliveries.ts';
import type { ListingLedger } from './listings.ts';
import type { ManifestLedger } from './manifests.ts';
import type { PlanLedger } from './plans.ts';
import type { RunLedger } from './runs.ts';
import type { StepLedger } from './steps.ts';
import type { UploadLedger } from './uploads.ts';

export type * from './attempt-record.ts';
export type * from './attempts.ts';
export type * from './deliveries.ts';
export type * from './fence.ts';
export type * from './listings.ts';
export type * from './manifests.ts';
export type * from './plans.ts';
export type * from './runs.ts';
export type * from './steps.ts';
export type * from './uploads.ts';

export interface PruneOptions {
  readonly retentionMs: number;
  /** By name of the pipeline, in place of `retentionMs`. */
  readonly pipelineRetentionMs: ReadonlyMap<string, number>;
  readonly attemptsMax: number;
}

export interface Ledger
  extends
    RunLedger,
    AttemptLedger,
    ListingLedger,
    ManifestLedger,
    DeliveryLedger,
    PlanLedger,
    StepLedger,
    UploadLedger {
  /**
   * Drops what is kept of attempts that ended longer ago than their pipeline keeps it, or, where it has no retention of its own,
   * `retentionMs`: listing, manifest, steps, outcomes. Runs, attempts with their totals, and deliveries stay. Nothing goes of the latest
   * done attempt of a target, nor a manifest that another attempt still needs. A round takes `attemptsMax` at most, the oldest first,
   * each in a transaction of its own. Returns how many were pruned.
   */
  prune(options: PruneOptions): Promise<number>;

  ping(): Promise<void>;
  close(): Promise<void>;
}
