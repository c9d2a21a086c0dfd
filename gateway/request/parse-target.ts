/**
 * From the raw request target to what is asked, decoded exactly once. Path-style addressing: `/bucket/key…`. The key is
 * opaque: dots, slashes and backslashes mean nothing here, `..` is a key of two dots. What is offered is an allow-list,
 * down to the query parameters: S3 selects operations by them, and a PUT with a subresource that we do not know must not
 * become a PutObject that overwrites the object. What is not offered is answered after the signature held, not before.
 */
import type { WaybillError } from '../../core/failures.ts';
import { KEY_BYTES_MAX } from '../../core/limits.ts';
import type { Operation } from '../../core/traffic.ts';
import { parseQuery } from '../../sigv4/canonical-query.ts';
import { decodeComponent } from '../../sigv4/encode.ts';
import type { Target } from '../backend.ts';
import { refuse } from '../answer/s3-error.ts';
import { COPY_SOURCE, PARAMETERS, selectOperation } from './select-operation.ts';

export interface ParsedTarget {
  /** As sent, up to '?'. */
  readonly path: string;
  /** As sent, after '?'. */
  readonly query: string;
  /** Null when what is asked is not offered. */
  readonly target: Target | null;
  /** What is not offered; '' when `target` is there. */
  readonly notOffered: string;
  /** Why there is no target: what S3 answers, once the signature held. */
  readonly refusal: WaybillError | null;
  /** `x-amz-…` parameters that stand for headers (a presigner moves headers into the query); names in lower case. */
  readonly headerParameters: ReadonlyMap<string, string>;
}

const NONE: ReadonlyMap<string, string> = new Map();
/** Bucket names that any store may have; `.` and `..` are none. Each store is stricter where it creates one. */
export const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;
/** What RFC 3986 lets stand in a target, and a few more that clients leave unencoded. No controls, no blank, nothing above ASCII. */
const TARGET = /^\/[!-"$-~]*$/;

/**
 * @param hasCopySource whether x-amz-copy-source is among the headers; it may also stand in the query
 * @throws invalid_request with s3Code InvalidURI, InvalidArgument, InvalidBucketName or KeyTooLongError
 */
export function parseTarget(method: string, url: string, hasCopySource = false): ParsedTarget {
  if (!TARGET.test(url)) throw refuse('InvalidURI');
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? '' : url.slice(mark + 1);
  const slash = path.indexOf('/', 1);
  const bucket = decode(slash < 0 ? path.slice(1) : path.slice(1, slash));
  const key = slash < 0 ? '' : decode(path.slice(slash + 1));
  if (bucket === '' ? path !== '/' : !BUCKET.test(bucket)) throw refuse('InvalidBucketName');
  // A character is at most three bytes for each UTF-16 unit, so that most keys need no count.
  if (key.length * 3 > KEY_BYTES_MAX && Buffer.byteLength(key) > KEY_BYTES_MAX) throw refuse('KeyTooLongError');

  const parameters = query === '' ? NONE : toParameters(query);
  const plain = parameters === NONE ? NONE : withoutAmz(parameters);
  const headerParameters = parameters === NONE ? NONE : onlyHeaders(parameters);
  const isCopy = hasCopySource || headerParameters.has(COPY_SOURCE);
  const operation = selectOperation(method, bucket, key, plain, isCopy);
  const notOffered = operation === null ? describe(method, bucket, key, plain) : findUnknown(operation, plain);
  const target = operation === null || notOffered !== '' ? null : { operation, bucket, key, query: plain };
  const refusal = target === null ? toRefusal(method, bucket, key, plain, notOffered) : findMisuse(target);
  return { path, query, target: refusal === null ? target : null, notOffered, refusal, headerParameters };
}

/** POST of a bucket is a browser's form, which S3 knows and nobody here offers. */
function toRefusal(
  method: string,
  bucket: string,
  key: string,
  query: ReadonlyMap<string, string>,
  notOffered: string,
): WaybillError {
  if (key !== '' && method === 'GET' && query.has('uploads')) {
    return refuse('InvalidRequest', 'Key is not expected for the GET method ?uploads subresource');
  }
  if (key !== '' && method === 'GET' && query.has('versions')) {
    return refuse('InvalidRequest', 'There is no such thing as the ?versions sub-resource for a key');
  }
  const isForm = method === 'POST' && bucket !== '' && key === '';
  if (query.size > 0 || isForm) return refuse('NotImplemented', `${notOffered} is not offered.`);
  const resourceType = bucket === '' ? 'SERVICE' : key === '' ? 'BUCKET' : 'OBJECT';
  return refuse('MethodNotAllowed', undefined, { method, resourceType });
}

/** A PUT to an upload that does not say which part it is. */
function findMisuse({ operation, query }: Target): WaybillError | null {
  if ((operation !== 'UploadPart' && operation !== 'UploadPartCopy') || query.has('partNumber')) return null;
  return refuse('MethodNotAllowed', undefined, { method: 'PUT', resourceType: 'UPLOAD' });
}

/** By the decoder that the signature is checked with, so that both read the same text. */
function decode(encoded: string): string {
  const text = decodeComponent(encoded);
  if (text === null) throw refuse('InvalidURI');
  return text;
}

function toParameters(query: string): ReadonlyMap<string, string> {
  const pairs = parseQuery(query);
  if (pairs === null) throw refuse('InvalidURI');
  const parameters = new Map<string, string>();
  for (const [name, value] of pairs) {
    if (parameters.has(name)) throw refuse('InvalidArgument', `The query parameter ${name} appears twice.`);
    parameters.set(name, value);
  }
  return parameters;
}

const isAmz = (name: string): boolean => name.length > 6 && name.slice(0, 6).toLowerCase() === 'x-amz-';

/** Parameters that authenticate; never read as headers. */
const AUTHENTICATION = new Set([
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-signedheaders',
  'x-amz-signature',
  'x-amz-security-token',
  'x-amz-content-sha256',
]);

function withoutAmz(parameters: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const plain = new Map<string, string>();
  for (const [name, value] of parameters) {
    // `x-id` is the SDK's own note of the operation; it says nothing to the server.
    if (!isAmz(name) && name !== 'x-id') plain.set(name, value);
  }
  return plain;
}

function onlyHeaders(parameters: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  let headers: Map<string, string> | null = null;
  for (const [name, value] of parameters) {
    if (!isAmz(name)) continue;
    const lower = name.toLowerCase();
    if (AUTHENTICATION.has(lower)) continue;
    headers ??= new Map<string, string>();
    if (headers.has(lower)) throw refuse('InvalidArgument', `The query parameter ${name} appears twice.`);
    headers.set(lower, value);
  }
  return headers ?? NONE;
}

function findUnknown(operation: Operation, query: ReadonlyMap<string, string>): string {
  if (query.size === 0) return '';
  const known = PARAMETERS[operation];
  for (const name of query.keys()) {
    if (!known.includes(name)) return `${operation} with the query parameter ${name}`;
  }
  return '';
}

function describe(method: string, bucket: string, key: string, query: ReadonlyMap<string, string>): string {
  const what = bucket === '' ? 'the service' : key === '' ? 'a bucket' : 'an object';
  const names = [...query.keys()].join(', ');
  return names === '' ? `${method} of ${what}` : `${method} of ${what} with ${names}`;
}
