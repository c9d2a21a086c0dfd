/** What a failed exchange with a provider becomes, where no answer says it: the connection, a time-out, the caller's own body. */
import { isWaybillError, WaybillError } from '../../core/failures.ts';

const TIMEOUTS: ReadonlySet<string> = new Set([
  'HTTP_IDLE', // http1/
  'ETIMEDOUT',
]);

/** What no retry mends either; the last is what node:http says of a header that it would not pass on. */
const NOT_HTTP: ReadonlySet<string> = new Set(['HTTP_MALFORMED', 'HTTP_HEAD_TOO_LARGE', 'ERR_INVALID_CHAR']);

/** What node:tls says of a certificate that does not hold; nothing that trying again could mend. */
const CERTIFICATE: ReadonlySet<string> = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);
const isTlsFailure = (code: string): boolean => code === 'EPROTO' || code.startsWith('ERR_SSL_');

/** How long a caller is told to wait before it asks again. */
const RETRY_AFTER_MS = 1000;

/**
 * A failure of the body (its hash did not hold) stays what it is; a certificate that does not hold is 502, since no retry mends it;
 * no free connection is 503 SlowDown, and everything else 503 ServiceUnavailable, which clients retry both.
 * The cause's code is told, its message is not: that may name what only the gateway's own network knows.
 */
export function toConnectionFailure(error: unknown, store: string): WaybillError {
  if (isWaybillError(error)) return error;
  const code = codeOf(error);
  const details = { s3Code: 'ServiceUnavailable', store, code };
  const more = { cause: error, retryAfterMs: RETRY_AFTER_MS };
  if (CERTIFICATE.has(code) || isTlsFailure(code)) {
    const message = CERTIFICATE.has(code)
      ? 'the certificate of the store does not hold: see ca_file of the store'
      : 'no TLS could be agreed with the store: see tls_min_version of the store';
    return new WaybillError('store_refused', message, { s3Code: 'StoreTlsFailure', status: 502, store, code });
  }
  if (code === 'HTTP_QUEUE') {
    return new WaybillError(
      'store_slow_down',
      'every connection to the store is in use',
      { s3Code: 'SlowDown', store, code },
      more,
    );
  }
  if (NOT_HTTP.has(code)) {
    return new WaybillError('store_error', 'the store does not answer in HTTP', {
      s3Code: 'InternalError',
      store,
      code,
    });
  }
  return TIMEOUTS.has(code)
    ? new WaybillError('store_timeout', 'the store did not answer in time', details, more)
    : new WaybillError('store_unreachable', 'the store cannot be reached, or closed the connection', details, more);
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'unknown';
}
