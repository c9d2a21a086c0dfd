/** HeadObject and GetObject. What arrives is exactly what was promised, or the body fails. */
import type { GetRequest, GetResult, HeadRequest, ObjectInfo, ReadInto } from '../store.ts';
import { WaybillError } from '../../core/failures.ts';
import { refused } from '../rules/refusals.ts';
import { WholeBody } from '../rules/whole-body.ts';
import { checkRange, parseContentRange } from './content-range.ts';
import type { ContentRange } from './content-range.ts';
import type { AnswerHeaders } from '../../http1/exchange.ts';
import { toLength } from './http-exchange.ts';
import type { HttpAnswer } from './http-exchange.ts';
import { buildConditions, CHECKSUM_MODE, parseObjectInfo } from './object-headers.ts';
import type { S3Call } from './s3-call.ts';
import type { S3Client } from './s3-client.ts';
import { callDetails, headerText } from './s3-failure.ts';
import { toOpaqueTag } from './etag-text.ts';

export interface ReadOptions {
  readonly opaqueETags: boolean;
}

export async function headObject(client: S3Client, request: HeadRequest, options: ReadOptions): Promise<ObjectInfo> {
  const call = buildReadCall('HeadObject', 'HEAD', request, []);
  const { headers, status } = await client.send(call);
  const sizeBytes = toLength(headers['content-length']);
  if (sizeBytes === undefined) {
    throw refused('MissingContentLength', status, 'the store does not say how long the object is', callDetails(call));
  }
  return toInfo(request, call, headers, sizeBytes, options);
}

/**
 * Objects (or ranges) up to 1 MiB, and those that are read into given memory, are read whole before this resolves, as one piece of
 * memory (`toWholeBytes`).
 * @throws body_corrupt also here, for a small body that ends early; store_refused for an answer to another range
 */
export async function getObject(client: S3Client, request: GetRequest, options: ReadOptions): Promise<GetResult> {
  const range = request.range === undefined ? undefined : printRange(request.range);
  const call = buildReadCall('GetObject', 'GET', request, range === undefined ? [] : [['range', range]], request.into);
  const answer = await client.send(call);
  try {
    const content = toContentRange(answer, request, call);
    return {
      info: toInfo(request, call, answer.headers, content.totalBytes, options),
      range: { first: content.first, lengthBytes: content.lengthBytes },
      body: answer.stream ?? new WholeBody(answer.body),
    };
  } catch (error) {
    await answer.stream?.[Symbol.asyncIterator]().return?.();
    throw error;
  }
}

/** @throws precondition_failed also for a store that does not look at If-Match: it answers with what it has */
function toInfo(
  request: HeadRequest,
  call: S3Call,
  headers: AnswerHeaders,
  sizeBytes: number,
  { opaqueETags }: ReadOptions,
): ObjectInfo {
  const info = parseObjectInfo(headers, sizeBytes, { opaqueETags, withChecksum: request.withChecksum === true });
  const { ifMatch } = request;
  if (ifMatch !== undefined && ifMatch !== '*' && toOpaqueTag(ifMatch) !== toOpaqueTag(info.etag)) {
    const details = { ...callDetails(call), wanted: ifMatch, found: info.etag };
    throw new WaybillError(
      'precondition_failed',
      'the store answered with another version than was asked for',
      details,
    );
  }
  return info;
}

function buildReadCall(
  operation: 'HeadObject' | 'GetObject',
  method: 'HEAD' | 'GET',
  request: HeadRequest,
  more: readonly (readonly [string, string])[],
  into?: ReadInto,
): S3Call {
  const { bucket, key, versionId, signal } = request;
  const headers = buildConditions(request);
  if (request.withChecksum === true) headers.push(CHECKSUM_MODE);
  headers.push(...more);
  const query = versionId === undefined ? undefined : ([['versionId', versionId]] as const);
  return { operation, method, bucket, key, query, headers, into, signal };
}

function printRange(range: NonNullable<GetRequest['range']>): string {
  if ('suffixBytes' in range) return `bytes=-${String(range.suffixBytes)}`;
  return `bytes=${String(range.first)}-${range.last === undefined ? '' : String(range.last)}`;
}

/** What the answer holds of the object, once its length, its Content-Range and what was asked agree. */
function toContentRange(answer: HttpAnswer, request: GetRequest, call: S3Call): ContentRange {
  const lengthBytes = toLength(answer.headers['content-length']) ?? answer.body.byteLength;
  if (answer.stream === null && answer.body.byteLength !== lengthBytes) {
    throw new WaybillError('body_corrupt', 'the body ended early', callDetails(call));
  }
  const refuse = (message: string): WaybillError =>
    refused('InvalidAnswer', answer.status, message, {
      ...callDetails(call),
      contentRange: headerText(answer.headers, 'content-range') ?? '',
    });
  if (answer.status === 206) {
    const content = parseContentRange(headerText(answer.headers, 'content-range'));
    if (content === undefined || content.lengthBytes !== lengthBytes)
      throw refuse('the answer to a range does not say which one it is');
    if (request.range === undefined || !checkRange(request.range, content))
      throw refuse('the store answered with another range');
    return content;
  }
  const whole = { first: 0, lengthBytes, totalBytes: lengthBytes };
  // A store that ignores Range sends everything: right only where everything was asked for. Cutting it here would download it all.
  if (request.range !== undefined && !checkRange(request.range, whole)) throw refuse('the store ignored the range');
  return whole;
}
