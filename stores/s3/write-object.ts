/** PutObject, CopyObject and DeleteObject. */
import { isWaybillError } from '../../core/failures.ts';
import { encodeComponent, encodePath } from '../../sigv4/encode.ts';
import type { Body, CopyRequest, DeleteRequest, PutRequest, PutResult } from '../store.ts';
import type { AnswerHeaders } from '../../http1/exchange.ts';
import { printETag, stripQuotes } from './etag-text.ts';
import { buildConditions, buildPromises, buildPutHeaders, parseChecksum, parseWrittenETag } from './object-headers.ts';
import { prepareBody } from './prepared-body.ts';
import type { S3Client } from './s3-client.ts';
import type { S3Call } from './s3-call.ts';
import { headerText } from './s3-failure.ts';
import { parseXmlAnswer, requireText } from './xml-answer.ts';

export async function putObject(
  client: S3Client,
  request: PutRequest,
  body: Body,
  unsignedPayload: boolean,
): Promise<PutResult> {
  const { headers } = await client.send({
    operation: 'PutObject',
    method: 'PUT',
    bucket: request.bucket,
    key: request.key,
    headers: [...buildPutHeaders(request), ...buildConditions(request), ...buildPromises(body.promised)],
    body: await prepareBody(body, unsignedPayload, request.signal),
    signal: request.signal,
    assertMayWrite: request.assertMayWrite,
  });
  const checksum = body.promised?.checksum === undefined ? {} : parseChecksum(headers);
  return { etag: parseWrittenETag(headers), ...versionOf(headers), ...checksum };
}

/**
 * A copy within the store, whose refusal may come with status 200.
 * @throws precondition_failed for either side's condition; no_such_key
 */
export async function copyObject(client: S3Client, request: CopyRequest): Promise<PutResult> {
  const { source, withTags } = request;
  const call: S3Call = {
    operation: 'CopyObject',
    method: 'PUT',
    bucket: request.bucket,
    key: request.key,
    headers: [
      ['x-amz-copy-source', `/${encodeComponent(source.bucket)}/${encodePath(source.key)}`],
      ['x-amz-copy-source-if-match', printETag(source.ifMatch)],
      ['x-amz-metadata-directive', 'REPLACE'],
      ['x-amz-tagging-directive', withTags ? 'COPY' : 'REPLACE'],
      ...buildPutHeaders(request),
      ...buildConditions(request),
    ],
    signal: request.signal,
    assertMayWrite: request.assertMayWrite,
  };
  const answer = await client.send(call);
  const root = parseXmlAnswer(call, answer, 'CopyObjectResult');
  return { etag: stripQuotes(requireText(call, root, 'ETag')), ...versionOf(answer.headers) };
}

/** Some stores answer NoSuchKey where S3 says nothing: the object is gone either way. Under If-Match it is the answer. */
export async function deleteObject(client: S3Client, { ifMatch, ...request }: DeleteRequest): Promise<void> {
  const headers = buildConditions(ifMatch === undefined ? {} : { ifMatch });
  try {
    await client.send({ operation: 'DeleteObject', method: 'DELETE', headers, ...request });
  } catch (error) {
    if (ifMatch !== undefined || !isWaybillError(error) || error.type !== 'no_such_key') throw error;
  }
}

export function versionOf(headers: AnswerHeaders): { versionId?: string } {
  const versionId = headerText(headers, 'x-amz-version-id');
  return versionId === undefined ? {} : { versionId };
}
