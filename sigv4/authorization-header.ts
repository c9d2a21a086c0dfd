/**
 * The Authorization header of Signature Version 4:
 * `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`, with or without white space after the commas.
 */
import { type Claim, isVisible, parseCredential, parseSignedHeaders, refuse } from './claim.ts';
import { ALGORITHM } from './string-to-sign.ts';
import type { VerifyFailure } from './types.ts';

export const SIGV2_REFUSED =
  'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.';
export const SIGV4A_REFUSED =
  'AWS4-ECDSA-P256-SHA256 (Signature Version 4A) is not supported here. Please use AWS4-HMAC-SHA256 with the region of this endpoint.';

const COMPONENTS = ['Credential', 'SignedHeaders', 'Signature'] as const;

/** Parses the header's value; `amzDate` and the session token stand in headers of their own. */
export function parseAuthorization(value: string, amzDate: string, sessionToken: string | null): Claim | VerifyFailure {
  const space = value.search(/[ \t]/);
  const scheme = space < 0 ? value : value.slice(0, space);
  if (space < 0) {
    return invalid("Authorization header is invalid -- one and only one ' ' (space) required.", value);
  }
  if (scheme === 'AWS') return refuse('InvalidRequest', SIGV2_REFUSED);
  if (scheme === 'AWS4-ECDSA-P256-SHA256') return refuse('InvalidRequest', SIGV4A_REFUSED);
  if (scheme !== ALGORITHM) return invalid('Unsupported Authorization Type', value);

  const pieces = space < 0 ? [] : value.slice(space).split(',');
  if (pieces.length !== COMPONENTS.length) {
    return malformed('the authorization header requires three components: Credential, SignedHeaders, and Signature.');
  }
  const fields = new Map<string, string>();
  for (const piece of pieces) {
    const field = piece.trim();
    const equals = field.indexOf('=');
    if (equals < 0) {
      const shown = isVisible(field) ? ` "${field.slice(0, 64)}"` : '';
      return malformed(`the authorization component${shown} is malformed.`);
    }
    fields.set(field.slice(0, equals), field.slice(equals + 1));
  }
  // Three pieces with three different names, so that none of them stands twice.
  const missing = COMPONENTS.find((name) => !fields.has(name));
  if (missing !== undefined) return malformed(`missing ${missing}.`);
  const [credentialText = '', signedHeadersText = '', signature = ''] = COMPONENTS.map((name) => fields.get(name));
  const credential = parseCredential(credentialText);
  if (credential === null)
    return malformed('the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".');
  const signedHeaders = parseSignedHeaders(signedHeadersText);
  if (signedHeaders === null)
    return malformed('SignedHeaders must be lower-case names, sorted, each once, separated by ";"');
  if (!isVisible(signature)) return malformed('the Signature is mal-formed');
  return { form: 'header', ...credential, signedHeaders, signature, amzDate, expiresSeconds: null, sessionToken };
}

function malformed(what: string): VerifyFailure {
  return refuse('AuthorizationHeaderMalformed', `The authorization header is malformed; ${what}`);
}

/** As S3 does, with what was sent: to whoever sent it, and cut to what a person needs to see. */
function invalid(what: string, value: string): VerifyFailure {
  const shown = isVisible(value.replaceAll(' ', '')) ? value.slice(0, 64) : '';
  return refuse('InvalidArgument', what, [
    ['ArgumentName', 'Authorization'],
    ['ArgumentValue', shown],
  ]);
}
