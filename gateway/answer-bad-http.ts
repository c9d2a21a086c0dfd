/**
 * What is not HTTP, too large or too slow. node:http gives the socket alone; when a request of it is being served, its own
 * response is used, so that what is answered and what is recorded are one.
 */
import type { Duplex } from 'node:stream';
import { printError, writeError } from './answer-error.ts';
import type { AccessKey } from './access.ts';
import { currentResponse } from './current-response.ts';
import type { ListenerOptions } from './listener-options.ts';
import { toS3Failure, refuse, type S3Failure } from './s3-error.ts';

type SocketError = Error & { readonly code?: string };

export function createAnswerBadHttp<Key extends AccessKey>(
  options: ListenerOptions<Key>,
  nextRequestId: () => string,
): (error: SocketError, socket: Duplex) => void {
  return (error, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const failure = toFailure(error);
    const serving = currentResponse(socket);
    if (serving !== null && !serving.writableEnded) {
      if (serving.headersSent || serving.exchange === null) {
        socket.destroy();
        return;
      }
      serving.exchange.code = failure.code;
      writeError(serving.req, serving, failure, serving.exchange.requestId, true);
      serving.end();
      return;
    }
    const requestId = nextRequestId();
    options.onRequest({
      requestId,
      operation: 'Unknown',
      status: failure.status,
      code: failure.code,
      bytesIn: 0,
      bytesOut: 0,
      accessKeyId: '',
      bucket: '',
      durationMs: 0,
    });
    socket.end(printRaw(failure, requestId));
  };
}

function toFailure(error: SocketError): S3Failure {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return toS3Failure(refuse('RequestHeaderSectionTooLarge'));
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return toS3Failure(refuse('RequestTimeout'));
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
