/** What a failed exchange with a provider becomes, where no answer says it: the connection, a time-out, the caller's own body. */
import { isWaybillError, WaybillError } from '../core/failures.ts';

const TIMEOUTS: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'ETIMEDOUT',
]);
const CLOSED: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** How long a caller is told to wait before it asks again. */
const RETRY_AFTER_MS = 1000;

/**
 * A failure of the body (its hash did not hold) stays what it is; everything else is 503 ServiceUnavailable, which clients retry.
 * The cause's code is told, its message is not: that may name what only the gateway's own network knows.
 */
export function toConnectionFailure(error: unknown, store: string): WaybillError {
  if (isWaybillError(error)) return error;
  const code = codeOf(error);
  const details = { s3Code: 'ServiceUnavailable', store, code };
  const more = { cause: error, retryAfterMs: RETRY_AFTER_MS };
  return TIMEOUTS.has(code)
    ? new WaybillError('store_timeout', 'the store did not answer in time', details, more)
    : new WaybillError('store_unreachable', 'the store cannot be reached, or closed the connection', details, more);
}

/**
 * True when a kept connection had been closed by the other side before it saw the request: it had answered earlier ones, and has
 * nothing for this one. A new connection that was closed is no such case.
 */
export function isStaleConnection(error: unknown): boolean {
  if (!CLOSED.has(codeOf(error))) return false;
  const socket = (error as { socket?: { bytesRead?: unknown } }).socket;
  return socket === undefined || (typeof socket.bytesRead === 'number' && socket.bytesRead > 0);
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'unknown';
}
