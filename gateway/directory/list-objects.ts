/**
 * ListObjects, the first version, which some clients still use. Its marker is a key, or a common prefix that a page ended with:
 * then the listing goes on behind everything that the prefix stands for.
 */
import { LIST_PAGE_KEYS } from '../../core/limits.ts';
import { printListCursor } from '../../stores/rules/list-cursor.ts';
import type { ListPage } from '../../stores/store.ts';
import type { Handler } from '../directory-backend.ts';
import { sendDocument } from '../send-document.ts';
import { printDocument, textElement } from '../xml.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import { parseCount, parseEncodingType } from './list-names.ts';
import { optional, printCommonPrefixes, printContents } from './print-list.ts';

const EMPTY_PAGE: ListPage = { objects: [], commonPrefixes: [] };

export const listObjects: Handler = async ({ store }, request, response) => {
  const { bucket, query } = request.target;
  const encoding = parseEncodingType(query);
  const maxKeys = parseCount(query, 'max-keys', LIST_PAGE_KEYS);
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const marker = query.get('marker') ?? '';
  if (maxKeys === 0) await store.headBucket(bucket, request.signal);
  const page =
    maxKeys === 0
      ? EMPTY_PAGE
      : await store.list({
          bucket,
          prefix,
          maxKeys,
          signal: request.signal,
          ...(delimiter !== '' && { delimiter }),
          ...toStart(marker, prefix, delimiter),
        });
  const isTruncated = page.nextContinuationToken !== undefined;
  sendDocument(
    response,
    printDocument(
      'ListBucketResult',
      textElement('Name', bucket),
      textElement('Prefix', encoding.print(prefix)),
      textElement('Marker', encoding.print(marker)),
      // S3 gives it with a delimiter only; without one the last key is the marker.
      optional('NextMarker', isTruncated && delimiter !== '' ? lastEntry(page) : undefined, encoding.print),
      optional('Delimiter', delimiter, encoding.print),
      textElement('MaxKeys', maxKeys),
      optional('EncodingType', encoding.type),
      textElement('IsTruncated', isTruncated),
      printContents(page, encoding),
      printCommonPrefixes(page.commonPrefixes, encoding),
    ),
  );
};

function toStart(
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

function lastEntry(page: ListPage): string {
  const key = page.objects.at(-1)?.key ?? '';
  const prefix = page.commonPrefixes.at(-1) ?? '';
  return compareUtf8(key, prefix) >= 0 ? key : prefix;
}
