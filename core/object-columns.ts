/**
 * The objects of a page of a listing as columns: a thousand objects are a few pieces of memory instead of thousands of strings, and
 * strings are made of those that somebody looks at. Keys are UTF-8 as the store sorts them, so that bytes can be compared.
 */

export interface ObjectColumns {
  readonly count: number;
  /** Keys and ETags in turn, nothing between them: well-formed UTF-8; ETags are letters, digits, '-' and '_'. */
  readonly text: Buffer;
  readonly isAscii: boolean;
  /** Where they end in `text`: the key of object i at 2i, its ETag at 2i + 1. */
  readonly ends: Uint32Array;
  /** Whole numbers up to 15 digits. */
  readonly sizes: Float64Array;
  /** Milliseconds since the epoch, of whole seconds. */
  readonly modifiedMs: Float64Array;
}

export const keyStart = ({ ends }: ObjectColumns, index: number): number =>
  index === 0 ? 0 : (ends[2 * index - 1] ?? 0);
export const keyEnd = ({ ends }: ObjectColumns, index: number): number => ends[2 * index] ?? 0;

export function keyAt(columns: ObjectColumns, index: number): string {
  const { text, isAscii } = columns;
  return text.toString(isAscii ? 'latin1' : 'utf8', keyStart(columns, index), keyEnd(columns, index));
}

/** Whether each key sorts behind the one before it. */
export function keysAscend(columns: ObjectColumns): boolean {
  const { text, ends, count } = columns;
  const view = toView(columns);
  let start = 0;
  let end = ends[0] ?? 0;
  for (let index = 1; index < count; index++) {
    const [startBefore, endBefore] = [start, end];
    start = ends[2 * index - 1] ?? 0;
    end = ends[2 * index] ?? 0;
    const most = Math.min(endBefore - startBefore, end - start);
    const common = countCommon(view, startBefore, start, most);
    // What has nothing more comes before what has.
    const isBehind =
      common < most ? (text[startBefore + common] ?? 0) < (text[start + common] ?? 0) : end - start > most;
    if (!isBehind) return false;
  }
  return true;
}

/** The bytes of the text, for `countCommon`. */
export const toView = ({ text }: ObjectColumns): DataView =>
  new DataView(text.buffer, text.byteOffset, text.byteLength);

/** How many of the next `most` bytes are the same from `a` and from `b` on. Keys of a page begin alike, so four are compared at once. */
export function countCommon(bytes: DataView, a: number, b: number, most: number): number {
  let common = 0;
  while (common + 4 <= most && bytes.getInt32(a + common) === bytes.getInt32(b + common)) common += 4;
  while (common < most && bytes.getUint8(a + common) === bytes.getUint8(b + common)) common += 1;
  return common;
}

/** How many keys sort before this one or are it. They ascend. */
export function countKeysUpTo(columns: ObjectColumns, key: string): number {
  const wanted = Buffer.from(key);
  let low = 0;
  let high = columns.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = columns.text.compare(wanted, 0, wanted.length, keyStart(columns, middle), keyEnd(columns, middle));
    if (order <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
