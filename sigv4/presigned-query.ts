/**
 * The signature parameters of a presigned URL. They are recognised by their exact names, and each may appear once: a second
 * X-Amz-Date or X-Amz-Expires would let one reader check the first and another believe the last.
 */
import { SIGV2_REFUSED, SIGV4A_REFUSED } from './authorization-header.ts';
import { type Claim, isVisible, parseCredential, parseSignedHeaders, refuse } from './claim.ts';
import { EXPIRES_MAX_SECONDS } from './limits.ts';
import { ALGORITHM } from './string-to-sign.ts';
import type { VerifyFailure } from './types.ts';

type Parameters = readonly (readonly [name: string, value: string])[];

const REQUIRED = [
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Signature',
  'X-Amz-Date',
  'X-Amz-SignedHeaders',
  'X-Amz-Expires',
] as const;

/** The parameters that a signature brings; they mean nothing to the operation. */
export const SIGNATURE_PARAMETERS: ReadonlySet<string> = new Set([
  ...REQUIRED,
  'X-Amz-Security-Token',
  'X-Amz-Content-Sha256',
]);

/** Which authentication the query asks for. */
export function toQueryForm(parameters: Parameters): 'none' | 'presigned' | 'sigv2' {
  const names = new Set(parameters.map(([name]) => name));
  if (names.has('X-Amz-Algorithm') || names.has('X-Amz-Signature') || names.has('X-Amz-Credential')) return 'presigned';
  if (names.has('AWSAccessKeyId') || (names.has('Signature') && names.has('Expires'))) return 'sigv2';
  return 'none';
}

/** Parses the signature parameters out of a decoded query. */
export function parsePresigned(parameters: Parameters): Claim | VerifyFailure {
  const values = new Map<string, string>();
  for (const [name, value] of parameters) {
    if (!SIGNATURE_PARAMETERS.has(name)) continue;
    if (values.has(name)) return malformed(`The query parameter ${name} may appear only once`);
    values.set(name, value);
  }
  const algorithm = values.get('X-Amz-Algorithm');
  if (algorithm === 'AWS4-ECDSA-P256-SHA256') return malformed(SIGV4A_REFUSED);
  if (algorithm === 'AWS') return refuse('InvalidRequest', SIGV2_REFUSED);
  if (algorithm !== undefined && algorithm !== ALGORITHM)
    return malformed('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"');
  if (REQUIRED.some((name) => !values.get(name))) {
    return malformed(
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, ' +
        'X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    );
  }
  const credential = parseCredential(values.get('X-Amz-Credential')!);
  if (credential === null) {
    return malformed(
      'Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  }
  const signedHeaders = parseSignedHeaders(values.get('X-Amz-SignedHeaders')!);
  if (signedHeaders === null) {
    return malformed('X-Amz-SignedHeaders must be lower-case names, sorted, each once, separated by ";"');
  }
  const signature = values.get('X-Amz-Signature')!;
  if (!isVisible(signature)) return malformed('X-Amz-Signature is mal-formed');
  const expiresText = values.get('X-Amz-Expires')!;
  if (!/^-?\d{1,15}$/.test(expiresText)) return malformed('X-Amz-Expires should be a number');
  const expiresSeconds = Number(expiresText);
  if (expiresSeconds < 0) return malformed('X-Amz-Expires must be non-negative');
  if (expiresSeconds === 0) return malformed('X-Amz-Expires must be at least 1');
  if (expiresSeconds > EXPIRES_MAX_SECONDS) {
    const max = String(EXPIRES_MAX_SECONDS);
    return malformed(
      `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${max} seconds`,
    );
  }
  return {
    form: 'presigned',
    ...credential,
    signedHeaders,
    signature,
    amzDate: values.get('X-Amz-Date')!,
    expiresSeconds,
    sessionToken: values.get('X-Amz-Security-Token') ?? null,
  };
}

function malformed(message: string): VerifyFailure {
  return refuse('AuthorizationQueryParametersError', message);
}
