/** The segments of an object that is made of parts: their files for a reader, their numbers and checksums for who asks for parts. */
import type { ObjectChecksum } from '../../core/checksums.ts';
import type { ObjectPart } from '../store.ts';
import { packChecksum, unpackChecksum } from './packed-checksum.ts';
import { parseRecord, printRecord } from './records.ts';
import type { SegmentRecord } from './records.ts';

export interface Segment {
  readonly id: string;
  readonly sizeBytes: number;
  readonly partNumber: number;
  readonly checksum?: Pick<ObjectChecksum, 'algorithm' | 'value'>;
}

/** Records from before part numbers were kept have none; they count from 1 then. */
export function parseSegments(text: string): Segment[] {
  let previous = 0;
  return parseRecord<SegmentRecord[]>(text).map(({ id, sizeBytes, n, c }) => {
    const partNumber = n ?? previous + 1;
    previous = partNumber;
    const { algorithm, value } = unpackChecksum(c) ?? {};
    return { id, sizeBytes, partNumber, ...(algorithm && value && { checksum: { algorithm, value } }) };
  });
}

export function printSegments(segments: readonly Segment[]): string {
  let previous = 0;
  const records = segments.map(({ id, sizeBytes, partNumber, checksum }): SegmentRecord => {
    const follows = partNumber === previous + 1;
    previous = partNumber;
    return {
      id,
      sizeBytes,
      ...(follows ? {} : { n: partNumber }),
      ...(checksum && { c: packChecksum({ ...checksum, type: 'FULL_OBJECT' }) }),
    };
  });
  return printRecord(records);
}

export const toObjectParts = (segments: readonly Segment[]): ObjectPart[] =>
  segments.map(({ partNumber, sizeBytes, checksum }) => ({ partNumber, sizeBytes, ...(checksum && { checksum }) }));
