/**
 * The body of POST /upload: `{target_url, method, headers, payload_base64}`. Read strictly: a misspelt field, a repeated header or
 * base64 that two decoders could read apart is refused, never guessed at.
 */
import { createHash } from 'node:crypto';
import { WaybillError } from '../../core/failures.ts';
import { findDuplicateName } from './unique-members.ts';

export interface UploadEnvelope {
  readonly targetUrl: string;
  readonly method: 'PUT';
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly payload: Uint8Array;
  /** Lower-case hex, of the payload. */
  readonly payloadSha256: string;
}

const FIELDS: ReadonlySet<string> = new Set(['target_url', 'method', 'headers', 'payload_base64']);
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;
const NOT_BASE64 = /[^A-Za-z0-9+/]/;

/** @throws invalid_request; with s3Code EntityTooLarge and status 413 for a payload above `payloadBytesMax` */
export function parseUploadEnvelope(json: Uint8Array, payloadBytesMax: number): UploadEnvelope {
  const envelope = parseObject(json);
  for (const field of Object.keys(envelope)) {
    if (!FIELDS.has(field)) throw invalid('the envelope has an unknown field', { field: field.slice(0, 64) });
  }
  const { target_url: targetUrl, method, payload_base64: payloadBase64 } = envelope;
  if (typeof targetUrl !== 'string') throw invalid('target_url must be a string');
  if (method !== 'PUT') throw invalid('method must be PUT: objects and parts are all that /upload carries');
  if (typeof payloadBase64 !== 'string') throw invalid('payload_base64 must be a string');
  const headers = parseHeaders(envelope['headers']);
  const payload = parseBase64(payloadBase64);
  if (payload.byteLength > payloadBytesMax) throw payloadTooLarge(payloadBytesMax);
  const payloadSha256 = createHash('sha256').update(payload).digest('hex');
  checkClaims(headers, payload.byteLength, payloadSha256);
  return { targetUrl, method, headers, payload, payloadSha256 };
}

export const payloadTooLarge = (payloadBytesMax: number): WaybillError =>
  new WaybillError('invalid_request', `the payload may have ${payloadBytesMax} bytes`, {
    s3Code: 'EntityTooLarge',
    status: 413,
  });

function parseObject(json: Uint8Array): Readonly<Record<string, unknown>> {
  let text: string;
  let value: unknown;
  try {
    // A byte order mark stays, and is no JSON.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, and that is the caller's payload.
    throw invalid('the body is not JSON in UTF-8');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('the body is not a JSON object');
  const twice = findDuplicateName(text);
  if (twice !== null) throw invalid('a name stands twice in the envelope', { name: twice.slice(0, 64) });
  return value as Record<string, unknown>;
}

function parseHeaders(value: unknown): Map<string, string> {
  const headers = new Map<string, string>();
  if (value === undefined) return headers;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('headers must be an object of strings');
  }
  for (const [name, text] of Object.entries(value)) {
    const lower = name.toLowerCase();
    if (!HEADER_NAME.test(name)) throw invalid('headers has a name that no header can have');
    if (typeof text !== 'string') throw invalid('a header must be a string', { header: lower });
    if (headers.has(lower)) throw invalid('a header is given twice', { header: lower });
    headers.set(lower, text.trim());
  }
  return headers;
}

/** Canonical RFC 4648 only: the standard alphabet, padded, no blanks, no bits left over. */
function parseBase64(text: string): Uint8Array {
  const digits = text.endsWith('==') ? text.slice(0, -2) : text.endsWith('=') ? text.slice(0, -1) : text;
  if (text.length % 4 !== 0 || NOT_BASE64.test(digits))
    throw invalid('payload_base64 is not base64 (RFC 4648, padded)');
  const bytes = Buffer.from(text, 'base64');
  const lastGroup = text.slice(-4);
  if (lastGroup.endsWith('=') && Buffer.from(lastGroup, 'base64').toString('base64') !== lastGroup) {
    throw invalid('payload_base64 has bits after its end');
  }
  return bytes;
}

/** What the caller says of the payload must be true: a length or hash that differs means that it is not what was meant. */
function checkClaims(headers: ReadonlyMap<string, string>, payloadBytes: number, payloadSha256: string): void {
  const length = headers.get('content-length');
  if (length !== undefined && length !== String(payloadBytes)) {
    throw invalid('content-length is not the length of the payload', { payloadBytes });
  }
  const sha256 = headers.get('x-amz-content-sha256');
  if (sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256) && sha256 !== payloadSha256) {
    throw new WaybillError('invalid_request', 'x-amz-content-sha256 is not the hash of the payload', {
      s3Code: 'XAmzContentSHA256Mismatch',
    });
  }
}

const invalid = (message: string, details: Record<string, string | number> = {}): WaybillError =>
  new WaybillError('invalid_request', message, { s3Code: 'InvalidRequest', ...details });
