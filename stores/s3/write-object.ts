/** PutObject and DeleteObject. */
import { isWaybillError } from '../../core/failures.ts';
import type { Body, PutRequest, PutResult } from '../store.ts';
import type { AnswerHeaders } from '../../http1/exchange.ts';
import { buildPutHeaders, buildConditions, parseWrittenETag } from './object-headers.ts';
import { prepareBody } from './prepared-body.ts';
import type { S3Client } from './s3-client.ts';
import { headerText } from './s3-failure.ts';

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
    headers: [...buildPutHeaders(request), ...buildConditions(request)],
    body: await prepareBody(body, unsignedPayload, request.signal),
    signal: request.signal,
  });
  return { etag: parseWrittenETag(headers), ...versionOf(headers) };
}

/** Some stores answer NoSuchKey where S3 says nothing: the object is gone either way. Under If-Match it is the answer. */
export async function deleteObject(
  client: S3Client,
  { ifMatch, ...request }: { bucket: string; key: string; ifMatch?: string; signal?: AbortSignal },
): Promise<void> {
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
