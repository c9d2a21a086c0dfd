/**
 * From what the driver throws to a failure of our table. Whatever means "Postgres is not there, or not for us, at this moment" is
 * `ledger_unavailable`, which is retryable: every operation of the ledger may be repeated. The rest is a defect: `unclassified`.
 * Source: PostgreSQL, appendix "Error Codes".
 */
import { isWaybillError, WaybillError } from '../../core/failures.ts';

const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** Classes of SQLSTATE: connection, authorization, resources, operator intervention, system error; then single codes. */
const UNAVAILABLE = /^(08|28|53|57|58)...$|^(25006|25P03|3D000|40001|40P01|55P03|XX000)$/;

/** The driver's own failures have no code. */
const DRIVER_MESSAGES =
  /connection terminated|connection error|timeout exceeded when trying to connect|query read timeout|after calling end on the pool|client was closed|server does not support SSL/i;

/** The message never has the connection string in it. */
export function toLedgerError(error: unknown): WaybillError {
  if (isWaybillError(error)) return error;
  const code = sqlStateOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code === '42P01' || code === '3F000') {
    return new WaybillError(
      'ledger_unavailable',
      'the schema is not there: run waybill migrate',
      { code },
      { cause: error },
    );
  }
  if (SOCKET_CODES.has(code) || UNAVAILABLE.test(code) || (code === '' && DRIVER_MESSAGES.test(message))) {
    const details = code === '' ? {} : { code };
    return new WaybillError('ledger_unavailable', `Postgres does not answer: ${message}`, details, { cause: error });
  }
  return new WaybillError('unclassified', `the ledger failed: ${message}`, code === '' ? {} : { code }, {
    cause: error,
  });
}

/** The SQLSTATE or the socket's error code; '' when there is none. */
function sqlStateOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** A transaction that lost against another one and may win when it is tried again. */
export const isConflict = (error: unknown): boolean => ['40001', '40P01'].includes(sqlStateOf(error));

/** The constraint that an insert broke, or null. */
export function brokenConstraint(error: unknown): string | null {
  if (sqlStateOf(error) !== '23505') return null;
  return (error as { constraint?: string }).constraint ?? null;
}
