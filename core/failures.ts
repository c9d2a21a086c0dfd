/**
 * The one table of failures. Everything that can go wrong has a row here: whether trying again can help, which HTTP status
 * the API answers with, what it means and what a person does about it. From it come Temporal's list of non-retryable types,
 * the API's problems, the CLI's hints and docs/failures.md. Match on `type`, never with `instanceof`: a failure may cross
 * into the workflow sandbox, which is another realm.
 */
export interface FailureRow {
  readonly retryable: boolean;
  readonly httpStatus: number;
  readonly meaning: string;
  readonly hint: string;
}

const row = (retryable: boolean, httpStatus: number, meaning: string, hint: string): FailureRow => ({
  retryable,
  httpStatus,
  meaning,
  hint,
});

export const FAILURES = {
  // What the caller sent.
  invalid_request: row(false, 400, 'the request is malformed', 'see /docs for what the operation takes'),
  invalid_run_id: row(false, 400, 'a run_id is 1-128 of A-Z a-z 0-9 . _ : + -', 'choose another run_id'),
  invalid_config: row(
    false,
    400,
    'the configuration is wrong',
    'mend the line, the option or the file that the message names',
  ),
  invalid_manifest_line: row(false, 400, 'a descriptor does not parse', 'mend the line that the message names'),
  unauthenticated: row(false, 401, 'no valid credentials', 'send "Authorization: Bearer TOKEN"'),
  forbidden: row(
    false,
    403,
    'the credentials do not allow this',
    'ask for a token with the role that the message names',
  ),
  unknown_pipeline: row(false, 404, 'no such pipeline', 'see `waybill pipelines`, GET /v1/pipelines'),
  unknown_run: row(false, 404, 'no such run', 'see GET /v1/runs'),
  unknown_manifest: row(false, 404, 'no such manifest', 'see the manifest_hash of GET /v1/runs/{id}'),
  manifest_pruned: row(
    false,
    410,
    'the manifest is older than the retention',
    'read its marker at the target, which has the same bytes: the message names it',
  ),
  idempotency_conflict: row(false, 409, 'the Idempotency-Key was used for another request', 'use a new key'),
  invalid_state: row(
    false,
    409,
    'the run is in a state that does not allow this',
    'see the state of GET /v1/runs/{id}',
  ),
  target_busy: row(
    false,
    409,
    'another run is writing to this target',
    'wait for the run that the message names, or cancel it',
  ),
  port_in_use: row(false, 500, 'the address is already in use', 'stop what listens there, or choose another port'),
  directory_in_use: row(
    false,
    500,
    'another process uses the directory',
    'stop the process that the message names, or use another directory',
  ),
  // What we stand on.
  ledger_unavailable: row(true, 503, 'Postgres does not answer', 'nothing is lost; try again when it does'),
  temporal_unavailable: row(true, 503, 'Temporal does not answer', 'nothing is lost; try again when it does'),
  // What a store answers.
  store_unreachable: row(true, 502, 'the store cannot be reached', 'check the endpoint, the proxy and the network'),
  store_timeout: row(
    true,
    504,
    'the store did not answer in time',
    'check the network; raise request_limit for slow links',
  ),
  store_slow_down: row(true, 503, 'the store asks to slow down', 'nothing to do: the run backs off by itself'),
  store_error: row(
    true,
    502,
    'the store failed with a 5xx',
    "check the provider's status page; of a directory, its path and disk",
  ),
  store_refused: row(
    false,
    502,
    'the store refused the request',
    'the message says why, with the S3 code if there is one',
  ),
  access_denied: row(
    false,
    403,
    'the store denies access',
    'check the policy of the credentials that the gateway holds',
  ),
  bad_credentials: row(
    false,
    502,
    'the store does not accept the credentials',
    'check the keys that the gateway holds for this store',
  ),
  no_such_bucket: row(false, 404, 'the bucket does not exist', 'create the bucket, or mend the pipeline'),
  no_such_key: row(false, 404, 'the object does not exist', 'it was deleted after it was listed'),
  no_such_upload: row(false, 404, 'the multipart upload does not exist', 'it was completed or aborted by another'),
  precondition_failed: row(false, 412, 'the object is not the one that was expected', 'it changed meanwhile'),
  not_modified: row(false, 304, 'the object is still the one that the caller has', 'nothing to do'),
  range_unsatisfiable: row(false, 416, 'the range lies outside the object', 'the object is shorter than expected'),
  not_implemented: row(false, 501, 'the store does not offer this operation', 'see the capabilities of the store'),
  body_corrupt: row(true, 502, 'the bytes are not the ones that were promised', 'nothing to do: it is tried again'),
  // What a run meets.
  source_changed: row(false, 409, 'the object changed between list and copy', 'start the run again: it lists again'),
  target_conflict: row(
    false,
    409,
    'an object that is not ours stands at the target',
    'move it away, or set overwrite: always',
  ),
  unsupported_key: row(false, 422, 'the key cannot be held', 'rename the object, or exclude it'),
  reserved_key: row(
    false,
    422,
    'the key would collide with manifests/ at the target',
    'exclude the object, or use another target prefix',
  ),
  checksum_mismatch: row(
    true,
    502,
    'source and target do not hold the same bytes',
    'it is tried again; see etags: of the store',
  ),
  marker_conflict: row(
    false,
    409,
    'a marker of this name with other bytes stands at the target',
    'find out who wrote it before you remove it',
  ),
  listing_incomplete: row(
    true,
    502,
    'the listing broke off, repeated or went backwards',
    'an incomplete listing never becomes a manifest',
  ),
  lease_lost: row(false, 409, 'another attempt owns the target now', 'nothing to do: the newer attempt goes on'),
  heartbeat_lost: row(true, 409, 'the activity lost its heartbeat and stopped', 'nothing to do: its successor goes on'),
  worker_shutdown: row(true, 503, 'the worker is shutting down', 'nothing to do: another worker goes on'),
  terminated: row(false, 409, 'the workflow was terminated, or its history was lost', 'start the run again'),
  incomplete: row(
    false,
    409,
    'some objects were not copied',
    'see GET /v1/runs/{id}/objects; start the run again to heal it',
  ),
  unclassified: row(true, 500, 'an unexpected failure', 'this is a defect of waybill: report it with its message'),
} as const satisfies Record<string, FailureRow>;

export type FailureType = keyof typeof FAILURES;

/** Values that explain a failure. Never a secret, a signing key, a session token or a presigned query. */
export type FailureDetails = Readonly<Record<string, string | number | boolean | null>>;

/** A failure with its row's type. The message ends with its details as `[key=value, …]`. */
export class WaybillError extends Error {
  override readonly name = 'WaybillError';
  readonly type: FailureType;
  readonly details: FailureDetails;
  /** How long to wait before trying again, when the other side said so (Retry-After). */
  readonly retryAfterMs: number | undefined;

  constructor(
    type: FailureType,
    message: string,
    details: FailureDetails = {},
    more: { cause?: unknown; retryAfterMs?: number | undefined } = {},
  ) {
    const pairs = Object.entries(details).map(([key, value]) => `${key}=${String(value)}`);
    super(
      pairs.length === 0 ? message : `${message} [${pairs.join(', ')}]`,
      more.cause === undefined ? undefined : { cause: more.cause },
    );
    this.type = type;
    this.details = details;
    this.retryAfterMs = more.retryAfterMs;
  }
}

/** True for our own failures, also for those that were made in another realm. */
export function isWaybillError(error: unknown): error is WaybillError {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as { name?: unknown }).name === 'WaybillError' &&
    isFailureType((error as { type?: unknown }).type)
  );
}

export function isFailureType(value: unknown): value is FailureType {
  return typeof value === 'string' && Object.hasOwn(FAILURES, value);
}

/** The type of any thrown value; what is not ours is `unclassified`. */
export function failureTypeOf(error: unknown): FailureType {
  return isWaybillError(error) ? error.type : 'unclassified';
}

/** The types that Temporal must not retry. */
export const NON_RETRYABLE_TYPES: readonly FailureType[] = (Object.keys(FAILURES) as FailureType[]).filter(
  (type) => !FAILURES[type].retryable,
);
