/** The keys of a bucket in order: what a listing pages through. ASCII alone, so that JavaScript's `<` is the order of the bytes. */
export interface Keys {
  readonly count: number;
  at(index: number): string;
}

const DIRECTORY_KEYS = 1000;

/** `d0003/00003123.bin`, made when they are asked for: ten million of them take no memory. */
export const toNumberedKey = (index: number): string =>
  `d${String(Math.floor(index / DIRECTORY_KEYS)).padStart(5, '0')}/${String(index).padStart(8, '0')}.bin`;

export const createNumberedKeys = (count: number, prefix = ''): Keys => ({
  count,
  at: prefix === '' ? toNumberedKey : (index) => prefix + toNumberedKey(index),
});

/** @param sorted ascending, without repeats */
export const createArrayKeys = (sorted: readonly string[]): Keys => ({
  count: sorted.length,
  at: (index) => sorted[index] ?? '',
});

/** The first index whose key is not below `key`; `count` when there is none. */
export function findFirst(keys: Keys, key: string): number {
  let low = 0;
  let high = keys.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys.at(middle) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function hasKey(keys: Keys, key: string): boolean {
  const index = findFirst(keys, key);
  return index < keys.count && keys.at(index) === key;
}
