/** ListParts, page by page. A part's date is not kept, and left out: no client of the recorded ones needs it. */
import { LIST_PAGE_KEYS } from '../../core/limits.ts';
import type { Handler } from '../directory-backend.ts';
import { sendDocument } from '../send-document.ts';
import { parentElement, printDocument, textElement } from '../xml.ts';
import { parseCount, parseEncodingType } from './list-names.ts';
import { toUploadRef } from './multipart.ts';
import { quote } from './object-headers.ts';

export const listParts: Handler = async ({ store }, request, response) => {
  const upload = toUploadRef(request);
  const { query } = request.target;
  const encoding = parseEncodingType(query);
  const maxParts = parseCount(query, 'max-parts', LIST_PAGE_KEYS);
  const marker = query.has('part-number-marker') ? parseCount(query, 'part-number-marker', Number.MAX_SAFE_INTEGER) : 0;
  const rest = (await store.listParts(upload)).filter(({ partNumber }) => partNumber > marker);
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
      textElement('IsTruncated', page.length > 0 && rest.length > page.length),
      textElement('StorageClass', 'STANDARD'),
      ...page.map(({ partNumber, etag, sizeBytes }) =>
        parentElement(
          'Part',
          textElement('PartNumber', partNumber),
          textElement('ETag', quote(etag)),
          textElement('Size', sizeBytes),
        ),
      ),
    ),
  );
};
