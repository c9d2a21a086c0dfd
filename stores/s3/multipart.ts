/** Create, upload, complete, abort. Completing is the one request whose refusal may come with status 200. */
import type { ChecksumAlgorithm, ObjectChecksum } from '../../core/checksums.ts';
import type { ETag } from '../../core/ids.ts';
import type {
  Body,
  CompletedPart,
  CompleteUploadRequest,
  CreateUploadRequest,
  PartChecksum,
  PutResult,
  UploadRef,
} from '../store.ts';
import { printETag, stripQuotes } from './etag-text.ts';
import {
  buildConditions,
  buildPromises,
  buildPutHeaders,
  CHECKSUM_TYPE,
  parseChecksum,
  parseWrittenETag,
  toChecksumHeader,
} from './object-headers.ts';
import { prepareBody, toPreparedBytes } from './prepared-body.ts';
import type { S3Call } from './s3-call.ts';
import type { S3Client } from './s3-client.ts';
import { versionOf } from './write-object.ts';
import { parseXmlAnswer, requireText } from './xml-answer.ts';
import { encodeXmlText } from './xml-text.ts';
import { textOf, type XmlElement } from './xml-tree.ts';

export async function createUpload(client: S3Client, request: CreateUploadRequest): Promise<{ uploadId: string }> {
  const { checksum } = request;
  const call: S3Call = {
    operation: 'CreateMultipartUpload',
    method: 'POST',
    bucket: request.bucket,
    key: request.key,
    query: [['uploads', '']],
    headers: [
      ...buildPutHeaders(request),
      ...(checksum === undefined
        ? []
        : ([
            ['x-amz-checksum-algorithm', checksum.algorithm],
            [CHECKSUM_TYPE, checksum.type],
          ] as const)),
    ],
    signal: request.signal,
    assertMayWrite: request.assertMayWrite,
  };
  // rclone's `serve s3`, and what else is built on gofakes3, leaves the end of the name out.
  const names = ['InitiateMultipartUploadResult', 'InitiateMultipartUpload'] as const;
  const root = parseXmlAnswer(call, await client.send(call), ...names);
  return { uploadId: requireText(call, root, 'UploadId') };
}

export async function uploadPart(
  client: S3Client,
  upload: UploadRef,
  partNumber: number,
  body: Body,
  unsignedPayload: boolean,
): Promise<{ etag: ETag; checksum?: ObjectChecksum }> {
  const { headers } = await client.send({
    operation: 'UploadPart',
    method: 'PUT',
    bucket: upload.bucket,
    key: upload.key,
    query: [
      ['partNumber', String(partNumber)],
      ['uploadId', upload.uploadId],
    ],
    headers: buildPromises(body.promised),
    body: await prepareBody(body, unsignedPayload, upload.signal),
    signal: upload.signal,
    assertMayWrite: upload.assertMayWrite,
  });
  return {
    etag: parseWrittenETag(headers),
    ...(body.promised?.checksum === undefined ? {} : parseChecksum(headers)),
  };
}

export async function completeUpload(
  client: S3Client,
  upload: CompleteUploadRequest,
  parts: readonly CompletedPart[],
): Promise<PutResult> {
  const { checksum } = upload;
  const call: S3Call = {
    operation: 'CompleteMultipartUpload',
    method: 'POST',
    bucket: upload.bucket,
    key: upload.key,
    query: [['uploadId', upload.uploadId]],
    headers: [
      ['content-type', 'application/xml'],
      ...buildConditions(upload),
      ...(checksum === undefined ? [] : [toChecksumHeader(checksum), [CHECKSUM_TYPE, 'FULL_OBJECT'] as const]),
    ],
    body: toPreparedBytes(Buffer.from(printPartList(parts))),
    signal: upload.signal,
    assertMayWrite: upload.assertMayWrite,
  };
  // S3 sends 200 and white space while it assembles, and only then says whether it could.
  const answer = await client.send(call);
  const root = parseXmlAnswer(call, answer, 'CompleteMultipartUploadResult');
  return {
    etag: stripQuotes(requireText(call, root, 'ETag')),
    ...versionOf(answer.headers),
    ...(checksum === undefined ? {} : toTold(root, checksum.algorithm)),
  };
}

/** What the document says of the checksum that was asked for. */
function toTold(root: XmlElement, algorithm: ChecksumAlgorithm): { checksum?: ObjectChecksum } {
  const value = textOf(root, `Checksum${algorithm}`);
  if (value === undefined || value === '') return {};
  const isComposite = textOf(root, 'ChecksumType') === 'COMPOSITE' || value.includes('-');
  return { checksum: { algorithm, type: isComposite ? 'COMPOSITE' : 'FULL_OBJECT', value } };
}

export async function abortUpload(client: S3Client, upload: UploadRef): Promise<void> {
  const { bucket, key, uploadId, signal, assertMayWrite } = upload;
  await client.send({
    operation: 'AbortMultipartUpload',
    method: 'DELETE',
    bucket,
    key,
    query: [['uploadId', uploadId]],
    signal,
    assertMayWrite,
  });
}

function printPartList(parts: readonly CompletedPart[]): string {
  const items = parts.map(
    ({ partNumber, etag, checksum }) =>
      `<Part><PartNumber>${String(partNumber)}</PartNumber><ETag>${encodeXmlText(printETag(etag))}</ETag>${printChecksum(checksum)}</Part>`,
  );
  const body = items.join('');
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${body}</CompleteMultipartUpload>`;
}

const printChecksum = (checksum: PartChecksum | undefined): string =>
  checksum === undefined
    ? ''
    : `<Checksum${checksum.algorithm}>${encodeXmlText(checksum.value)}</Checksum${checksum.algorithm}>`;
