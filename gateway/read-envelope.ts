/** Reads the body of POST /upload whole, under the hash that its signature promised. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { KiB } from '../core/limits.ts';
import { nodeCrypto } from '../sigv4/node-crypto.ts';
import { readWhole } from './body/read-whole.ts';
import { VerifiedBody } from './body/verified-body.ts';
import { refuse } from './s3-error.ts';
import { payloadTooLarge } from './upload-envelope.ts';

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
  const payload = { kind: 'sha256', sha256: payloadHash } as const;
  const plan = { payload, lengthBytes, sha256: payloadHash, md5: null, checksum: null, chunked: null };
  const body = await VerifiedBody.create(request, plan, nodeCrypto, isWaiting ? () => response.writeContinue() : null);
  return await readWhole(body);
}
