/** The exit code of a failure: 1 failed, 2 usage, 3 partial, 4 refused or unreachable. 0 is for what is done. */
import { failureTypeOf } from '../core/failures.ts';
import type { FailureType } from '../core/failures.ts';

export type ExitCode = 0 | 1 | 2 | 3 | 4;

const FAILED = 1;
const USAGE = 2;
const PARTIAL = 3;
const REFUSED = 4;

const EXIT_CODES: Readonly<Record<FailureType, ExitCode>> = {
  invalid_request: USAGE,
  invalid_run_id: USAGE,
  invalid_config: USAGE,
  invalid_manifest_line: USAGE,
  unknown_pipeline: USAGE,
  unknown_run: USAGE,
  unknown_manifest: USAGE,
  manifest_pruned: FAILED,
  unauthenticated: REFUSED,
  forbidden: REFUSED,
  idempotency_conflict: REFUSED,
  invalid_state: REFUSED,
  target_busy: REFUSED,
  port_in_use: REFUSED,
  directory_in_use: REFUSED,
  ledger_unavailable: REFUSED,
  temporal_unavailable: REFUSED,
  store_unreachable: REFUSED,
  store_timeout: REFUSED,
  store_slow_down: REFUSED,
  store_error: FAILED,
  store_refused: REFUSED,
  access_denied: REFUSED,
  bad_credentials: REFUSED,
  no_such_bucket: FAILED,
  no_such_key: FAILED,
  no_such_upload: FAILED,
  precondition_failed: FAILED,
  not_modified: FAILED,
  range_unsatisfiable: FAILED,
  not_implemented: FAILED,
  body_corrupt: FAILED,
  source_changed: FAILED,
  target_conflict: FAILED,
  unsupported_key: FAILED,
  reserved_key: FAILED,
  checksum_mismatch: FAILED,
  marker_conflict: FAILED,
  listing_incomplete: FAILED,
  lease_lost: FAILED,
  heartbeat_lost: FAILED,
  worker_shutdown: FAILED,
  terminated: FAILED,
  incomplete: PARTIAL,
  unclassified: FAILED,
};

/** Total: whatever was thrown has an exit code. */
export const toExitCode = (error: unknown): ExitCode => EXIT_CODES[failureTypeOf(error)];
