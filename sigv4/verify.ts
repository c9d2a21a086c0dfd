/**
 * Verifies a signature on the server: the canonical request is rebuilt from what arrived, never from what the client says of it.
 *
 * One linear function with one exit for each way to be wrong. Nothing of the claim is used before the signature holds, but what is
 * needed to compute it; whoever serves the request takes identity, time and payload from `Verified` alone.
 * - Failures are values: malformed input of any kind is refused, never an exception.
 * - A known and an unknown access key cost the same work, and signatures are compared in constant time.
 * - Header form takes its time from x-amz-date; where there is none, from a Date that is signed, as AWS documents it.
 * - It says that the signature is authentic. Whether an unsigned payload is allowed is the policy's question; whether the body
 *   has the hash is for the reader of the body.
 * Source: AWS, "Authenticating Requests (AWS Signature Version 4)", header and query forms.
 */
import { dateHeaderToAmzDate, parseAmzDate } from './amz-date.ts';
import { parseAuthorization, SIGV2_REFUSED } from './authorization-header.ts';
import { findHeaders } from './canonical-headers.ts';
import { parseQuery } from './canonical-query.ts';
import { buildCanonicalRequest } from './canonical-request.ts';
import { isRefusal, refuse } from './claim.ts';
import { equalConstantTime } from './constant-time.ts';
import { hmacSha256Hex } from './hex.ts';
import { CLOCK_WINDOW_MS } from './limits.ts';
import { findPayloadHash } from './payload-hash.ts';
import { parsePresigned, toQueryForm } from './presigned-query.ts';
import { deriveSigningKey } from './signing-key.ts';
import { buildStages, TERMINATOR } from './string-to-sign.ts';
import type { Credentials, Crypto, Verified, VerifyFailure, VerifyInput } from './types.ts';
import { findAmbiguity } from './wire-request.ts';

/** Stands in for an unknown key, so that asking for one takes as long as asking for a known one. */
const NOBODY: Credentials = { accessKeyId: '', secretAccessKey: 'no-such-key' };

/**
 * Verifies a request against the secrets that its access key may have.
 * Costs one sha256 and one HMAC for each valid secret, and four HMACs more where `keyCache` does not have the signing key.
 */
export function verifyRequest(crypto: Crypto, input: VerifyInput): Verified | VerifyFailure {
  const { request } = input;
  const ambiguity = findAmbiguity(request, input.service);
  if (ambiguity !== null) return refuse('InvalidRequest', ambiguity);
  const parameters = parseQuery(request.query);
  if (parameters === null) return refuse('InvalidRequest', 'The query is not percent-encoded UTF-8');

  // Which form, and only one of them.
  const [authorization] = findHeaders(request.headers, 'authorization');
  const queryForm = toQueryForm(parameters);
  if (authorization !== undefined && queryForm !== 'none') {
    return refuse(
      'InvalidArgument',
      'Only one auth mechanism allowed: the X-Amz-Algorithm query parameter or the Authorization header',
    );
  }
  if (queryForm === 'sigv2') return refuse('InvalidRequest', SIGV2_REFUSED);
  if (authorization === undefined && queryForm === 'none')
    return { ...refuse('AccessDenied', 'Access Denied'), isAnonymous: true };
  const [tokenHeader] = findHeaders(request.headers, 'x-amz-security-token');
  const [amzDateHeader] = findHeaders(request.headers, 'x-amz-date');
  const [dateHeader = ''] = findHeaders(request.headers, 'date');
  const claim =
    authorization === undefined
      ? parsePresigned(parameters)
      : parseAuthorization(authorization, amzDateHeader ?? dateHeaderToAmzDate(dateHeader), tokenHeader ?? null);
  if (isRefusal(claim)) return claim;
  const presigned = claim.form === 'presigned';
  if (!presigned && amzDateHeader === undefined && dateHeader !== '' && !claim.signedHeaders.includes('date')) {
    return notSigned(['date']);
  }
  const malformed = presigned ? 'AuthorizationQueryParametersError' : 'AuthorizationHeaderMalformed';
  const prefix = presigned
    ? 'Error parsing the X-Amz-Credential parameter; '
    : 'The authorization header is malformed; ';
  if (presigned && tokenHeader !== undefined) {
    return refuse(malformed, 'The session token of a presigned request belongs into the query alone');
  }

  // Where it was meant for, and when.
  const at = parseAmzDate(claim.amzDate);
  if (at === null && presigned)
    return refuse(malformed, "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  if (at === null) return refuse('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header.');
  const { scope } = claim;
  if (claim.terminator !== TERMINATOR) {
    return refuse(malformed, `${prefix}incorrect terminal "${claim.terminator}". This endpoint uses "${TERMINATOR}".`);
  }
  if (scope.service !== input.service) {
    return refuse(
      malformed,
      `${prefix}incorrect service "${scope.service}". This endpoint belongs to "${input.service}".`,
    );
  }
  if (scope.region !== input.region) {
    return refuse(malformed, `${prefix}the region '${scope.region}' is wrong; expecting '${input.region}'`, [
      ['Region', input.region],
    ]);
  }
  if (!/^\d{8}$/.test(scope.date)) {
    return refuse(
      malformed,
      `${prefix}incorrect date format "${scope.date}". This date in the credential must be in the format "yyyyMMdd".`,
    );
  }
  const day = claim.amzDate.slice(0, 8);
  if (scope.date !== day) {
    return refuse(
      malformed,
      `${presigned ? '' : prefix}Invalid credential date "${scope.date}". This date is not the same as X-Amz-Date: "${day}".`,
    );
  }
  const ageMs = input.now.getTime() - at.getTime();
  if (claim.expiresSeconds === null) {
    if (Math.abs(ageMs) > CLOCK_WINDOW_MS) {
      return refuse(
        'RequestTimeTooSkewed',
        'The difference between the request time and the current time is too large.',
        [
          ['RequestTime', claim.amzDate],
          ['ServerTime', toServerTime(input.now)],
          ['MaxAllowedSkewMilliseconds', String(CLOCK_WINDOW_MS)],
        ],
      );
    }
  } else {
    if (ageMs < -CLOCK_WINDOW_MS) return refuse('AccessDenied', 'Request is not valid yet');
    if (ageMs > claim.expiresSeconds * 1_000) {
      const expired = new Date(at.getTime() + claim.expiresSeconds * 1_000);
      return refuse('AccessDenied', 'Request has expired', [
        ['X-Amz-Expires', String(claim.expiresSeconds)],
        ['Expires', toServerTime(expired)],
        ['ServerTime', toServerTime(input.now)],
      ]);
    }
  }

  // What it covers.
  const [host] = findHeaders(request.headers, 'host');
  if (host === undefined) return refuse('InvalidRequest', 'Missing required header for this request: host');
  const signed = new Set(claim.signedHeaders);
  if (!signed.has('host')) return notSigned(['host']);
  const unsigned = request.headers
    .map(([name]) => name.toLowerCase())
    .filter((name) => name.startsWith('x-amz-') && !signed.has(name));
  if (unsigned.length > 0) return notSigned(unsigned);
  const payload = findPayloadHash(input, claim.form, parameters);
  if (!payload.ok) return payload;

  // Whether it holds.
  const canonical = buildCanonicalRequest({
    request,
    pathRule: input.pathRule,
    payloadHash: payload.payloadHash,
    signedHeaders: claim.signedHeaders,
    ...(presigned && { exceptParameter: 'X-Amz-Signature' }),
  });
  if (canonical === null) return refuse('InvalidRequest', 'The request target has a % without two hexadecimal digits');
  const stages = buildStages(crypto, canonical, claim.amzDate, scope);
  const known = input.findCredentials(claim.accessKeyId, claim.sessionToken);
  let signatureHeld = false;
  let tokenHeld = false;
  let signingKey: Uint8Array | null = null;
  for (const credentials of known.length === 0 ? [NOBODY] : known) {
    const key = deriveSigningKey(crypto, credentials.secretAccessKey, scope, input.keyCache);
    const expected = hmacSha256Hex(crypto, key, stages.stringToSign);
    const holds = equalConstantTime(claim.signature, expected);
    const sameToken = equalConstantTime(claim.sessionToken ?? '', credentials.sessionToken ?? '');
    signatureHeld ||= holds;
    tokenHeld ||= sameToken;
    if (holds && sameToken) signingKey = key;
  }
  const { accessKeyId, signature } = claim;
  if (known.length === 0) {
    return {
      ...refuse('InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.', [
        ['AWSAccessKeyId', claim.accessKeyId],
      ]),
      accessKeyId,
    };
  }
  // As S3 does: a token that is sent and is not this key's is wrong whatever the signature.
  if ((claim.sessionToken !== null && !tokenHeld) || (signatureHeld && signingKey === null)) {
    return { ...refuse('InvalidToken', 'The provided token is malformed or otherwise invalid.'), accessKeyId };
  }
  if (signingKey === null) {
    const message =
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.';
    return { ...refuse('SignatureDoesNotMatch', message), stages, accessKeyId, signatureProvided: signature };
  }
  const { form, signedHeaders, sessionToken } = claim;
  const { payloadHash } = payload;
  return {
    ok: true,
    form,
    accessKeyId,
    sessionToken,
    scope,
    signedHeaders,
    payloadHash,
    signature,
    signingKey,
    at,
    stages,
  };
}

function notSigned(names: readonly string[]): VerifyFailure {
  return refuse('AccessDenied', 'There were headers present in the request which were not signed', [
    ['HeadersNotSigned', names.join(', ')],
  ]);
}

const toServerTime = (at: Date): string => `${at.toISOString().slice(0, 19)}Z`;
