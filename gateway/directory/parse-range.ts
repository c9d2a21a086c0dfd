/** The Range header. Several ranges, other units and what does not parse mean the whole object, as S3 and RFC 9110 have it. */
import type { GetRequest } from '../../stores/store.ts';

type Range = NonNullable<GetRequest['range']>;

export function parseRange(value: string | undefined): Range | undefined {
  if (value === undefined) return undefined;
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(value.trim());
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') return last === '' ? undefined : { suffixBytes: Number(last) };
  if (last === '') return { first: Number(first) };
  return Number(last) < Number(first) ? undefined : { first: Number(first), last: Number(last) };
}
