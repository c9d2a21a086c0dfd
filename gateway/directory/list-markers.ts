/**
 * Markers of the listings that go on by name. A marker is a key, or a common prefix that a page ended with: then the listing goes
 * on behind everything that the prefix stands for.
 */
import { compareUtf8 } from '../../core/utf8-order.ts';
import { printListCursor } from '../../stores/rules/list-cursor.ts';
import type { ListPage } from '../../stores/store.ts';

export function toStart(
  marker: string,
  prefix: string,
  delimiter: string,
): { startAfter?: string; continuationToken?: string } {
  if (marker === '') return {};
  const isCommonPrefix =
    delimiter !== '' &&
    marker.startsWith(prefix) &&
    marker.indexOf(delimiter, prefix.length) === marker.length - delimiter.length &&
    marker.length >= prefix.length + delimiter.length;
  return isCommonPrefix
    ? { continuationToken: printListCursor({ kind: 'prefix', text: marker }) }
    : { startAfter: marker };
}

/** The last name of a page, key or common prefix. */
export function lastEntry(page: ListPage): string {
  const key = page.objects.at(-1)?.key ?? '';
  const prefix = page.commonPrefixes.at(-1) ?? '';
  return compareUtf8(key, prefix) >= 0 ? key : prefix;
}
