/**
 * Signs a request with an Authorization header.
 *
 * The request's own headers stay as they are, but for those that a signature brings: an earlier authorization, x-amz-date,
 * x-amz-security-token or x-amz-content-sha256 is replaced, so that signing again on a retry never doubles one.
 */
import { WaybillError } from '../core/failures.ts';
import { toAmzDate } from './amz-date.ts';
import { buildCanonicalRequest } from './canonical-request.ts';
import { hmacSha256Hex } from './hex.ts';
import { toSignedHeaders } from './signed-headers.ts';
import { deriveSigningKey } from './signing-key.ts';
import { ALGORITHM, buildStages } from './string-to-sign.ts';
import type { Crypto, Signed, SignInput } from './types.ts';

/**
 * Signs a request; the same input gives the same signature.
 * @throws invalid_request when the path or the query holds a malformed percent-encoding
 */
export function signRequest(crypto: Crypto, input: SignInput): Signed {
  const { credentials, region, service, payloadHash } = input;
  const amzDate = toAmzDate(input.at);
  const scope = { date: amzDate.slice(0, 8), region, service };
  const addContentSha256 = input.addContentSha256 ?? service === 's3';

  const headers = input.request.headers.filter(([name]) => !isReplaced(name, addContentSha256));
  headers.push(['x-amz-date', amzDate]);
  if (addContentSha256) headers.push(['x-amz-content-sha256', payloadHash]);
  if (credentials.sessionToken !== undefined) headers.push(['x-amz-security-token', credentials.sessionToken]);

  const signedHeaders = toSignedHeaders(headers, input.signedHeaders);
  const request = { ...input.request, headers };
  const canonical = buildCanonicalRequest({ request, pathRule: input.pathRule, payloadHash, signedHeaders });
  if (canonical === null) throw malformedTarget();
  const stages = buildStages(crypto, canonical, amzDate, scope);
  const signingKey = deriveSigningKey(crypto, credentials.secretAccessKey, scope, input.keyCache);
  const signature = hmacSha256Hex(crypto, signingKey, stages.stringToSign);
  const authorization =
    `${ALGORITHM} Credential=${credentials.accessKeyId}/${stages.scope}, ` +
    `SignedHeaders=${stages.signedHeaders}, Signature=${signature}`;
  headers.push(['authorization', authorization]);
  return { headers, authorization, signature, signingKey, stages };
}

/** The failure of a target that cannot be signed; the target itself stays out of it, since a query may hold a token. */
export function malformedTarget(): WaybillError {
  return new WaybillError('invalid_request', 'the path or the query has a % without two hexadecimal digits');
}

function isReplaced(name: string, contentSha256: boolean): boolean {
  switch (name.toLowerCase()) {
    case 'authorization':
    case 'x-amz-date':
    case 'x-amz-security-token':
      return true;
    case 'x-amz-content-sha256':
      return contentSha256;
    default:
      return false;
  }
}
