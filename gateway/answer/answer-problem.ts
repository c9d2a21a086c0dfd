/**
 * Answers POST /upload with a problem (RFC 9457) that has the S3 code and message beside the usual members. A body that is still
 * on its way is drained for a while first: closing at once would make the caller's kernel drop our answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { FAILURES } from '../../core/failures.ts';
import type { FailureType } from '../../core/failures.ts';
import { MiB } from '../../core/limits.ts';

export interface Problem {
  readonly type: FailureType;
  readonly status: number;
  /** S3's. */
  readonly code: string;
  readonly message: string;
  readonly more?: Readonly<Record<string, string>>;
}

const DRAINED_BYTES_MAX = 16 * MiB;
const DRAIN_LIMIT_MS = 2_000;

export function answerProblem(
  request: IncomingMessage,
  response: ServerResponse,
  problem: Problem,
  requestId: string,
): void {
  const body = Buffer.from(
    JSON.stringify({
      type: `urn:waybill:failure:${problem.type}`,
      title: FAILURES[problem.type].meaning,
      status: problem.status,
      detail: problem.message,
      code: problem.code,
      message: problem.message,
      request_id: requestId,
      ...problem.more,
    }),
  );
  const headers: Record<string, string | number> = {
    'Content-Type': 'application/problem+json',
    'Content-Length': body.byteLength,
  };
  if (problem.status === 503) headers['Retry-After'] = 1;
  if (!request.complete) headers['Connection'] = 'close';
  response.writeHead(problem.status, headers);
  response.write(body);
  if (request.complete) response.end();
  else drain(request, () => response.end());
}

function drain(request: IncomingMessage, finish: () => void): void {
  let drainedBytes = 0;
  const timer = setTimeout(done, DRAIN_LIMIT_MS);
  function done(): void {
    clearTimeout(timer);
    finish();
  }
  request.on('data', (chunk: Buffer) => {
    drainedBytes += chunk.byteLength;
    if (drainedBytes > DRAINED_BYTES_MAX) done();
  });
  request.once('end', done);
  request.once('close', done);
  request.resume();
}
