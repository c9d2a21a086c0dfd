/**
 * What a request promises of its body: length, hash, Content-MD5. Whether a payload without a signed hash is authentic and
 * whether it is allowed are two questions; here the second is answered.
 */
import { SINGLE_PUT_BYTES_MAX } from '../core/limits.ts';
import type { Operation } from '../core/traffic.ts';
import type { Payload } from './backend.ts';
import { refuse } from './s3-error.ts';
import type { BodyPromise } from './verified-body.ts';

/** sha256 of nothing. */
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Operations that mean their body: without a signed hash somebody else could choose it, even an empty one. */
const WITH_BODY: ReadonlySet<Operation> = new Set<Operation>([
  'PutObject',
  'UploadPart',
  'CompleteMultipartUpload',
  'DeleteObjects',
  'PutObjectTagging',
  'CreateBucket',
]);

export const takesBody = (operation: Operation): boolean => WITH_BODY.has(operation);

/** Documents and bodies that mean nothing are small; objects are up to 5 GiB. */
const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;
const SHA256 = /^[0-9a-f]{64}$/;

/** @throws MissingContentLength, EntityTooLarge, NotImplemented for bodies of unknown length */
export function parseContentLength(headers: ReadonlyMap<string, string>, operation: Operation): number {
  const sent = headers.get('content-length');
  if (sent === undefined) {
    if (headers.has('transfer-encoding') || operation === 'PutObject' || operation === 'UploadPart') {
      throw refuse('MissingContentLength');
    }
    return 0;
  }
  const lengthBytes = Number(sent);
  if (!/^\d{1,15}$/.test(sent)) throw refuse('InvalidArgument', 'Content-Length is not a number.');
  const max = operation === 'PutObject' || operation === 'UploadPart' ? SINGLE_PUT_BYTES_MAX : DOCUMENT_BYTES_MAX;
  if (lengthBytes > max) throw refuse('EntityTooLarge');
  return lengthBytes;
}

/**
 * @param payloadHash what the verified request says of its body
 * @throws AccessDenied for an unsigned payload that the key may not send, NotImplemented for the STREAMING-… modes
 */
export function toPayload(
  payloadHash: string,
  operation: Operation,
  lengthBytes: number,
  mayBeUnsigned: boolean,
): Payload {
  if (SHA256.test(payloadHash)) return { kind: 'sha256', sha256: payloadHash };
  if (payloadHash === 'UNSIGNED-PAYLOAD') {
    if (!mayBeUnsigned && (takesBody(operation) || lengthBytes > 0)) {
      throw refuse(
        'AccessDenied',
        'UNSIGNED-PAYLOAD is not allowed for this access key: send the SHA-256 of the body in x-amz-content-sha256.',
      );
    }
    return { kind: 'unsigned' };
  }
  if (payloadHash.startsWith('STREAMING-')) {
    throw refuse(
      'NotImplemented',
      `${payloadHash.slice(0, 64)} is not offered: send the SHA-256 of the whole body in x-amz-content-sha256.`,
    );
  }
  throw refuse('InvalidArgument', 'x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a SHA-256 in lower-case hex.');
}

/** @throws InvalidDigest */
export function toBodyPromise(
  payload: Payload,
  headers: ReadonlyMap<string, string>,
  lengthBytes: number,
): BodyPromise {
  const contentMd5 = headers.get('content-md5');
  let md5: Buffer | null = null;
  if (contentMd5 !== undefined) {
    md5 = Buffer.from(contentMd5, 'base64');
    if (md5.length !== 16 || md5.toString('base64') !== contentMd5) throw refuse('InvalidDigest');
  }
  return { lengthBytes, sha256: payload.kind === 'sha256' ? payload.sha256 : null, md5 };
}
