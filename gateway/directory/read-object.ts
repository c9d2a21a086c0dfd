/** GetObject and HeadObject: the same answer, with and without the bytes. */
import type { ServerResponse } from 'node:http';
import { toByteRange } from '../../stores/rules/byte-range.ts';
import type { ObjectInfo, ObjectRequest } from '../../stores/store.ts';
import type { VerifiedRequest } from '../backend.ts';
import type { Handler } from '../directory-backend.ts';
import { isHeaderText } from '../header-parameters.ts';
import { refuse } from '../s3-error.ts';
import { sendEmpty } from '../send-document.ts';
import { quote, printObjectHeaders } from './object-headers.ts';
import { parseRange } from './parse-range.ts';
import { judgeReadConditions } from './read-conditions.ts';
import { sendBytes } from './send-bytes.ts';

export const getObject: Handler = async ({ store, accel }, request, response) => {
  checkOverrides(request);
  if (accel?.handOver(request, response, (info) => printObjectHeaders(info, request.target.query))) return;
  const range = parseRange(request.headers.get('range'));
  const result = await store.get(
    range === undefined ? toObjectRequest(request) : { ...toObjectRequest(request), range },
  );
  const { info, body } = result;
  if (answeredByCondition(request, info, response)) {
    await body[Symbol.asyncIterator]().return?.();
    return;
  }
  const { first, lengthBytes } = result.range;
  writeHead(request, response, info, range === undefined ? null : first, lengthBytes);
  await sendBytes(response, body, lengthBytes);
};

export const headObject: Handler = async ({ store }, request, response) => {
  checkOverrides(request);
  const range = parseRange(request.headers.get('range'));
  const info = await store.head(toObjectRequest(request));
  if (answeredByCondition(request, info, response)) return;
  const { first, lengthBytes } = toByteRange(range, info.sizeBytes);
  writeHead(request, response, info, range === undefined ? null : first, lengthBytes);
  response.end();
};

function toObjectRequest(request: VerifiedRequest): ObjectRequest {
  const { bucket, key, query } = request.target;
  const versionId = query.size === 0 ? undefined : query.get('versionId');
  return versionId === undefined ? { bucket, key } : { bucket, key, versionId };
}

/** @param first of a range; null for the whole object */
function writeHead(
  request: VerifiedRequest,
  response: ServerResponse,
  info: ObjectInfo,
  first: number | null,
  lengthBytes: number,
): void {
  const headers = printObjectHeaders(info, request.target.query);
  headers.push('Content-Length', String(lengthBytes));
  if (first !== null) {
    headers.push(
      'Content-Range',
      `bytes ${String(first)}-${String(first + lengthBytes - 1)}/${String(info.sizeBytes)}`,
    );
  }
  response.writeHead(first === null ? 200 : 206, headers);
}

/** True when the answer is 304 and has been sent. @throws precondition_failed */
function answeredByCondition(request: VerifiedRequest, info: ObjectInfo, response: ServerResponse): boolean {
  const judgement = judgeReadConditions(request.headers, info);
  if (judgement === 'send') return false;
  if (judgement === 'precondition_failed') throw refuse('PreconditionFailed');
  sendEmpty(response, 304, ['ETag', quote(info.etag), 'Last-Modified', new Date(info.lastModifiedMs).toUTCString()]);
  return true;
}

/** response-… parameters become headers, so they may hold only what a header can. @throws InvalidArgument */
function checkOverrides(request: VerifiedRequest): void {
  for (const [name, value] of request.target.query) {
    if (name.startsWith('response-') && !isHeaderText(value)) {
      throw refuse('InvalidArgument', `The query parameter ${name} holds what a header cannot.`);
    }
  }
}
