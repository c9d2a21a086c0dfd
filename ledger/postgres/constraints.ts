/**
 * The names of primary keys, constraints and unique indexes. They are wire names: failures carry them, and `on conflict on constraint`
 * and the reading of a broken constraint rely on them. A test compares the list with the schema, so a new one is added here.
 */
export const CONSTRAINTS = {
  attempt: [
    'attempt_one_live_per_location',
    'attempt_one_live_per_run',
    'attempt_one_live_per_target',
    'attempt_pkey',
    'attempt_run_fkey',
    'attempt_run_n_key',
    'attempt_state_check',
    'attempt_target_fkey',
    'attempt_target_location_check',
  ],
  audit: ['audit_pkey'],
  batch: ['batch_attempt_fkey', 'batch_kind_check', 'batch_pkey'],
  chunk: ['chunk_listing_fkey', 'chunk_pkey'],
  claim: ['claim_attempt_fkey', 'claim_pkey'],
  counter: ['counter_attempt_fkey', 'counter_pkey'],
  delivery: ['delivery_pkey'],
  idempotency: ['idempotency_pkey', 'idempotency_run_fkey'],
  listing: ['listing_attempt_fkey', 'listing_attempt_key', 'listing_pkey'],
  listing_range: ['listing_range_listing_fkey', 'listing_range_pkey'],
  manifest: ['manifest_listing_fkey', 'manifest_listing_key', 'manifest_pkey'],
  migration: ['migration_pkey'],
  outcome: ['outcome_pkey'],
  page: ['page_listing_fkey', 'page_pkey'],
  part: ['part_pkey', 'part_upload_fkey'],
  release: ['release_attempt_fkey', 'release_pkey'],
  run: ['run_mode_check', 'run_mode_pipeline_run_id_key', 'run_pkey', 'run_seq_key'],
  step: ['step_attempt_fkey', 'step_pkey'],
  target: ['target_fingerprint_key', 'target_pkey'],
  unordered_entry: ['unordered_entry_pkey'],
  upload: ['upload_attempt_fkey', 'upload_pkey', 'upload_target_fkey', 'upload_target_key_key'],
} as const satisfies Record<string, readonly string[]>;

export type ConstraintName = (typeof CONSTRAINTS)[keyof typeof CONSTRAINTS][number];

/** Those that say that a target is taken. */
export const TARGET_TAKEN: readonly ConstraintName[] = ['attempt_one_live_per_target', 'attempt_one_live_per_location'];
