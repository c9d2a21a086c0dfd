/** What became of an object that was not copied, or that stands at the target without being in the manifest. */
export const OUTCOME_CODES = [
  'source_changed', // deleted or overwritten between list and copy
  'target_conflict', // somebody else's object stands at the target
  'unsupported_key', // the key is not valid UTF-8, holds NUL, or is too long for the target
  'reserved_key', // the key would land under manifests/ at the target
  'access_denied', // the store denies this object
  'checksum_mismatch', // the bytes did not agree with their checksum, again and again
  'store_error', // the store failed on this object, again and again
  'orphan', // at the target, inside the filters, not in the manifest; reported, not deleted
] as const;

export type OutcomeCode = (typeof OUTCOME_CODES)[number];

/** An orphan does not keep a run from being done; every other outcome does. */
export const isFailureOutcome = (code: OutcomeCode): boolean => code !== 'orphan';
