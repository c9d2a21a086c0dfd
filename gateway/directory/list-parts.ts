/** ListParts, page by page. */
import { LIST_PAGE_KEYS } from '../../core/limits.ts';
import type { UploadedPart } from '../../stores/store.ts';
import type { Handler } from './directory-backend.ts';
import { sendDocument } from '../answer/send-document.ts';
import { parentElement, printDocument, textElement } from '../answer/xml.ts';
import { checksumElements, checksumKindElements, NO_CHECKSUM_KIND } from './checksums.ts';
import { parseCount, parseEncodingType } from './list-names.ts';
import { findUpload, toUploadRef } from './multipart.ts';
import { quote } from './object-headers.ts';
import { ownerElement } from './owner.ts';
import { optional } from './print-list.ts';
import { storageClassElement } from './storage-class.ts';

export const listParts: Handler = async ({ store }, request, response) => {
  const upload = toUploadRef(request);
  const { query } = request.target;
  const encoding = parseEncodingType(query);
  const maxParts = parseCount(query, 'max-parts', LIST_PAGE_KEYS);
  const marker = query.has('part-number-marker') ? parseCount(query, 'part-number-marker', Number.MAX_SAFE_INTEGER) : 0;
  const rest = (await store.listParts(upload)).filter(({ partNumber }) => partNumber > marker);
  const begun = await findUpload(store, upload);
  const page = rest.slice(0, maxParts);
  sendDocument(
    response,
    printDocument(
      'ListPartsResult',
      textElement('Bucket', upload.bucket),
      textElement('Key', encoding.print(upload.key)),
      textElement('UploadId', upload.uploadId),
      textElement('PartNumberMarker', marker),
      textElement('NextPartNumberMarker', page.at(-1)?.partNumber ?? marker),
      textElement('MaxParts', maxParts),
      optional('EncodingType', encoding.type),
      textElement('IsTruncated', page.length > 0 && rest.length > page.length),
      ...page.map(printPart),
      ownerElement(request, 'Initiator'),
      ownerElement(request),
      storageClassElement(begun),
      begun?.checksum ? checksumKindElements(begun.checksum) : NO_CHECKSUM_KIND,
    ),
  );
};

function printPart({ partNumber, etag, sizeBytes, checksum, lastModifiedMs }: UploadedPart): string {
  return parentElement(
    'Part',
    textElement('PartNumber', partNumber),
    lastModifiedMs === undefined ? '' : textElement('LastModified', new Date(lastModifiedMs).toISOString()),
    textElement('ETag', quote(etag)),
    textElement('Size', sizeBytes),
    checksumElements(checksum),
  );
}
