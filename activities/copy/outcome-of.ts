/**
 * What a failure means for the object that it happened to: its outcome, or a reason to try again. Three kinds: the object's own and
 * final; one that may pass, and is the object's outcome when it outlasts the tries; one of the store or of ours, which says nothing of
 * the object.
 */
import { isWaybillError, type FailureType } from '../../core/failures.ts';
import { BATCH_TRIES } from '../../core/limits.ts';
import type { OutcomeCode } from '../../core/outcomes.ts';
import type { OutcomeRecord } from '../../ledger/ledger.ts';

/** Failures that are the object's own and final. */
const OUTCOMES: Partial<Record<FailureType, OutcomeCode>> = {
  source_changed: 'source_changed',
  target_conflict: 'target_conflict',
  access_denied: 'access_denied',
  unsupported_key: 'unsupported_key',
  store_refused: 'store_error',
};
/** Failures that may pass, and what is said of an object that they outlast. */
const LAST_RESORT: Partial<Record<FailureType, OutcomeCode>> = {
  store_error: 'store_error',
  body_corrupt: 'checksum_mismatch',
  checksum_mismatch: 'checksum_mismatch',
};

export const toOutcome = (error: unknown): OutcomeCode | null =>
  isWaybillError(error) ? (OUTCOMES[error.type] ?? null) : null;

/** Half an hour of tries a minute apart: a store that fails on everything in this execution may be down, and is waited for. */
const OUTAGE_TRIES = 35;

/** Null: try again. */
export function toLastResort(error: unknown, tryNumber: number, servesOthers: boolean): OutcomeCode | null {
  const code = isWaybillError(error) ? (LAST_RESORT[error.type] ?? null) : null;
  if (code === null || tryNumber < BATCH_TRIES) return null;
  return code === 'checksum_mismatch' || servesOthers || tryNumber >= OUTAGE_TRIES ? code : null;
}

/** True where the failure says nothing of the object: the next one would fail the same way. */
export const isStoreWide = (error: unknown): boolean => !isWaybillError(error) || LAST_RESORT[error.type] === undefined;

/** As long as a person reads. */
const DETAIL_LENGTH_MAX = 500;

export function buildOutcome(key: string, code: OutcomeCode, error: unknown): OutcomeRecord {
  return { key, code, detail: error instanceof Error ? error.message.slice(0, DETAIL_LENGTH_MAX) : '' };
}
