/** GetObjectAttributes: what is known of an object without its bytes; the parts page by page. */
import type { ObjectChecksum } from '../../core/checksums.ts';
import { LIST_PAGE_KEYS } from '../../core/limits.ts';
import type { ObjectInfo } from '../../stores/store.ts';
import type { VerifiedRequest } from '../backend.ts';
import type { Handler } from './directory-backend.ts';
import { refuse } from '../answer/s3-error.ts';
import { sendDocument } from '../answer/send-document.ts';
import { parentElement, printDocument, textElement } from '../answer/xml.ts';
import { checksumElements } from './checksums.ts';
import { checkCustomerKey } from './customer-key.ts';
import { parseCount } from './list-names.ts';
import { storageClassElement } from './storage-class.ts';
import { checkVersionText } from './version-id.ts';

const ATTRIBUTES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const;
type Attribute = (typeof ATTRIBUTES)[number];
const NAME = 'x-amz-object-attributes';

export const getObjectAttributes: Handler = async ({ store }, request, response) => {
  const { bucket, key, query } = request.target;
  const versionId = query.get('versionId');
  checkVersionText(versionId);
  checkCustomerKey(request.headers);
  await store.headBucket(bucket, request.signal);
  const asked = parseAttributes(request);
  const page = {
    maxParts: parseCount(request.headers, 'x-amz-max-parts', LIST_PAGE_KEYS),
    marker: request.headers.has('x-amz-part-number-marker')
      ? parseCount(request.headers, 'x-amz-part-number-marker', Number.MAX_SAFE_INTEGER)
      : 0,
  };
  const info = await store.head({
    bucket,
    key,
    withParts: asked.has('ObjectParts'),
    ...(versionId !== undefined && { versionId }),
  });
  // The object's own date, as a header; the ETag has no quotes here.
  sendDocument(
    response,
    printDocument(
      'GetObjectAttributesResponse',
      asked.has('ETag') ? textElement('ETag', info.etag) : '',
      asked.has('Checksum') ? printChecksum(info.checksum) : '',
      asked.has('ObjectParts') ? printParts(info, page) : '',
      asked.has('StorageClass') ? storageClassElement(info) : '',
      asked.has('ObjectSize') ? textElement('ObjectSize', info.sizeBytes) : '',
    ),
    ['Last-Modified', new Date(info.lastModifiedMs).toUTCString()],
  );
};

/** @throws InvalidRequest when nothing is asked, InvalidArgument for an attribute that objects have not */
function parseAttributes({ headers }: VerifiedRequest): ReadonlySet<Attribute> {
  const names = (headers.get(NAME) ?? '').split(',').flatMap((text) => (text.trim() === '' ? [] : [text.trim()]));
  if (names.length === 0) {
    throw refuse(
      'InvalidRequest',
      'The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty',
    );
  }
  return new Set(
    names.map((text) => {
      const attribute = ATTRIBUTES.find((name) => name === text);
      if (attribute !== undefined) return attribute;
      throw refuse('InvalidArgument', 'Invalid attribute name specified.', {
        argumentName: NAME,
        argumentValue: text,
      });
    }),
  );
}

/** Here S3 tells a composite checksum without the number of its parts, which stand beside it. */
function printChecksum(checksum: ObjectChecksum | undefined): string {
  if (checksum === undefined) return '';
  return parentElement('Checksum', checksumElements({ ...checksum, value: checksum.value.replace(/-\d+$/, '') }));
}

/** Nothing for an object that was put whole. */
function printParts(
  { parts, partCount }: ObjectInfo,
  { maxParts, marker }: { readonly maxParts: number; readonly marker: number },
): string {
  if (parts === undefined) return '';
  const rest = parts.filter(({ partNumber }) => partNumber > marker);
  const page = rest.slice(0, maxParts);
  return parentElement(
    'ObjectParts',
    textElement('PartsCount', partCount ?? parts.length),
    textElement('PartNumberMarker', marker),
    textElement('NextPartNumberMarker', page.at(-1)?.partNumber ?? marker),
    textElement('MaxParts', maxParts),
    textElement('IsTruncated', page.length > 0 && rest.length > page.length),
    ...page.map(({ partNumber, sizeBytes, checksum }) =>
      parentElement(
        'Part',
        textElement('PartNumber', partNumber),
        textElement('Size', sizeBytes),
        checksumElements(checksum),
      ),
    ),
  );
}
