/**
 * The body of POST /sign: `{"requests": [{method, target, headers, payload_sha256, content_length}, …]}`. Read strictly, as that of
 * /upload: what two readers could read apart says nothing, and refuses the whole batch. What a request may be is judged one by one
 * (`store-signer.ts`), since those of a batch have nothing to do with each other.
 */
import { WaybillError } from '../../core/failures.ts';
import { MiB } from '../../core/limits.ts';
import { findDuplicateName } from '../upload/unique-members.ts';

/** One request to be signed. */
export interface SignItem {
  readonly method: string;
  /** Path and query as they would be sent to the gateway: /BUCKET/KEY, percent-encoded. */
  readonly target: string;
  /** Wire text: one character a byte. */
  readonly headers: Readonly<Record<string, string>>;
  /** Lower-case hex, or UNSIGNED-PAYLOAD. */
  readonly payloadSha256: string;
  readonly contentLength: number;
}

/** What a worker has in flight, and some more. One batch holds the gateway's thread for two or three milliseconds. */
export const SIGN_REQUESTS_MAX = 128;
/** A request with a key and headers of S3's largest has 16 KiB; a usual one 300 bytes. */
export const SIGN_BODY_BYTES_MAX = MiB;

const FIELDS: ReadonlySet<string> = new Set(['method', 'target', 'headers', 'payload_sha256', 'content_length']);
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'POST', 'DELETE']);
/** sha256 of nothing. */
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const NO_HEADERS: SignItem['headers'] = {};

/** @throws invalid_request; with status 413 for too many requests */
export function parseSignBatch(json: Uint8Array): readonly SignItem[] {
  let text: string;
  let body: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
    body = JSON.parse(text);
  } catch {
    throw invalid('the body is not JSON in UTF-8');
  }
  if (!isObject(body)) throw invalid('the body is not a JSON object');
  const twice = findDuplicateName(text);
  if (twice !== null) throw invalid('a name stands twice in an object', { name: twice.slice(0, 64) });
  const { requests, ...rest } = body;
  if (!Array.isArray(requests) || Object.keys(rest).length > 0) throw invalid('expected a list, requests, and no more');
  if (requests.length === 0) throw invalid('requests is empty');
  if (requests.length > SIGN_REQUESTS_MAX) {
    throw tooLarge(`a batch has ${SIGN_REQUESTS_MAX} requests at most`);
  }
  return requests.map(parseItem);
}

export const tooLarge = (message: string): WaybillError =>
  new WaybillError('invalid_request', message, { s3Code: 'EntityTooLarge', status: 413 });

function parseItem(item: unknown, index: number): SignItem {
  if (!isObject(item)) throw invalid('a request is not an object', { index });
  for (const field of Object.keys(item)) {
    if (!FIELDS.has(field)) throw invalid('a request has an unknown field', { index, field: field.slice(0, 64) });
  }
  const { method, target, headers = NO_HEADERS, payload_sha256: payloadSha256, content_length: contentLength } = item;
  if (typeof method !== 'string' || !METHODS.has(method)) {
    throw invalid('method is GET, HEAD, PUT, POST or DELETE', { index });
  }
  if (typeof target !== 'string') throw invalid('target must be a string', { index });
  if (!isObject(headers) || !Object.values(headers).every((value) => typeof value === 'string')) {
    throw invalid('headers must be an object of strings', { index });
  }
  if (payloadSha256 !== undefined && typeof payloadSha256 !== 'string') {
    throw invalid('payload_sha256 must be a string', { index });
  }
  if (contentLength !== undefined && !(Number.isSafeInteger(contentLength) && (contentLength as number) >= 0)) {
    throw invalid('content_length must be a whole number', { index });
  }
  return {
    method,
    target,
    headers: headers as Record<string, string>,
    payloadSha256: payloadSha256 ?? EMPTY_SHA256,
    contentLength: (contentLength as number | undefined) ?? 0,
  };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const invalid = (message: string, details: Record<string, string | number> = {}): WaybillError =>
  new WaybillError('invalid_request', message, { s3Code: 'InvalidRequest', ...details });
