/**
 * What a request says of its own signature, read leniently: here a malformed claim is not to be refused but to be explained, so
 * whatever can be read is read, and what is wrong with its form is said.
 */
import { findHeaders } from '../canonical-headers.ts';
import { parseQuery } from '../canonical-query.ts';
import { TERMINATOR } from '../string-to-sign.ts';
import type { WireRequest } from '../types.ts';
import type { Stage } from './mutation.ts';
import type { SignedClaim } from './signing-inputs.ts';

export interface ReadClaim {
  readonly claim: SignedClaim | null;
  /** What is wrong with its form, each with the mend; the worst first. */
  readonly faults: readonly Fault[];
}

export interface Fault {
  readonly id: string;
  /** Absent: of the request as a whole. */
  readonly stage?: Stage;
  readonly rule?: string;
  readonly what: string;
  readonly mend: string;
}

const fault = (id: string, what: string, mend: string): Fault => ({ id, what, mend });

/** What logs write in place of the header's value: XXXX, ***, [REDACTED], <hidden>. */
const MASKED =
  /^(?:AWS4-HMAC-SHA256\s+)?[[<({*]*(?:X{3,}|\*{3,}|\u2022{3,}|REDACTED|HIDDEN|MASKED|FILTERED|SECRET)[\])>}*]*$/i;

/** Reads the claim of a header-signed or presigned request. */
export function readClaim(request: WireRequest): ReadClaim {
  const authorizations = findHeaders(request.headers, 'authorization');
  const parameters = parseQuery(request.query) ?? [];
  const inQuery = (name: string): string | undefined =>
    parameters.find(([one]) => one.toLowerCase() === name.toLowerCase())?.[1];
  const faults: Fault[] = [];
  if (authorizations.length > 1) {
    faults.push(
      fault(
        'authorization-twice',
        'there are two Authorization headers',
        'send one: a proxy or a second layer of the client adds another',
      ),
    );
  }
  const isPresigned = inQuery('X-Amz-Signature') !== undefined || inQuery('X-Amz-Algorithm') !== undefined;
  if (authorizations.length > 0 && isPresigned) {
    faults.push(
      fault(
        'header-and-query',
        'it is signed in a header and in the query',
        'use one: drop the Authorization header when you follow a presigned URL',
      ),
    );
  }
  const [authorization] = authorizations;
  if (
    /^AWS [^ ]+:/.test(authorization ?? '') ||
    (inQuery('AWSAccessKeyId') !== undefined && inQuery('Signature') !== undefined)
  ) {
    faults.push(
      fault(
        'sigv2',
        'it is signed with Signature Version 2',
        'sign with AWS4-HMAC-SHA256: signature_version = s3v4 in boto3 and the aws CLI, --no-signature-v2 in s3cmd',
      ),
    );
    return { claim: null, faults };
  }
  if (/AWS4-ECDSA-P256-SHA256/.test(`${authorization ?? ''}${inQuery('X-Amz-Algorithm') ?? ''}`)) {
    faults.push(
      fault(
        'sigv4a',
        'it is signed with Signature Version 4A',
        'sign with AWS4-HMAC-SHA256 and one region: multi-region access points use 4A',
      ),
    );
    return { claim: null, faults };
  }
  if (authorization !== undefined && MASKED.test(authorization)) {
    faults.push(
      fault(
        'authorization-masked',
        'the Authorization header was masked by what logged it, so that its signature is not here',
        'log it whole: rclone -vv --dump headers,auth; or look at it on the server',
      ),
    );
    return { claim: null, faults };
  }
  const read =
    authorization !== undefined
      ? readHeader(authorization, request, faults)
      : isPresigned
        ? readQuery(inQuery, faults)
        : null;
  if (read === null && faults.length === 0) {
    faults.push(
      fault(
        'not-signed',
        'it carries no signature',
        'sign it: neither an Authorization header nor X-Amz-Signature in the query is there',
      ),
    );
  }
  if (read !== null) checkClaim(read, request, faults);
  return { claim: read, faults };
}

function readHeader(value: string, request: WireRequest, faults: Fault[]): SignedClaim | null {
  if (!/^AWS4-HMAC-SHA256[ \t]/.test(value)) {
    faults.push(
      fault(
        'authorization-malformed',
        'the Authorization header does not begin with AWS4-HMAC-SHA256 and a space',
        'write AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…',
      ),
    );
  }
  const field = (name: string): string => new RegExp(`${name}\\s*=\\s*"?([^,\\s"]+)`, 'i').exec(value)?.[1] ?? '';
  const credential = field('Credential');
  const signedHeaders = field('SignedHeaders');
  const signature = field('Signature');
  if (credential === '' || signedHeaders === '' || signature === '') {
    faults.push(
      fault(
        'authorization-malformed',
        'the Authorization header lacks Credential, SignedHeaders or Signature',
        'write AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…',
      ),
    );
    return null;
  }
  const parts = toParts(credential, faults);
  const amzDate = findHeaders(request.headers, 'x-amz-date')[0] ?? toAmz(findHeaders(request.headers, 'date')[0] ?? '');
  return parts === null ? null : { form: 'header', ...parts, signedHeaders, signature, amzDate };
}

function readQuery(inQuery: (name: string) => string | undefined, faults: Fault[]): SignedClaim | null {
  const missing = [
    'X-Amz-Algorithm',
    'X-Amz-Credential',
    'X-Amz-Date',
    'X-Amz-Expires',
    'X-Amz-SignedHeaders',
    'X-Amz-Signature',
  ].filter((name) => inQuery(name) === undefined);
  if (missing.length > 0)
    faults.push(
      fault(
        'presigned-incomplete',
        `the URL lacks ${missing.join(', ')}`,
        'copy the URL whole: an unquoted & ends it in a shell',
      ),
    );
  const parts = toParts(inQuery('X-Amz-Credential') ?? '', faults);
  const expires = Number(inQuery('X-Amz-Expires') ?? '1');
  if (!(expires >= 1 && expires <= 604_800))
    faults.push(
      fault('expires', `X-Amz-Expires is ${String(inQuery('X-Amz-Expires'))}`, 'presign for 1 to 604800 seconds'),
    );
  if (parts === null) return null;
  return {
    form: 'presigned',
    ...parts,
    signedHeaders: inQuery('X-Amz-SignedHeaders') ?? 'host',
    signature: inQuery('X-Amz-Signature') ?? '',
    amzDate: inQuery('X-Amz-Date') ?? '',
  };
}

/** An access key id may hold slashes, so the scope is read from the right. */
function toParts(credential: string, faults: Fault[]): Pick<SignedClaim, 'accessKeyId' | 'scope'> | null {
  const parts = credential.split('/');
  if (parts.length < 5) {
    faults.push(
      fault(
        'credential-malformed',
        'the credential is not KEY/YYYYMMDD/REGION/SERVICE/aws4_request',
        'write the scope whole; an empty region leaves it one part short',
      ),
    );
    return null;
  }
  const [date = '', region = '', service = '', terminator = ''] = parts.slice(-4);
  return { accessKeyId: parts.slice(0, -4).join('/'), scope: { date, region, service, terminator } };
}

function checkClaim(claim: SignedClaim, request: WireRequest, faults: Fault[]): void {
  const { scope, amzDate } = claim;
  if (scope.terminator !== TERMINATOR)
    faults.push(
      fault('terminator', `the scope ends with ${JSON.stringify(scope.terminator)}`, 'end it with aws4_request'),
    );
  if (!/^\d{8}T\d{6}Z$/.test(amzDate)) {
    faults.push(
      fault(
        'date-malformed',
        amzDate === '' ? 'there is no x-amz-date' : `the date ${JSON.stringify(amzDate)} is not YYYYMMDDTHHMMSSZ`,
        'send x-amz-date as YYYYMMDDTHHMMSSZ, in UTC',
      ),
    );
  } else if (scope.date !== amzDate.slice(0, 8)) {
    faults.push(
      fault(
        'scope-date',
        `the scope is of ${scope.date} and x-amz-date of ${amzDate.slice(0, 8)}`,
        'take the UTC date once, for both',
      ),
    );
  }
  const names = claim.signedHeaders.split(';');
  if (!names.map((name) => name.toLowerCase()).includes('host'))
    faults.push(fault('host-not-signed', 'host is not among the signed headers', 'sign host'));
  if (names.some((name, index) => name !== name.toLowerCase() || (names[index - 1] ?? '') >= name)) {
    faults.push(
      fault(
        'signed-headers-form',
        'SignedHeaders is not a sorted list of lower-case names',
        'lower-case and sort the names, each once',
      ),
    );
  }
  for (const [name] of request.headers) {
    const lower = name.toLowerCase();
    if (lower.startsWith('x-amz-') && !names.includes(lower)) {
      faults.push(
        fault(
          'amz-header-not-signed',
          `${lower} was sent and not signed`,
          'set x-amz- headers before signing; S3 refuses unsigned ones',
        ),
      );
    }
  }
  const seen = new Set<string>();
  for (const [name] of request.headers) {
    const lower = name.toLowerCase();
    if (seen.has(lower) && (lower === 'host' || lower.startsWith('x-amz-')))
      faults.push(fault('header-twice', `${lower} appears twice`, 'send it once'));
    seen.add(lower);
  }
  if (claim.form === 'header' && scope.service.startsWith('s3') && !seen.has('x-amz-content-sha256')) {
    faults.push(
      fault(
        'content-sha256-missing',
        'x-amz-content-sha256 is missing',
        "send it and sign it; with curl add -H 'x-amz-content-sha256: …'",
      ),
    );
  }
}

/** `Sun, 22 Nov 2026 05:00:00 GMT` → the basic form; the text itself when it is no date. */
function toAmz(date: string): string {
  const at = Date.parse(date);
  return Number.isNaN(at) ? date : new Date(at).toISOString().replace(/[-:]|\.\d{3}/g, '');
}
