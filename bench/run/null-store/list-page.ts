/** One page of ListObjectsV2, or of its first version, over keys in order. */
import { findFirst, type Keys } from './keys.ts';

export interface ListedObject {
  readonly sizeBytes: number;
  readonly etag: string;
  readonly modified: string;
}

const PAGE_MAX = 1000;
/** Above every key that starts with what stands before it, ASCII alone. */
const HIGH = '\u{7f}';

export function printListPage(
  bucket: string,
  query: URLSearchParams,
  keys: Keys,
  find: (key: string) => ListedObject,
): string {
  const isSecond = query.get('list-type') === '2';
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const max = Math.min(Number(query.get('max-keys') ?? PAGE_MAX), PAGE_MAX);
  const isEncoded = query.get('encoding-type') === 'url';
  const print = isEncoded ? printEncoded : printText;
  const after = isSecond
    ? (query.get('continuation-token') ?? query.get('start-after') ?? '')
    : (query.get('marker') ?? '');

  let index = findFirst(keys, prefix > after ? prefix : after);
  if (index < keys.count && keys.at(index) === after) index += 1;
  let entries = '';
  let listed = 0;
  let last = '';
  let isTruncated = false;
  while (index < keys.count) {
    const key = keys.at(index);
    if (!key.startsWith(prefix)) break;
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const common = cut < 0 ? '' : key.slice(0, cut + delimiter.length);
    if (common !== '' && common === after) {
      index = findFirst(keys, common + HIGH);
      continue;
    }
    if (listed === max) {
      isTruncated = true;
      break;
    }
    listed += 1;
    if (common === '') {
      entries += printObject(print(key), find(key));
      last = key;
      index += 1;
    } else {
      entries += `<CommonPrefixes><Prefix>${print(common)}</Prefix></CommonPrefixes>`;
      last = common;
      index = findFirst(keys, common + HIGH);
    }
  }
  const place = isSecond
    ? `<KeyCount>${String(listed)}</KeyCount>${isTruncated ? `<NextContinuationToken>${printText(last)}</NextContinuationToken>` : ''}`
    : `<Marker>${print(after)}</Marker>${isTruncated ? `<NextMarker>${print(last)}</NextMarker>` : ''}`;
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
    `<Name>${bucket}</Name><Prefix>${print(prefix)}</Prefix>${place}<MaxKeys>${String(max)}</MaxKeys>` +
    (delimiter === '' ? '' : `<Delimiter>${print(delimiter)}</Delimiter>`) +
    (isEncoded ? '<EncodingType>url</EncodingType>' : '') +
    `<IsTruncated>${String(isTruncated)}</IsTruncated>${entries}</ListBucketResult>`
  );
}

const printObject = (key: string, { sizeBytes, etag, modified }: ListedObject): string =>
  `<Contents><Key>${key}</Key><LastModified>${modified}</LastModified><ETag>&quot;${etag}&quot;</ETag>` +
  `<Size>${String(sizeBytes)}</Size><StorageClass>STANDARD</StorageClass></Contents>`;

const printText = (text: string): string =>
  /[&<>]/.test(text) ? text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;') : text;

const printEncoded = (text: string): string =>
  /^[\w./-]*$/.test(text) ? text : encodeURIComponent(text).replaceAll('%2F', '/');
