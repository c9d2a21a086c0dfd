/**
 * If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since of a read, in the order of RFC 9110 section 13.2.2, and If-Range
 * behind them. Judged on the very object that is about to be sent.
 */
import type { ObjectInfo } from '../../stores/store.ts';

export type Judgement = 'send' | 'not_modified' | 'precondition_failed';

export function judgeReadConditions(headers: ReadonlyMap<string, string>, info: ObjectInfo): Judgement {
  const ifMatch = headers.get('if-match');
  const ifUnmodifiedSince = headers.get('if-unmodified-since');
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, info.etag)) return 'precondition_failed';
  } else if (ifUnmodifiedSince !== undefined) {
    const at = Date.parse(ifUnmodifiedSince);
    if (!Number.isNaN(at) && info.lastModifiedMs > at) return 'precondition_failed';
  }
  const ifNoneMatch = headers.get('if-none-match');
  const ifModifiedSince = headers.get('if-modified-since');
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, info.etag)) return 'not_modified';
  } else if (ifModifiedSince !== undefined) {
    const at = Date.parse(ifModifiedSince);
    if (!Number.isNaN(at) && info.lastModifiedMs <= at) return 'not_modified';
  }
  return 'send';
}

/**
 * If-Range, RFC 9110 section 13.1.5: whether a range is one of this very object. An ETag or a date, each compared as it was told.
 * True where no such condition is.
 */
export function holdsIfRange(headers: ReadonlyMap<string, string>, info: ObjectInfo): boolean {
  const condition = headers.get('if-range');
  if (condition === undefined) return true;
  return condition === `"${info.etag}"` || condition === new Date(info.lastModifiedMs).toUTCString();
}

/** A list of ETags, quoted or not, or `*`. S3's are strong; a weak one is compared by its value. */
function matches(condition: string, etag: string): boolean {
  if (condition === '*') return true;
  for (const part of condition.split(',')) {
    const candidate = part
      .trim()
      .replace(/^W\//, '')
      .replace(/^"(.*)"$/, '$1');
    if (candidate === etag) return true;
  }
  return false;
}
