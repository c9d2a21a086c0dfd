/** What is told of an attempt, while it is live and afterwards. */
import type { Sha256Hex } from '../core/ids.ts';
import type { OutcomeCode } from '../core/outcomes.ts';
import type { RunState } from '../core/run-state.ts';
import type { TrafficByOperation } from '../core/traffic.ts';

export interface Totals {
  readonly objects: number;
  readonly sizeBytes: number;
  readonly copied: number;
  readonly copiedBytes: number;
  readonly skipped: number;
  readonly skippedBytes: number;
  readonly adopted: number;
  readonly adoptedBytes: number;
  /** Of `copied`, those that were lost or changed at the target. */
  readonly repaired: number;
  readonly orphans: number;
  /** Outcomes by code. */
  readonly outcomes: Readonly<Partial<Record<OutcomeCode, number>>>;
}

export interface Money {
  readonly currency: string;
  readonly spent: number;
  readonly avoided: number;
}

/** What the finished attempt says of itself, for people and for the API. */
export interface Summary {
  readonly traffic: TrafficByOperation;
  readonly avoidedTraffic: TrafficByOperation;
  readonly money: readonly Money[];
  readonly markerKey: string | null;
  /** The source held no object that passes the filters: an explicit outcome, not an error. */
  readonly emptySource: boolean;
}

export interface Verification {
  readonly state: 'running' | 'ok' | 'lost' | 'failed';
  /** ISO 8601; null while running. */
  readonly checkedAt: string | null;
  readonly objects: number;
  readonly missing: number;
  readonly changed: number;
  readonly marker: 'present' | 'absent' | 'different' | 'unknown';
  readonly message: string | null;
}

export interface AttemptRecord {
  readonly attemptId: string;
  readonly number: number;
  readonly state: RunState;
  readonly workflowRunId: string | null;
  readonly manifestHash: Sha256Hex | null;
  readonly contentHash: Sha256Hex | null;
  readonly planHash: Sha256Hex | null;
  readonly totals: Totals | null;
  readonly summary: Summary | null;
  readonly verification: Verification | null;
  readonly failure: { readonly type: string; readonly message: string } | null;
  readonly acceptedAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}
