import { compareUtf8 } from '../../core/utf8-order.ts';
import type { ListedObject } from '../../stores/store.ts';

/** How many of the objects, which ascend by key, are not beyond this one. */
export function countUpTo(objects: readonly ListedObject[], key: string): number {
  const last = objects.at(-1);
  if (last === undefined || compareUtf8(last.key, key) <= 0) return objects.length;
  let low = 0;
  let high = objects.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareUtf8(objects[middle]?.key ?? '', key) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
