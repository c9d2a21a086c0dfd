/**
 * What is not HTTP, too large or too slow. node:http gives the socket alone; when a request of it is being served, its own
 * response is used, so that what is answered and what is recorded are one.
 *
 * Bad bytes behind a request that arrived whole are no part of it: that request is served and answered as if nothing followed, and
 * what follows is answered after it, as the bad request that it is. Nothing else is read from such a connection.
 */
import type { Duplex } from 'node:stream';
import { printError, writeError } from '../answer/answer-error.ts';
import type { AccessKey } from '../keys/access.ts';
import { currentResponse } from './current-response.ts';
import { createExchange, toRecord } from './exchange.ts';
import type { ListenerOptions } from './listener-options.ts';
import { toS3Failure, refuse, type S3Failure } from '../answer/s3-error.ts';

export type SocketError = Error & { readonly code?: string };

export function createAnswerBadHttp<Key extends AccessKey>(
  options: ListenerOptions<Key>,
  nextRequestId: () => string,
): (error: SocketError, socket: Duplex) => void {
  /** Connections whose bad bytes wait for the answer before them; each further chunk is the same error once more. */
  const waiting = new WeakSet<Duplex>();

  const answer = (failure: S3Failure, socket: Duplex): void => {
    if (!socket.writable) return;
    const requestId = nextRequestId();
    const address = 'remoteAddress' in socket ? String(socket.remoteAddress) : '';
    const exchange = createExchange(requestId, address, options.onRequest);
    exchange.code = failure.code;
    exchange.reason = failure.message;
    options.onRequest({ ...toRecord(exchange, failure.status, 0), durationMs: 0 });
    socket.end(printRaw(failure, requestId));
  };

  return (error, socket) => {
    if (waiting.has(socket)) return;
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const serving = currentResponse(socket);
    const failure = toFailure(error, serving !== null && !serving.req.complete);
    if (serving === null || serving.writableFinished) {
      answer(failure, socket);
      return;
    }
    if (serving.req.complete) {
      waiting.add(socket);
      serving.once('finish', () => answer(failure, socket));
      return;
    }
    if (serving.headersSent && serving.socket !== null) {
      // A refusal that needed no body may still be on its way; half of another answer is no whole one for that it gets there.
      serving.socket.destroySoon();
      return;
    }
    if (serving.headersSent || serving.exchange === null) {
      socket.destroy();
      return;
    }
    serving.exchange.code = failure.code;
    serving.exchange.reason = failure.message;
    writeError(serving.req, serving, failure, serving.exchange.requestId, true);
    serving.end();
  };
}

/** @param isInBody whether the head of the request was whole */
function toFailure(error: SocketError, isInBody: boolean): S3Failure {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return toS3Failure(refuse('RequestHeaderSectionTooLarge'));
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return toS3Failure(refuse('RequestTimeout'));
    case 'HPE_INVALID_EOF_STATE':
      return toS3Failure(refuse(isInBody ? 'IncompleteBody' : 'BadRequest'));
    default:
      return toS3Failure(refuse('BadRequest'));
  }
}

const REASON: Readonly<Record<number, string>> = { 400: 'Bad Request', 431: 'Request Header Fields Too Large' };

function printRaw(failure: S3Failure, requestId: string): string {
  const body = printError(failure, '', requestId);
  return (
    `HTTP/1.1 ${String(failure.status)} ${REASON[failure.status] ?? 'Error'}\r\nServer: waybill\r\nx-amz-request-id: ${requestId}\r\n` +
    `Content-Type: application/xml\r\nContent-Length: ${String(Buffer.byteLength(body))}\r\nConnection: close\r\n\r\n${body}`
  );
}
