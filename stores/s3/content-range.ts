/** Content-Range, and whether it is the range that was asked for. Source: RFC 9110, section 14.4. */
import type { GetRequest } from '../store.ts';

export interface ContentRange {
  readonly first: number;
  readonly lengthBytes: number;
  /** Of the whole object. */
  readonly totalBytes: number;
}

/** Undefined for anything but `bytes FIRST-LAST/TOTAL` with first ≤ last < total. */
export function parseContentRange(value: string | undefined): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(value ?? '');
  if (match === null) return undefined;
  const [first, last, totalBytes] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return first <= last && last < totalBytes ? { first, lengthBytes: last - first + 1, totalBytes } : undefined;
}

/** True when these are the bytes that the range names in an object of this size. */
export function checkRange(range: NonNullable<GetRequest['range']>, content: ContentRange): boolean {
  const { first, lengthBytes, totalBytes } = content;
  if ('suffixBytes' in range)
    return lengthBytes === Math.min(range.suffixBytes, totalBytes) && first === totalBytes - lengthBytes;
  const last = Math.min(range.last ?? Infinity, totalBytes - 1);
  return first === range.first && lengthBytes === last - first + 1;
}
