/** The parts that the listings share. A page of 1,000 keys is hot, so it is one concatenation. */
import type { ListPage } from '../../stores/store.ts';
import { escapeXml, parentElement, textElement } from '../answer/xml.ts';
import { checksumKindElements } from './checksums.ts';
import type { NameEncoding } from './list-names.ts';

export const EMPTY_PAGE: ListPage = { objects: [], commonPrefixes: [] };

/** @param owner the element for each, or '' */
export function printContents(page: ListPage, encoding: NameEncoding, owner: string): string {
  let text = '';
  for (const { key, lastModifiedMs, etag, sizeBytes, checksum, storageClass = 'STANDARD' } of page.objects) {
    text +=
      `<Contents><Key>${escapeXml(encoding.print(key))}</Key>` +
      `<LastModified>${new Date(lastModifiedMs).toISOString()}</LastModified>` +
      `<ETag>&quot;${escapeXml(etag)}&quot;</ETag>${checksumKindElements(checksum)}<Size>${String(sizeBytes)}</Size>` +
      `${owner}<StorageClass>${storageClass}</StorageClass></Contents>`;
  }
  return text;
}

export function printCommonPrefixes(prefixes: readonly string[], encoding: NameEncoding): string {
  return prefixes
    .map((prefix) => parentElement('CommonPrefixes', textElement('Prefix', encoding.print(prefix))))
    .join('');
}

/** An element for a parameter that was sent, nothing for one that was not. */
export function optional(
  name: string,
  value: string | undefined,
  print: (value: string) => string = (plain) => plain,
): string {
  return value === undefined || value === '' ? '' : textElement(name, print(value));
}
