/**
 * What can go wrong below HTTP, by the codes of Node and of http1/. The words of the cause stay in `cause`, so that a TLS mistake or a
 * wrong name can be read there; none of them holds a header or a signature.
 */
import { WaybillError } from '../../core/failures.ts';
import type { FailureDetails, FailureType } from '../../core/failures.ts';

interface Row {
  readonly type: FailureType;
  readonly message: string;
}

const CLOSED: Row = { type: 'store_unreachable', message: 'the store closed the connection before it answered' };

const BY_CODE: Readonly<Record<string, Row>> = {
  ECONNREFUSED: { type: 'store_unreachable', message: 'the store refuses connections' },
  ENOTFOUND: { type: 'store_unreachable', message: "the store's host name is unknown" },
  EAI_AGAIN: { type: 'store_unreachable', message: "the store's host name could not be looked up" },
  ECONNRESET: { type: 'store_unreachable', message: 'the connection to the store was reset' },
  EPIPE: { type: 'store_unreachable', message: 'the store closed the connection while it was sent to' },
  ETIMEDOUT: { type: 'store_unreachable', message: 'no connection to the store within the limit' },
  HTTP_CLOSED: CLOSED,
  HTTP_CLIENT_CLOSED: { type: 'store_unreachable', message: 'the client of the store was closed' },
  HTTP_UNSENDABLE: { type: 'store_refused', message: 'a header or the target cannot be sent over HTTP' },
  HTTP_HEAD_TOO_LARGE: { type: 'store_error', message: 'the headers of the answer are too large' },
  HTTP_MALFORMED: { type: 'store_error', message: 'the store did not answer in HTTP' },
  HTTP_TRUNCATED: {
    type: 'body_corrupt',
    message: 'the answer has another length than it promised',
  },
  HTTP_BODY_LENGTH: { type: 'body_corrupt', message: 'the body does not have the promised length' },
};

/** Node's and OpenSSL's codes for a certificate or a handshake that failed. */
const TLS = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** True where the other side ended the connection in good order, as it does when it cuts an answer short. */
export function isEarlyEnd(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'HTTP_CLOSED' || code === 'HTTP_TRUNCATED';
}

/** A failure of the table for anything that a socket or a parser throws. */
export function toTransportFailure(error: unknown, details: FailureDetails): WaybillError {
  const code = codeOf(error);
  const row = BY_CODE[code] ?? rowOfFamily(code);
  return new WaybillError(row.type, row.message, code === '' ? details : { ...details, code }, { cause: error });
}

function rowOfFamily(code: string): Row {
  if (TLS.test(code)) return { type: 'store_unreachable', message: 'no TLS connection to the store' };
  return { type: 'store_unreachable', message: 'the connection to the store failed' };
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}
