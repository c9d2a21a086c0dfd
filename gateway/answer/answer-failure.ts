/**
 * Answers a refusal, and leaves the connection in a known state. A body that nobody read is still on its way: a short one is
 * drained and the connection kept; of a long one as much is drained as lets the client read our answer (closing at once would
 * make its kernel throw the answer away), then the connection is closed.
 */
import type { IncomingMessage } from 'node:http';
import { writeError } from './answer-error.ts';
import type { CountedResponse, Exchange } from '../listener/exchange.ts';
import type { S3Failure } from './s3-error.ts';

/** Drained without closing the connection. */
const KEEP_BYTES_MAX = 64 * 1024;
/** Drained of a body that is refused, in bytes and in time, before the connection is closed. */
const LINGER_BYTES_MAX = 16 * 1024 * 1024;
const LINGER_MS = 2_000;

export function answerFailure(
  request: IncomingMessage,
  response: CountedResponse,
  exchange: Exchange,
  failure: S3Failure,
  expectsContinue: boolean,
): void {
  exchange.code = failure.code;
  exchange.reason = failure.message;
  if (response.headersSent) {
    // Half an answer cannot be taken back; a connection that breaks tells the client that it is not whole.
    if (!response.writableEnded) request.socket.destroy();
    return;
  }
  const leftBytes = request.complete ? 0 : countLeft(request, exchange);
  const isWaiting = expectsContinue && exchange.body?.isStarted !== true;
  const close = leftBytes > KEEP_BYTES_MAX || (leftBytes > 0 && isWaiting);
  writeError(request, response, failure, exchange.requestId, close);
  if (!close || isWaiting) {
    request.resume();
    response.end();
    return;
  }
  response.record();
  linger(request, response);
}

function countLeft(request: IncomingMessage, exchange: Exchange): number {
  const declared = request.headers['content-length'];
  if (declared === undefined) return request.headers['transfer-encoding'] === undefined ? 0 : Infinity;
  return Number(declared) - (exchange.body?.wireBytes ?? 0);
}

/** The answer is on the wire whole; ending it is what closes the connection. */
function linger(request: IncomingMessage, response: CountedResponse): void {
  let drainedBytes = 0;
  const finish = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(finish, LINGER_MS);
  request.on('data', (chunk: Buffer) => {
    drainedBytes += chunk.length;
    if (drainedBytes > LINGER_BYTES_MAX) finish();
  });
  request.once('end', finish);
  request.once('close', finish);
  request.resume();
}
