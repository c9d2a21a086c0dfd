/** Create, upload, complete, abort. Completing is the one request whose refusal may come with status 200. */
import type { ETag } from '../../core/ids.ts';
import type { Body, PutRequest, PutResult, UploadRef, WriteConditions } from '../store.ts';
import { printETag, stripQuotes } from './etag-text.ts';
import { buildPutHeaders, buildConditions, parseWrittenETag } from './object-headers.ts';
import { prepareBody, toPreparedBytes } from './prepared-body.ts';
import type { S3Call } from './s3-call.ts';
import type { S3Client } from './s3-client.ts';
import { versionOf } from './write-object.ts';
import { parseXmlAnswer, requireText } from './xml-answer.ts';
import { encodeXmlText } from './xml-text.ts';

export async function createUpload(client: S3Client, request: PutRequest): Promise<{ uploadId: string }> {
  const call: S3Call = {
    operation: 'CreateMultipartUpload',
    method: 'POST',
    bucket: request.bucket,
    key: request.key,
    query: [['uploads', '']],
    headers: buildPutHeaders(request),
    signal: request.signal,
  };
  const root = parseXmlAnswer(call, await client.send(call), 'InitiateMultipartUploadResult');
  return { uploadId: requireText(call, root, 'UploadId') };
}

export async function uploadPart(
  client: S3Client,
  upload: UploadRef,
  partNumber: number,
  body: Body,
  unsignedPayload: boolean,
): Promise<{ etag: ETag }> {
  const { headers } = await client.send({
    operation: 'UploadPart',
    method: 'PUT',
    bucket: upload.bucket,
    key: upload.key,
    query: [
      ['partNumber', String(partNumber)],
      ['uploadId', upload.uploadId],
    ],
    body: await prepareBody(body, unsignedPayload, upload.signal),
    signal: upload.signal,
  });
  return { etag: parseWrittenETag(headers) };
}

export async function completeUpload(
  client: S3Client,
  upload: UploadRef & WriteConditions,
  parts: readonly { readonly partNumber: number; readonly etag: string }[],
): Promise<PutResult> {
  const call: S3Call = {
    operation: 'CompleteMultipartUpload',
    method: 'POST',
    bucket: upload.bucket,
    key: upload.key,
    query: [['uploadId', upload.uploadId]],
    headers: [['content-type', 'application/xml'], ...buildConditions(upload)],
    body: toPreparedBytes(Buffer.from(printPartList(parts))),
    signal: upload.signal,
  };
  // S3 sends 200 and white space while it assembles, and only then says whether it could.
  const answer = await client.send(call);
  const root = parseXmlAnswer(call, answer, 'CompleteMultipartUploadResult');
  return { etag: stripQuotes(requireText(call, root, 'ETag')), ...versionOf(answer.headers) };
}

export async function abortUpload(client: S3Client, upload: UploadRef): Promise<void> {
  const { bucket, key, uploadId, signal } = upload;
  await client.send({
    operation: 'AbortMultipartUpload',
    method: 'DELETE',
    bucket,
    key,
    query: [['uploadId', uploadId]],
    signal,
  });
}

function printPartList(parts: readonly { readonly partNumber: number; readonly etag: string }[]): string {
  const items = parts.map(
    ({ partNumber, etag }) =>
      `<Part><PartNumber>${String(partNumber)}</PartNumber><ETag>${encodeXmlText(printETag(etag))}</ETag></Part>`,
  );
  const body = items.join('');
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${body}</CompleteMultipartUpload>`;
}
