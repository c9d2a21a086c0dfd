/** The parts of a finished object, as a read asks for one of them. */
import type { ByteRange } from './byte-range.ts';
import { refused } from './refusals.ts';

interface SizedPart {
  readonly partNumber: number;
  readonly sizeBytes: number;
}

/**
 * The bytes of one part, by the number under which it was uploaded.
 * @param parts in order; undefined for an object that was put whole, which is its own part 1
 * @throws store_refused with s3Code InvalidPartNumber
 */
export function toPartRange(
  parts: readonly SizedPart[] | undefined,
  objectBytes: number,
  partNumber: number,
): ByteRange {
  let first = 0;
  for (const part of parts ?? [{ partNumber: 1, sizeBytes: objectBytes }]) {
    if (part.partNumber === partNumber) {
      return { first, lengthBytes: part.sizeBytes };
    }
    first += part.sizeBytes;
  }
  throw refused('InvalidPartNumber', 416, 'The requested partnumber is not satisfiable', {
    partNumber,
    partCount: parts?.length ?? 1,
  });
}
