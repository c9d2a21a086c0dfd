/**
 * Signs a request into its URL, for somebody who holds no credentials.
 *
 * A server takes the payload of a presigned S3 request for UNSIGNED-PAYLOAD unless it is told otherwise, so another hash travels
 * as X-Amz-Content-Sha256 in the query. Source: AWS, "Authenticating Requests: Using Query Parameters".
 */
import { toAmzDate } from './amz-date.ts';
import { buildCanonicalQuery, printQuery } from './canonical-query.ts';
import { buildCanonicalRequest } from './canonical-request.ts';
import { findHeaders } from './canonical-headers.ts';
import { hmacSha256Hex } from './hex.ts';
import { malformedTarget } from './sign.ts';
import { toSignedHeaders } from './signed-headers.ts';
import { deriveSigningKey } from './signing-key.ts';
import { ALGORITHM, buildStages, printScope } from './string-to-sign.ts';
import type { Crypto, Presigned, PresignInput } from './types.ts';
import { WaybillError } from '../core/failures.ts';
import { EXPIRES_MAX_SECONDS, UNSIGNED_PAYLOAD } from './limits.ts';

/**
 * Presigns a request; the same input gives the same URL. Whoever sends it must send the signed headers with the same values.
 * @throws invalid_request when the percent-encoding is malformed, the query is signed already, or expiresSeconds is not 1-604800
 */
export function presignRequest(crypto: Crypto, input: PresignInput): Presigned {
  const { request, credentials, region, service, payloadHash, expiresSeconds } = input;
  if (!Number.isInteger(expiresSeconds) || expiresSeconds < 1 || expiresSeconds > EXPIRES_MAX_SECONDS) {
    throw new WaybillError('invalid_request', `a presigned URL expires after 1 to ${EXPIRES_MAX_SECONDS} seconds`);
  }
  const amzDate = toAmzDate(input.at);
  const scope = { date: amzDate.slice(0, 8), region, service };
  const signedHeaders = toSignedHeaders(request.headers, input.signedHeaders);
  const parameters: (readonly [string, string])[] = [
    ['X-Amz-Algorithm', ALGORITHM],
    ['X-Amz-Credential', `${credentials.accessKeyId}/${printScope(scope)}`],
    ['X-Amz-Date', amzDate],
    ['X-Amz-Expires', String(expiresSeconds)],
    ['X-Amz-SignedHeaders', signedHeaders.join(';')],
  ];
  if (credentials.sessionToken !== undefined) parameters.push(['X-Amz-Security-Token', credentials.sessionToken]);
  const saysHash =
    findHeaders(request.headers, 'x-amz-content-sha256').length > 0 || /(^|&)X-Amz-Content-Sha256=/.test(request.query);
  if (service === 's3' && payloadHash !== UNSIGNED_PAYLOAD && !saysHash) {
    parameters.push(['X-Amz-Content-Sha256', payloadHash]);
  }

  const added = printQuery(parameters);
  const query = request.query === '' ? added : `${request.query}&${added}`;
  const canonical = buildCanonicalRequest({
    request: { ...request, query },
    pathRule: input.pathRule,
    payloadHash,
    signedHeaders,
  });
  if (canonical === null || buildCanonicalQuery(request.query) === null) throw malformedTarget();
  if (isSigned(request.query))
    throw new WaybillError('invalid_request', 'the query holds X-Amz- parameters of a signature already');
  const stages = buildStages(crypto, canonical, amzDate, scope);
  const signingKey = deriveSigningKey(crypto, credentials.secretAccessKey, scope, input.keyCache);
  const signature = hmacSha256Hex(crypto, signingKey, stages.stringToSign);
  return { target: `${request.path}?${query}&X-Amz-Signature=${signature}`, signature, stages };
}

/** A second X-Amz-Date and the like would make a URL that every careful server refuses. */
function isSigned(query: string): boolean {
  return /(^|&)X-Amz-(Algorithm|Credential|Date|Expires|SignedHeaders|Signature|Security-Token)(=|&|$)/.test(query);
}
