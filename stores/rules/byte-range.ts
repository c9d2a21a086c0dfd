/** Which bytes a GET returns. */
import type { GetRequest } from '../store.ts';
import { rangeUnsatisfiable } from './refusals.ts';

export interface ByteRange {
  /** First byte, from 0. */
  readonly first: number;
  readonly lengthBytes: number;
}

/**
 * The range against the object's size: an end beyond the object is cut, a suffix longer than it is all of it.
 * @throws range_unsatisfiable when no byte of the object lies in the range, as every range of an empty object
 */
export function toByteRange(range: GetRequest['range'], sizeBytes: number): ByteRange {
  if (range === undefined) {
    return { first: 0, lengthBytes: sizeBytes };
  }
  if ('suffixBytes' in range) {
    const lengthBytes = Math.min(range.suffixBytes, sizeBytes);
    if (!(lengthBytes > 0)) {
      throw rangeUnsatisfiable(sizeBytes);
    }
    return { first: sizeBytes - lengthBytes, lengthBytes };
  }
  const last = Math.min(range.last ?? sizeBytes - 1, sizeBytes - 1);
  if (!(range.first >= 0 && range.first <= last)) {
    throw rangeUnsatisfiable(sizeBytes);
  }
  return { first: range.first, lengthBytes: last - range.first + 1 };
}
