/** Turns an answer that is not a success into a failure of the table, with what the store said about it. */
import { WaybillError } from '../../core/failures.ts';
import type { FailureDetails } from '../../core/failures.ts';
import { hintOfCode, toFailureType } from './error-map.ts';
import type { AnswerHeaders } from '../../http1/exchange.ts';
import type { HttpAnswer } from './http-exchange.ts';
import type { S3Call } from './s3-call.ts';
import { parseXmlTree, textOf } from './xml-tree.ts';
import type { XmlElement } from './xml-tree.ts';

/** A longer message is a page of a proxy, not a sentence of S3. */
const MESSAGE_LENGTH_MAX = 300;

type CallName = Pick<S3Call, 'operation' | 'bucket' | 'key'> & { readonly query?: S3Call['query'] };

export interface ErrorAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly s3Code?: string | undefined;
  readonly message?: string | undefined;
  /** Where the bucket is, when the store says so. */
  readonly region?: string | undefined;
}

export function callDetails(call: CallName): FailureDetails {
  const { operation, bucket, key } = call;
  return key === undefined ? { operation, bucket } : { operation, bucket, key };
}

/** The failure that an answer of 300 and above is; also one of 200 whose body is an error. */
export function toS3Failure(call: CallName, answer: HttpAnswer): WaybillError {
  const root = answer.body.byteLength === 0 ? null : parseXmlTree(answer.body);
  const error = root?.name === 'Error' ? root : null;
  return buildS3Failure(call, {
    status: answer.status,
    headers: answer.headers,
    s3Code: textIn(error, 'Code'),
    message: textIn(error, 'Message'),
    region: textIn(error, 'Region'),
  });
}

export function buildS3Failure(call: CallName, answer: ErrorAnswer): WaybillError {
  const { status, headers, s3Code } = answer;
  const type = toFailureType({ status, s3Code, about: aboutOf(call) });
  const requestId = headerText(headers, 'x-amz-request-id');
  const region = headerText(headers, 'x-amz-bucket-region') ?? answer.region;
  const details: FailureDetails = {
    ...(s3Code === undefined ? {} : { s3Code }),
    status,
    ...callDetails(call),
    ...(region === undefined ? {} : { bucketRegion: region }),
    ...(requestId === undefined ? {} : { requestId }),
  };
  return new WaybillError(type, toMessage(answer, region), details, {
    retryAfterMs: parseRetryAfter(headerText(headers, 'retry-after')),
  });
}

function toMessage({ status, s3Code, message }: ErrorAnswer, region: string | undefined): string {
  const hint = hintOfCode(s3Code);
  if (hint !== undefined) return hint;
  if (status >= 300 && status < 400 && status !== 304) {
    const where = region === undefined ? 'another endpoint' : `region ${region}`;
    return `the store points to ${where}, and redirects are not followed: set the region and the endpoint of the store`;
  }
  const said =
    message === undefined || message === '' ? `the store answered ${String(status)}` : `the store says: ${message}`;
  return said.slice(0, MESSAGE_LENGTH_MAX);
}

function aboutOf(call: CallName): 'bucket' | 'object' | 'upload' {
  if (call.key === undefined) return 'bucket';
  return call.query?.some(([name]) => name === 'uploadId') === true ? 'upload' : 'object';
}

/** Seconds, or a date of HTTP. */
export function parseRetryAfter(value: string | undefined, nowMs: number = Date.now()): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

/** A header as wire text; repeats are joined, as HTTP says. */
export function headerText(headers: AnswerHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

function textIn(element: XmlElement | null, name: string): string | undefined {
  const text = element === null ? undefined : textOf(element, name);
  return text === '' ? undefined : text;
}
