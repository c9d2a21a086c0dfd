/** ListMultipartUploads: by key, uploads of one key by their id; pages by (key-marker, upload-id-marker). */
import { LIST_PAGE_KEYS } from '../../core/limits.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import type { OpenUpload } from '../../stores/store.ts';
import type { Handler } from '../directory-backend.ts';
import { sendDocument } from '../send-document.ts';
import { parentElement, printDocument, textElement } from '../xml.ts';
import { parseCount, parseEncodingType } from './list-names.ts';
import { optional, printCommonPrefixes } from './print-list.ts';

interface Entry {
  /** The key, or the common prefix that stands for several. */
  readonly name: string;
  readonly upload: OpenUpload | null;
}

export const listUploads: Handler = async ({ store }, request, response) => {
  const { bucket, query } = request.target;
  const encoding = parseEncodingType(query);
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = query.get('upload-id-marker') ?? '';
  const maxUploads = parseCount(query, 'max-uploads', LIST_PAGE_KEYS);
  const rest = toEntries(await store.listUploads({ bucket, prefix }), prefix, delimiter).filter((entry) =>
    isAfter(entry, keyMarker, idMarker),
  );
  const page = rest.slice(0, maxUploads);
  const last = page.at(-1);
  const isTruncated = last !== undefined && rest.length > page.length;
  const uploads = page.flatMap(({ upload }) => (upload === null ? [] : [upload]));
  sendDocument(
    response,
    printDocument(
      'ListMultipartUploadsResult',
      textElement('Bucket', bucket),
      textElement('KeyMarker', encoding.print(keyMarker)),
      textElement('UploadIdMarker', idMarker),
      optional('NextKeyMarker', isTruncated ? last.name : undefined, encoding.print),
      optional('NextUploadIdMarker', isTruncated ? last.upload?.uploadId : undefined),
      optional('Prefix', prefix, encoding.print),
      optional('Delimiter', delimiter, encoding.print),
      textElement('MaxUploads', maxUploads),
      optional('EncodingType', encoding.type),
      textElement('IsTruncated', isTruncated),
      ...uploads.map(({ key, uploadId, initiatedMs }) =>
        parentElement(
          'Upload',
          textElement('Key', encoding.print(key)),
          textElement('UploadId', uploadId),
          textElement('StorageClass', 'STANDARD'),
          textElement('Initiated', new Date(initiatedMs).toISOString()),
        ),
      ),
      printCommonPrefixes(
        page.flatMap(({ name, upload }) => (upload === null ? [name] : [])),
        encoding,
      ),
    ),
  );
};

function toEntries(uploads: readonly OpenUpload[], prefix: string, delimiter: string): Entry[] {
  const entries: Entry[] = [];
  const grouped = new Set<string>();
  for (const upload of uploads) {
    const at = delimiter === '' ? -1 : upload.key.indexOf(delimiter, prefix.length);
    if (at < 0) {
      entries.push({ name: upload.key, upload });
      continue;
    }
    const name = upload.key.slice(0, at + delimiter.length);
    if (!grouped.has(name)) entries.push({ name, upload: null });
    grouped.add(name);
  }
  return entries.sort(
    (a, b) => compareUtf8(a.name, b.name) || compareUtf8(a.upload?.uploadId ?? '', b.upload?.uploadId ?? ''),
  );
}

/** Without an id the marker means every upload of its key; with one, only those up to the id. */
function isAfter({ name, upload }: Entry, keyMarker: string, idMarker: string): boolean {
  if (keyMarker === '') return true;
  const order = compareUtf8(name, keyMarker);
  if (order !== 0) return order > 0;
  return idMarker !== '' && upload !== null && compareUtf8(upload.uploadId, idMarker) > 0;
}
