/**
 * What a request says of its own signature, before any of it is believed. Both forms, the Authorization header and the presigned
 * query, come down to one claim, so that one verification serves both.
 */
import type { Scope, VerifyFailure } from './types.ts';

export interface Claim {
  readonly form: 'header' | 'presigned';
  readonly accessKeyId: string;
  readonly scope: Scope;
  readonly terminator: string;
  /** Lower-case, sorted, no repeats. */
  readonly signedHeaders: readonly string[];
  /** As sent, of any form: it is only ever compared. */
  readonly signature: string;
  /** X-Amz-Date as sent; '' in header form when it is missing. */
  readonly amzDate: string;
  /** Presigned only. */
  readonly expiresSeconds: number | null;
  readonly sessionToken: string | null;
}

export type FailureCode = VerifyFailure['code'];

/** A refusal, with nothing in it that the caller did not send or may not know. */
export function refuse(code: FailureCode, message: string, fields?: VerifyFailure['fields']): VerifyFailure {
  return { ok: false, code, message, ...(fields !== undefined && { fields }) };
}

/** True for a refusal and false for a claim. */
export function isRefusal(value: Claim | VerifyFailure): value is VerifyFailure {
  return 'ok' in value;
}

/** True for what may be echoed in an error: visible ASCII, which XML and a log line both carry. */
export function isVisible(text: string): boolean {
  return /^[!-~]+$/.test(text);
}

/** `AKID/date/region/service/terminator`; null when it has not exactly five parts of visible ASCII. */
export function parseCredential(text: string): Pick<Claim, 'accessKeyId' | 'scope' | 'terminator'> | null {
  const parts = text.split('/');
  const [accessKeyId, date, region, service, terminator] = parts;
  if (!isVisible(text) || parts.length !== 5 || !accessKeyId || !date || !region || !service || !terminator)
    return null;
  return { accessKeyId, scope: { date, region, service }, terminator };
}

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/**
 * `a;b;c`; null unless the names are lower-case, sorted and different, which is how every client writes them. A list that repeats
 * a name would put the same header into the canonical request twice.
 */
export function parseSignedHeaders(text: string): readonly string[] | null {
  const names = text.split(';');
  for (const [index, name] of names.entries()) {
    if (!HEADER_NAME.test(name)) return null;
    const previous = names[index - 1];
    if (previous !== undefined && previous >= name) return null;
  }
  return names;
}
