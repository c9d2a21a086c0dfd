/**
 * The payload hash that a request claims, which is the last line of its canonical request.
 *
 * S3 takes it from x-amz-content-sha256, which header form requires: without it the server would have to read the body before it
 * knows who asks. A presigned URL may say it in the query or in a signed header, and means UNSIGNED-PAYLOAD otherwise. Other
 * services hash the body themselves.
 */
import { SIGV4A_REFUSED } from './authorization-header.ts';
import { findHeaders } from './canonical-headers.ts';
import { isVisible, refuse } from './claim.ts';
import { PAYLOAD_WORDS, UNSIGNED_PAYLOAD } from './limits.ts';
import type { VerifyFailure, VerifyInput } from './types.ts';

const SHA256_HEX = /^[0-9a-f]{64}$/;
/** Chunks that are signed as SigV4A does it. */
const SIGV4A_PREFIX = 'STREAMING-AWS4-ECDSA-P256-SHA256-';
/** S3's text, which names what S3 takes: those of SigV4A are refused here by their own name. */
const UNKNOWN_HASH =
  'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, ' +
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, ' +
  'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.';

/** Finds the hash or the word; refuses none, two that differ, and anything else. */
export function findPayloadHash(
  input: VerifyInput,
  form: 'header' | 'presigned',
  parameters: readonly (readonly [name: string, value: string])[],
): { readonly ok: true; readonly payloadHash: string } | VerifyFailure {
  const [fromHeader] = findHeaders(input.request.headers, 'x-amz-content-sha256');
  const fromQuery =
    form === 'presigned' ? parameters.find(([name]) => name === 'X-Amz-Content-Sha256')?.[1] : undefined;
  if (fromHeader !== undefined && fromQuery !== undefined && fromHeader !== fromQuery) {
    return refuse('AuthorizationQueryParametersError', 'X-Amz-Content-Sha256 differs between the query and the header');
  }
  const said = fromQuery ?? fromHeader;
  if (said !== undefined && !SHA256_HEX.test(said) && !PAYLOAD_WORDS.has(said)) {
    return refuse('InvalidArgument', said.startsWith(SIGV4A_PREFIX) ? SIGV4A_REFUSED : UNKNOWN_HASH, [
      ['ArgumentName', 'x-amz-content-sha256'],
      ['ArgumentValue', isVisible(said) ? said.slice(0, 64) : ''],
    ]);
  }
  if (input.service === 's3') {
    if (said !== undefined) return { ok: true, payloadHash: said };
    if (form === 'presigned') return { ok: true, payloadHash: UNSIGNED_PAYLOAD };
    return refuse('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  }
  if (said !== undefined && input.payloadHash !== undefined && said !== input.payloadHash) {
    return refuse(
      'XAmzContentSHA256Mismatch',
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
  }
  const payloadHash = said ?? input.payloadHash;
  if (payloadHash === undefined)
    return refuse('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  return { ok: true, payloadHash };
}
