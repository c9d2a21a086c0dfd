/** ListMultipartUploads: by key, uploads of one key by the time when they began; pages by (key-marker, upload-id-marker). */
import { LIST_PAGE_KEYS } from '../../core/limits.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import type { OpenUpload } from '../../stores/store.ts';
import type { Handler } from './directory-backend.ts';
import { refuse } from '../answer/s3-error.ts';
import { sendDocument } from '../answer/send-document.ts';
import { parentElement, printDocument, textElement } from '../answer/xml.ts';
import { checksumKindElements } from './checksums.ts';
import { parseCount, parseEncodingType } from './list-names.ts';
import { ownerElement } from './owner.ts';
import { optional, printCommonPrefixes } from './print-list.ts';
import { storageClassElement } from './storage-class.ts';

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
  const entries = toEntries(await store.listUploads({ bucket, prefix }), prefix, delimiter);
  const rest = keyMarker === '' ? entries : entries.slice(findStart(entries, keyMarker, idMarker));
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
      textElement('UploadIdMarker', keyMarker === '' ? '' : idMarker),
      optional('NextKeyMarker', isTruncated ? last.name : undefined, encoding.print),
      optional('NextUploadIdMarker', isTruncated ? last.upload?.uploadId : undefined),
      optional('Prefix', prefix, encoding.print),
      optional('Delimiter', delimiter, encoding.print),
      textElement('MaxUploads', maxUploads),
      optional('EncodingType', encoding.type),
      textElement('IsTruncated', isTruncated),
      ...uploads.map(({ key, uploadId, initiatedMs, checksum, ...upload }) =>
        parentElement(
          'Upload',
          textElement('Key', encoding.print(key)),
          textElement('UploadId', uploadId),
          ownerElement(request, 'Initiator'),
          ownerElement(request),
          storageClassElement(upload),
          textElement('Initiated', new Date(initiatedMs).toISOString()),
          checksumKindElements(checksum),
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
  return entries.sort(compareEntries);
}

function compareEntries(a: Entry, b: Entry): number {
  return (
    compareUtf8(a.name, b.name) ||
    (a.upload?.initiatedMs ?? 0) - (b.upload?.initiatedMs ?? 0) ||
    compareUtf8(a.upload?.uploadId ?? '', b.upload?.uploadId ?? '')
  );
}

/** Ids as the stores make them; another text was never in an answer. */
const UPLOAD_ID = /^[0-9a-f]{32}$/;

/**
 * Where the page begins. Without an id the marker means every upload of its key. An upload that ended since the page before is no
 * reason to refuse: then those of its key are told again, which is better than to leave one out.
 * @throws InvalidArgument for an id of another key
 */
function findStart(entries: readonly Entry[], keyMarker: string, idMarker: string): number {
  const beyond = entries.findIndex(({ name }) => compareUtf8(name, keyMarker) > 0);
  const end = beyond < 0 ? entries.length : beyond;
  if (idMarker === '') return end;
  const at = entries.findIndex(({ upload }) => upload?.uploadId === idMarker);
  const first = entries.findIndex(({ name }) => name === keyMarker);
  if (!UPLOAD_ID.test(idMarker) || (at >= 0 && first >= 0 && entries[at]?.name !== keyMarker)) {
    throw refuse('InvalidArgument', 'Invalid uploadId marker', {
      argumentName: 'upload-id-marker',
      argumentValue: idMarker,
    });
  }
  if (at >= 0) return at + 1;
  return first < 0 ? end : first;
}
