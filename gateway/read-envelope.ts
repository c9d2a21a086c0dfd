/** Reads the body of POST /upload whole, under the hash that its signature promised. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { KiB } from '../core/limits.ts';
import { readWhole } from './read-whole.ts';
import { refuse } from './s3-error.ts';
import { payloadTooLarge } from './upload-envelope.ts';
import { VerifiedBody } from './verified-body.ts';

/** For target_url, headers and punctuation; S3's own headers are at most 8 KiB, a URL with a full key 4 KiB. */
const REST_BYTES_MAX = 64 * KiB;
const SHA256 = /^[0-9a-f]{64}$/;

/**
 * @param payloadHash what the verified signature says of the body
 * @throws invalid_request with s3Code MissingContentLength, EntityTooLarge (413), InvalidRequest for a body whose hash is not
 *   signed, IncompleteBody; body_corrupt with XAmzContentSHA256Mismatch
 */
export async function readEnvelope(
  request: IncomingMessage,
  response: ServerResponse,
  payloadHash: string,
  payloadBytesMax: number,
): Promise<Uint8Array> {
  if (!SHA256.test(payloadHash)) {
    throw refuse('InvalidRequest', 'The body of /upload must be signed: send its SHA-256 in x-amz-content-sha256.');
  }
  const declared = request.headers['content-length'];
  if (declared === undefined || !/^\d{1,15}$/.test(declared)) throw refuse('MissingContentLength');
  const lengthBytes = Number(declared);
  if (lengthBytes > Math.ceil(payloadBytesMax / 3) * 4 + REST_BYTES_MAX) throw payloadTooLarge(payloadBytesMax);
  const isWaiting = /^100-continue$/i.test(request.headers.expect ?? '');
  const body = new VerifiedBody(
    request,
    { lengthBytes, sha256: payloadHash, md5: null },
    isWaiting ? () => response.writeContinue() : null,
  );
  return await readWhole(body, lengthBytes);
}
