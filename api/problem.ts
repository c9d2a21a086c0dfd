/** Failures as RFC 9457 problem details. The type is a row of the failure table; what has no row is `about:blank`. */
import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';
import { FAILURES, isWaybillError } from '../core/failures.ts';
import type { FailureDetails, WaybillError } from '../core/failures.ts';

/** A caller comes back after this when a dependency is down. */
const RETRY_AFTER_SECONDS = 5;

export interface FieldError {
  /** `body.pipeline`, `query.limit`, `header.Idempotency-Key`. */
  readonly field: string;
  readonly message: string;
}

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly hint?: string;
  readonly request_id?: string;
  readonly details?: FailureDetails;
  readonly errors?: readonly FieldError[];
}

/** Details of an unclassified failure stay in the log: they may say more than a caller should know. */
export function toProblem(error: WaybillError, errors: readonly FieldError[] = []): Problem {
  const row = FAILURES[error.type];
  const hidden = error.type === 'unclassified';
  return {
    type: `/problems/${error.type}`,
    title: row.meaning,
    status: row.httpStatus,
    detail: hidden ? 'the log has more under the request_id' : error.message,
    hint: row.hint,
    ...(hidden || Object.keys(error.details).length === 0 ? {} : { details: error.details }),
    ...(errors.length === 0 ? {} : { errors }),
  };
}

/** For what the HTTP server itself refuses: an unknown path, a body too large, too many requests. */
export function toHttpProblem(status: number, detail: string): Problem {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail };
}

export function sendProblem(reply: FastifyReply, problem: Problem, error?: unknown): FastifyReply {
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="waybill"');
  if (problem.status === 503) {
    const waitMs = isWaybillError(error) ? error.retryAfterMs : undefined;
    reply.header('retry-after', waitMs === undefined ? RETRY_AFTER_SECONDS : Math.ceil(waitMs / 1000));
  }
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send({ ...problem, request_id: reply.request.id });
}
