/**
 * Which failure an S3 error is: first by its code, then by its status. A HEAD has no body, so there the status and the operation
 * decide. Source: Amazon S3 API reference, "List of error codes"; what is not in the table falls back to its status.
 */
import type { FailureType } from '../../core/failures.ts';

export const FAILURE_BY_CODE: Readonly<Record<string, FailureType>> = {
  NoSuchBucket: 'no_such_bucket',
  NoSuchKey: 'no_such_key',
  NoSuchVersion: 'no_such_key',
  NoSuchUpload: 'no_such_upload',
  PreconditionFailed: 'precondition_failed',
  // Two conditional writes met: neither the condition nor the object is known to have failed, so it is asked again.
  ConditionalRequestConflict: 'store_error',
  OperationAborted: 'store_error',
  NotModified: 'not_modified',
  InvalidRange: 'range_unsatisfiable',
  NotImplemented: 'not_implemented',

  AccessDenied: 'access_denied',
  AccountProblem: 'access_denied',
  AllAccessDisabled: 'access_denied',
  InvalidObjectState: 'access_denied',

  SignatureDoesNotMatch: 'bad_credentials',
  InvalidAccessKeyId: 'bad_credentials',
  InvalidSecurity: 'bad_credentials',
  InvalidToken: 'bad_credentials',
  ExpiredToken: 'bad_credentials',
  TokenRefreshRequired: 'bad_credentials',
  AuthorizationHeaderMalformed: 'bad_credentials',
  // Trying again cannot help, and neither can other keys: it is the clock.
  RequestTimeTooSkewed: 'store_refused',

  XAmzContentSHA256Mismatch: 'body_corrupt',
  BadDigest: 'body_corrupt',
  // MinIO's name for it, where a checksum is meant.
  XAmzContentChecksumMismatch: 'body_corrupt',
  InvalidDigest: 'body_corrupt',
  IncompleteBody: 'body_corrupt',

  SlowDown: 'store_slow_down',
  ServiceUnavailable: 'store_slow_down',
  Throttling: 'store_slow_down',
  ThrottlingException: 'store_slow_down',
  TooManyRequests: 'store_slow_down',
  RequestLimitExceeded: 'store_slow_down',
  BandwidthLimitExceeded: 'store_slow_down',
  // AWS answers 400 with this when a body came too slowly.
  RequestTimeout: 'store_timeout',
  InternalError: 'store_error',
};

const FAILURE_BY_STATUS: Readonly<Record<number, FailureType>> = {
  304: 'not_modified',
  401: 'bad_credentials',
  403: 'access_denied',
  408: 'store_timeout',
  412: 'precondition_failed',
  416: 'range_unsatisfiable',
  429: 'store_slow_down',
  501: 'not_implemented',
  503: 'store_slow_down',
};

const HINTS: Readonly<Record<string, string>> = {
  RequestTimeTooSkewed: 'set the clock of this machine: it differs from the clock of the store by more than 15 minutes',
};

export interface S3Error {
  readonly status: number;
  /** Absent when the answer had no body that says. */
  readonly s3Code?: string | undefined;
  /** For a bare 404: an operation on an object or on its bucket. */
  readonly about: 'bucket' | 'object' | 'upload';
}

export function toFailureType({ status, s3Code, about }: S3Error): FailureType {
  const byCode = s3Code !== undefined && Object.hasOwn(FAILURE_BY_CODE, s3Code) ? FAILURE_BY_CODE[s3Code] : undefined;
  if (byCode !== undefined) return byCode;
  if (status === 404 && s3Code === undefined) return NOT_FOUND[about];
  return FAILURE_BY_STATUS[status] ?? (status >= 500 ? 'store_error' : 'store_refused');
}

const NOT_FOUND = { bucket: 'no_such_bucket', object: 'no_such_key', upload: 'no_such_upload' } as const;

/** What a person does about it, where the table of failures cannot say it as well. */
export const hintOfCode = (s3Code: string | undefined): string | undefined =>
  s3Code !== undefined && Object.hasOwn(HINTS, s3Code) ? HINTS[s3Code] : undefined;
