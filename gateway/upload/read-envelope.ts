/** Reads the body of POST /upload whole, under the hash that its signature promised where there is one. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { KiB } from '../../core/limits.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { readWhole } from '../body/read-whole.ts';
import { VerifiedBody } from '../body/verified-body.ts';
import { refuse } from '../answer/s3-error.ts';
import { payloadTooLarge } from './upload-envelope.ts';

/** For target_url, headers and punctuation; S3's own headers are at most 8 KiB, a URL with a full key 4 KiB. */
const REST_BYTES_MAX = 64 * KiB;
const SHA256 = /^[0-9a-f]{64}$/;

const UNSIGNED = { kind: 'unsigned' } as const;

/**
 * @param payloadHash what the verified signature says of the body; null when nobody says anything, as with a bearer token
 * @throws invalid_request with s3Code MissingContentLength, EntityTooLarge (413), InvalidRequest for a body whose hash is not
 *   signed, IncompleteBody; body_corrupt with XAmzContentSHA256Mismatch
 */
export async function readEnvelope(
  request: IncomingMessage,
  response: ServerResponse,
  payloadHash: string | null,
  payloadBytesMax: number,
): Promise<Uint8Array> {
  if (payloadHash !== null && !SHA256.test(payloadHash)) {
    throw refuse('InvalidRequest', 'The body must be signed: send its SHA-256 in x-amz-content-sha256.');
  }
  const declared = request.headers['content-length'];
  if (declared === undefined || !/^\d{1,15}$/.test(declared)) throw refuse('MissingContentLength');
  const lengthBytes = Number(declared);
  if (lengthBytes > Math.ceil(payloadBytesMax / 3) * 4 + REST_BYTES_MAX) throw payloadTooLarge(payloadBytesMax);
  const isWaiting = /^100-continue$/i.test(request.headers.expect ?? '');
  const payload = payloadHash === null ? UNSIGNED : ({ kind: 'sha256', sha256: payloadHash } as const);
  const plan = { payload, lengthBytes, sha256: payloadHash, md5: null, checksum: null, chunked: null };
  const body = await VerifiedBody.create(request, plan, nodeCrypto, isWaiting ? () => response.writeContinue() : null);
  return await readWhole(body);
}
