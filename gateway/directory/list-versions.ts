/**
 * ListObjectVersions of a bucket that never had versions: every object is its own latest version, by the id `null`. Cleaners ask
 * for it, to find what a plain listing does not show.
 */
import { LIST_PAGE_KEYS } from '../../core/limits.ts';
import type { ListedObject } from '../../stores/store.ts';
import type { Handler } from './directory-backend.ts';
import { refuse } from '../answer/s3-error.ts';
import { sendDocument } from '../answer/send-document.ts';
import { parentElement, printDocument, textElement } from '../answer/xml.ts';
import { checksumKindElements } from './checksums.ts';
import { lastEntry, toStart } from './list-markers.ts';
import { parseCount, parseEncodingType } from './list-names.ts';
import { quote } from './object-headers.ts';
import { ownerElement } from './owner.ts';
import { EMPTY_PAGE, optional, printCommonPrefixes } from './print-list.ts';
import { storageClassElement } from './storage-class.ts';
import { ONLY_VERSION } from './version-id.ts';

export const listVersions: Handler = async ({ store }, request, response) => {
  const { bucket, query } = request.target;
  const encoding = parseEncodingType(query);
  const maxKeys = parseCount(query, 'max-keys', LIST_PAGE_KEYS);
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const marker = query.get('key-marker') ?? '';
  const versionMarker = query.get('version-id-marker') ?? '';
  if (versionMarker !== '' && marker === '') {
    throw refuse('InvalidArgument', 'A version-id marker cannot be specified without a key marker.', {
      argumentName: 'version-id-marker',
      argumentValue: versionMarker,
    });
  }
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
  const owner = ownerElement(request);
  const printVersion = ({ key, etag, sizeBytes, lastModifiedMs, checksum, ...listed }: ListedObject): string =>
    parentElement(
      'Version',
      textElement('Key', encoding.print(key)),
      textElement('VersionId', ONLY_VERSION),
      textElement('IsLatest', true),
      textElement('LastModified', new Date(lastModifiedMs).toISOString()),
      textElement('ETag', quote(etag)),
      checksumKindElements(checksum),
      textElement('Size', sizeBytes),
      owner,
      storageClassElement(listed),
    );
  sendDocument(
    response,
    printDocument(
      'ListVersionsResult',
      textElement('Name', bucket),
      textElement('Prefix', encoding.print(prefix)),
      textElement('KeyMarker', encoding.print(marker)),
      textElement('VersionIdMarker', query.get('version-id-marker') ?? ''),
      optional('NextKeyMarker', isTruncated ? lastEntry(page) : undefined, encoding.print),
      optional('NextVersionIdMarker', isTruncated ? ONLY_VERSION : undefined),
      textElement('MaxKeys', maxKeys),
      optional('Delimiter', delimiter, encoding.print),
      optional('EncodingType', encoding.type),
      textElement('IsTruncated', isTruncated),
      ...page.objects.map(printVersion),
      printCommonPrefixes(page.commonPrefixes, encoding),
    ),
  );
};
