/** The string to sign: algorithm, time, credential scope and the hash of the canonical request. Source: AWS, step 3 of signing. */
import type { CanonicalRequest } from './canonical-request.ts';
import { sha256Hex } from './hex.ts';
import type { Crypto, Scope, Stages } from './types.ts';

export const ALGORITHM = 'AWS4-HMAC-SHA256';
export const TERMINATOR = 'aws4_request';

/** `YYYYMMDD/region/service/aws4_request`. */
export function printScope(scope: Scope): string {
  return `${scope.date}/${scope.region}/${scope.service}/${TERMINATOR}`;
}

/** Completes a canonical request to every stage up to the string to sign. */
export function buildStages(crypto: Crypto, canonical: CanonicalRequest, amzDate: string, scope: Scope): Stages {
  const canonicalRequestHash = sha256Hex(crypto, canonical.canonicalRequest);
  const scopeText = printScope(scope);
  const stringToSign = `${ALGORITHM}\n${amzDate}\n${scopeText}\n${canonicalRequestHash}`;
  const { canonicalUri, canonicalQuery, canonicalHeaders, signedHeaders, payloadHash, canonicalRequest } = canonical;
  return {
    canonicalUri,
    canonicalQuery,
    canonicalHeaders,
    signedHeaders,
    payloadHash,
    canonicalRequest,
    canonicalRequestHash,
    scope: scopeText,
    stringToSign,
  };
}
