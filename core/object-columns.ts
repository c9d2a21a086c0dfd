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
  for (let index = 1; index < columns.count; index++) {
    if (compareKeys(columns, index - 1, index) >= 0) return false;
  }
  return true;
}

/** Negative, zero or positive; keys of a page begin alike, so a loop beats a call for each. */
function compareKeys(columns: ObjectColumns, a: number, b: number): number {
  const { text } = columns;
  let [atA, atB] = [keyStart(columns, a), keyStart(columns, b)];
  const [endA, endB] = [keyEnd(columns, a), keyEnd(columns, b)];
  while (atA < endA && atB < endB) {
    const difference = (text[atA++] ?? 0) - (text[atB++] ?? 0);
    if (difference !== 0) return difference;
  }
  return endA - atA - (endB - atB);
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
