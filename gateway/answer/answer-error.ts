/** Answers a request with S3's error document; HEAD and 304 without one. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { toHeaderValue } from '../request/parse-headers.ts';
import type { S3Failure } from './s3-error.ts';
import { XML_HEADER, textElement } from './xml.ts';

/** The error document. It has no namespace, as S3's has none. */
export function printError(failure: S3Failure, resource: string, requestId: string): string {
  // The canonical request is read by people, line by line, so its line ends stay what they are.
  const fields = failure.fields.map(([name, value]) => textElement(name, value).replaceAll('&#xA;', '\n')).join('');
  return (
    `${XML_HEADER}<Error>${textElement('Code', failure.code)}${textElement('Message', failure.message)}${fields}` +
    `${textElement('Resource', resource)}${textElement('RequestId', requestId)}</Error>`
  );
}

/** Writes the whole answer but does not end it: the listener may have a body to drain first. */
export function writeError(
  request: IncomingMessage,
  response: ServerResponse,
  failure: S3Failure,
  requestId: string,
  close: boolean,
): void {
  const isBodyless = request.method === 'HEAD' || failure.status === 304;
  const body = isBodyless ? null : Buffer.from(printError(failure, toResource(request.url ?? ''), requestId));
  const headers: string[] =
    body === null ? [] : ['Content-Type', 'application/xml', 'Content-Length', String(body.length)];
  headers.push(...failure.headers);
  // HEAD has no document to say it in; a header is where a person looks next.
  if (request.method === 'HEAD') headers.push('x-amz-error-code', toHeaderValue(failure.code));
  if (close) headers.push('Connection', 'close');
  response.writeHead(failure.status, headers);
  if (body !== null) response.write(body);
}

/** The path without its query: a presigned query is a credential. */
function toResource(url: string): string {
  const mark = url.indexOf('?');
  return mark < 0 ? url : url.slice(0, mark);
}
