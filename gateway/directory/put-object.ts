/** PutObject. The body fails before its end when its hash does not hold, and then the store keeps nothing of it. */
import { toWholeBytes } from '../../stores/rules/whole-body.ts';
import type { Body } from '../../stores/store.ts';
import type { VerifiedRequest } from '../backend.ts';
import type { Handler } from './directory-backend.ts';
import { sendEmpty } from '../answer/send-document.ts';
import { printChecksumHeaders, toBodyChecksum } from './checksums.ts';
import { parsePutRequest, quote } from './object-headers.ts';

export const putObject: Handler = async ({ store }, request, response) => {
  const { etag, versionId, checksum } = await store.put(parsePutRequest(request), toStoreBody(request));
  const headers = ['ETag', quote(etag), ...printChecksumHeaders(checksum)];
  headers.push('x-amz-object-size', String(request.contentLength));
  if (versionId !== undefined) headers.push('x-amz-version-id', versionId);
  sendEmpty(response, 200, headers);
};

/** Without its sha256: the listener computes it already, and twice costs as much again. */
export function toStoreBody(request: VerifiedRequest): Body {
  const whole = toWholeBytes(request.body);
  const checksum = toBodyChecksum(request);
  return {
    sizeBytes: request.contentLength,
    content: whole ?? (() => request.body),
    ...(checksum && { checksum }),
    ...(request.checksum && { checksumAlgorithm: request.checksum.algorithm }),
  };
}
