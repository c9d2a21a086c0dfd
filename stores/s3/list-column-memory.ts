/**
 * Memory for the columns of a page, to be read into and given back: nearly always one or two pieces, for a page is read at once, and what
 * was lent comes back before the next one.
 */
import { KiB } from '../../core/limits.ts';
import { OBJECT_BYTES_MIN, type ColumnMemory } from './list-object-reader.ts';

/** Enough for most pages, so that a short one leaves nothing that the next does not fit into. */
const MEMORY_BYTES_MIN = 512 * KiB;

const free: ColumnMemory[] = [];

/** For a page of so many bytes: of what is decoded none is longer than it was. */
export function lendColumnMemory(bytes: number): ColumnMemory {
  const known = free.pop();
  if (known !== undefined && known.text.length >= bytes) return known;
  const textBytes = Math.max(bytes, MEMORY_BYTES_MIN);
  const most = Math.ceil(textBytes / OBJECT_BYTES_MIN);
  return {
    text: Buffer.allocUnsafeSlow(textBytes),
    ends: new Uint32Array(2 * most),
    sizes: new Float64Array(most),
    modifiedMs: new Float64Array(most),
  };
}

/** Once, of what was lent. */
export function giveBackColumnMemory(memory: ColumnMemory): void {
  free.push(memory);
}
