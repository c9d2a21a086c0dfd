/** CreateMultipartUpload, UploadPart, CompleteMultipartUpload, AbortMultipartUpload. */
import { PARTS_MAX } from '../../core/limits.ts';
import type { UploadRef } from '../../stores/store.ts';
import type { VerifiedRequest } from '../backend.ts';
import type { Handler } from '../directory-backend.ts';
import { childText, parseXml } from '../parse-xml.ts';
import { refuse } from '../s3-error.ts';
import { sendDocument, sendEmpty } from '../send-document.ts';
import { printDocument, textElement } from '../xml.ts';
import { parsePutRequest, parseWriteConditions, quote } from './object-headers.ts';
import { toStoreBody } from './put-object.ts';
import { readDocument } from './read-document.ts';

export const createUpload: Handler = async ({ store }, request, response) => {
  const { bucket, key } = request.target;
  const { uploadId } = await store.createUpload(parsePutRequest(request));
  sendDocument(
    response,
    printDocument(
      'InitiateMultipartUploadResult',
      textElement('Bucket', bucket),
      textElement('Key', key),
      textElement('UploadId', uploadId),
    ),
  );
};

export const uploadPart: Handler = async ({ store }, request, response) => {
  const partNumber = parsePartNumber(request.target.query.get('partNumber') ?? '');
  if (request.headers.has('x-amz-server-side-encryption-customer-algorithm')) {
    throw refuse('NotImplemented', 'Encryption with a key of the customer is not offered.');
  }
  const { etag } = await store.uploadPart(toUploadRef(request), partNumber, toStoreBody(request));
  sendEmpty(response, 200, ['ETag', quote(etag)]);
};

export const completeUpload: Handler = async ({ store }, request, response) => {
  const { bucket, key } = request.target;
  const root = parseXml(await readDocument(request), 'CompleteMultipartUpload');
  const parts = root.children
    .filter(({ name }) => name === 'Part')
    .map((part) => ({
      partNumber: parsePartNumber(childText(part, 'PartNumber')?.trim() ?? ''),
      etag: childText(part, 'ETag')?.trim() ?? '',
    }));
  const upload = { ...toUploadRef(request), ...parseWriteConditions(request.headers) };
  const { etag } = await store.completeUpload(upload, parts);
  sendDocument(
    response,
    printDocument(
      'CompleteMultipartUploadResult',
      textElement('Location', `/${bucket}/${key}`),
      textElement('Bucket', bucket),
      textElement('Key', key),
      textElement('ETag', quote(etag)),
    ),
  );
};

export const abortUpload: Handler = async ({ store }, request, response) => {
  await store.abortUpload(toUploadRef(request));
  sendEmpty(response, 204);
};

/** @throws NoSuchUpload when the id is empty: no upload has that */
export function toUploadRef(request: VerifiedRequest): UploadRef {
  const { bucket, key, query } = request.target;
  const uploadId = query.get('uploadId') ?? '';
  if (uploadId === '') throw refuse('NoSuchUpload');
  return { bucket, key, uploadId };
}

function parsePartNumber(text: string): number {
  const partNumber = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (partNumber < 1 || partNumber > PARTS_MAX) {
    throw refuse('InvalidArgument', `Part number must be an integer between 1 and ${String(PARTS_MAX)}, inclusive`);
  }
  return partNumber;
}
