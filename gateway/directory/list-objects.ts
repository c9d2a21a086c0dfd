/** ListObjects, the first version, which some clients still use. */
import { LIST_PAGE_KEYS } from '../../core/limits.ts';
import type { Handler } from './directory-backend.ts';
import { sendDocument } from '../answer/send-document.ts';
import { printDocument, textElement } from '../answer/xml.ts';
import { lastEntry, toStart } from './list-markers.ts';
import { parseCount, parseEncodingType } from './list-names.ts';
import { ownerElement } from './owner.ts';
import { EMPTY_PAGE, optional, printCommonPrefixes, printContents } from './print-list.ts';

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
      // Clients of this version decode the names and markers that it lists, and this as it is.
      textElement('Prefix', prefix),
      textElement('Marker', encoding.print(marker)),
      optional('NextMarker', isTruncated ? lastEntry(page) : undefined, encoding.print),
      optional('Delimiter', delimiter, encoding.print),
      textElement('MaxKeys', maxKeys),
      optional('EncodingType', encoding.type),
      textElement('IsTruncated', isTruncated),
      printContents(page, encoding, ownerElement(request)),
      printCommonPrefixes(page.commonPrefixes, encoding),
    ),
  );
};
