/** UploadPartCopy, and how an object that was made of parts was cut: what a copy of it within the store needs. */
import type { ETag } from '../../core/ids.ts';
import { encodeComponent, encodePath } from '../../sigv4/encode.ts';
import type { CopyPartRequest, ObjectRequest } from '../store.ts';
import { printETag, stripQuotes } from './etag-text.ts';
import { toLength } from './http-exchange.ts';
import { buildConditions } from './object-headers.ts';
import type { S3Call } from './s3-call.ts';
import type { S3Client } from './s3-client.ts';
import { parseXmlAnswer, requireText } from './xml-answer.ts';

/** Its refusal may come with status 200. @throws precondition_failed, no_such_key, no_such_upload */
export async function copyPart(client: S3Client, request: CopyPartRequest): Promise<{ etag: ETag }> {
  const { source, range } = request;
  const call: S3Call = {
    operation: 'UploadPartCopy',
    method: 'PUT',
    bucket: request.bucket,
    key: request.key,
    query: [
      ['partNumber', String(request.partNumber)],
      ['uploadId', request.uploadId],
    ],
    headers: [
      ['x-amz-copy-source', `/${encodeComponent(source.bucket)}/${encodePath(source.key)}`],
      ['x-amz-copy-source-if-match', printETag(source.ifMatch)],
      ['x-amz-copy-source-range', `bytes=${String(range.first)}-${String(range.last)}`],
    ],
    signal: request.signal,
    assertMayWrite: request.assertMayWrite,
  };
  const root = parseXmlAnswer(call, await client.send(call), 'CopyPartResult');
  return { etag: stripQuotes(requireText(call, root, 'ETag')) };
}

/** A store that knows nothing of parts answers with the length of the whole. @throws precondition_failed, no_such_key */
export async function measureFirstPart(client: S3Client, request: ObjectRequest): Promise<number | null> {
  const { headers } = await client.send({
    operation: 'HeadObject',
    method: 'HEAD',
    bucket: request.bucket,
    key: request.key,
    query: [['partNumber', '1']],
    headers: buildConditions(request),
    signal: request.signal,
  });
  return toLength(headers['content-length']) ?? null;
}
