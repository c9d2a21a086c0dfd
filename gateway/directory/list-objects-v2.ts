/** ListObjectsV2. The continuation token is the store's own. */
import { LIST_PAGE_KEYS } from '../../core/limits.ts';
import type { Handler } from './directory-backend.ts';
import { sendDocument } from '../answer/send-document.ts';
import { printDocument, textElement } from '../answer/xml.ts';
import { toStart } from './list-markers.ts';
import { parseCount, parseEncodingType } from './list-names.ts';
import { ownerElement } from './owner.ts';
import { EMPTY_PAGE, optional, printCommonPrefixes, printContents } from './print-list.ts';

export const listObjectsV2: Handler = async ({ store }, request, response) => {
  const { bucket, query } = request.target;
  const encoding = parseEncodingType(query);
  const maxKeys = parseCount(query, 'max-keys', LIST_PAGE_KEYS);
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const startAfter = query.get('start-after') ?? '';
  // An empty token is none, and is told back.
  const token = query.get('continuation-token');
  // With max-keys=0 nothing follows and nothing is truncated, but the bucket must be there.
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
          ...(token === undefined || token === ''
            ? toStart(startAfter, prefix, delimiter)
            : { continuationToken: token }),
        });
  const next = page.nextContinuationToken;
  sendDocument(
    response,
    printDocument(
      'ListBucketResult',
      textElement('Name', bucket),
      textElement('Prefix', encoding.print(prefix)),
      optional('Delimiter', delimiter, encoding.print),
      optional('StartAfter', startAfter, encoding.print),
      token === undefined ? '' : textElement('ContinuationToken', token),
      optional('NextContinuationToken', next),
      textElement('KeyCount', page.objects.length + page.commonPrefixes.length),
      textElement('MaxKeys', maxKeys),
      optional('EncodingType', encoding.type),
      textElement('IsTruncated', next !== undefined),
      printContents(page, encoding, query.get('fetch-owner') === 'true' ? ownerElement(request) : ''),
      printCommonPrefixes(page.commonPrefixes, encoding),
    ),
  );
};
