/** What a server's error says by its code and message alone: most refusals name their cause, only SignatureDoesNotMatch does not. */
import type { Evidence } from '../evidence/evidence.ts';
import type { Fault } from './read-claim.ts';

interface Refusal {
  readonly code: RegExp;
  readonly message?: RegExp;
  readonly id: string;
  readonly what: string;
  readonly mend: string;
}

/** The first that fits is it. */
const REFUSALS: readonly Refusal[] = [
  {
    code: /^(?:RequestTimeTooSkewed|RequestExpired)$/,
    id: 'clock',
    what: 'the clock of the client and that of the server lie more than 15 minutes apart',
    mend: 'set the clock of the client (timedatectl set-ntp true), also inside virtual machines and containers; then sign anew',
  },
  {
    code: /./,
    message: /Signature expired|Signature not yet current|Request (?:has )?expired/i,
    id: 'signature-expired',
    what: 'the signature is out of its time: the presigned URL has expired, or the clocks differ',
    mend: 'sign anew; when that fails too, set the clock of the client',
  },
  {
    code: /./,
    message: /region '?[\w-]*'? is wrong; expecting '[\w-]+'|scoped to a valid region/i,
    id: 'region-wrong',
    what: 'it is signed for another region than the server serves',
    mend: 'sign for the region that the message expects: AWS_REGION, region_name, --region',
  },
  {
    code: /./,
    message: /scoped to correct service|incorrect service/i,
    id: 'service-wrong',
    what: 'it is signed for another service than the server is',
    mend: 'sign for the service that the message expects: s3 for objects',
  },
  {
    code: /./,
    message: /Date in Credential scope does not match|incorrect date/i,
    id: 'scope-date',
    what: 'the date of the scope is not the day of x-amz-date',
    mend: 'take the UTC date once, for both',
  },
  {
    code: /^(?:InvalidAccessKeyId|InvalidClientTokenId|UnrecognizedClientException)$/,
    id: 'access-key-unknown',
    what: 'the server does not know the access key id',
    mend: 'check which credentials won and whose server this is: waybill doctor names the source; a temporary key (ASIA…) needs its session token',
  },
  {
    code: /^(?:ExpiredToken|ExpiredTokenException|TokenRefreshRequired)$/,
    id: 'token-expired',
    what: 'the session token has expired',
    mend: 'get new temporary credentials, all three parts of them',
  },
  {
    code: /^(?:InvalidToken|InvalidTokenId)$/,
    id: 'token-invalid',
    what: 'the session token is not one of this access key, or was damaged on its way',
    mend: 'hand over key id, secret and token of one set; encode + and / of a token in a URL',
  },
  {
    code: /^XAmzContentSHA256Mismatch$/,
    id: 'payload-changed',
    what: 'the body that arrived is not the one whose hash was signed',
    mend: 'send the bytes that were hashed: curl --data-binary @file, and no proxy that rewrites or compresses bodies',
  },
  {
    code: /^(?:BadDigest|InvalidDigest|IncompleteBody)$/,
    id: 'payload-changed',
    what: 'the body that arrived is not the one whose checksum or length was sent',
    mend: 'send the bytes that were hashed, and let no proxy cut or rewrite bodies',
  },
  {
    code: /./,
    message: /not signed/i,
    id: 'amz-header-not-signed',
    what: 'a header was sent that is not signed and must be',
    mend: 'set x-amz- headers before signing, or leave them out',
  },
  {
    code: /./,
    message: /Only one auth mechanism/i,
    id: 'header-and-query',
    what: 'it is signed in a header and in the query',
    mend: 'use one: drop the Authorization header when you follow a presigned URL',
  },
  {
    code: /./,
    message: /Please use AWS4-HMAC-SHA256|authorization mechanism you have provided is not supported/i,
    id: 'sigv2',
    what: 'it is signed with Signature Version 2, which this server does not take',
    mend: 'sign with AWS4-HMAC-SHA256: signature_version = s3v4 in boto3 and the aws CLI, --no-signature-v2 in s3cmd',
  },
  {
    code: /^(?:NotImplemented|InvalidArgument|InvalidRequest)$/,
    message:
      /STREAMING-|x-amz-content-sha256 must be|trailing (?:header|checksum)|transfer-encoding|header you provided implies/i,
    id: 'payload-form-unsupported',
    what: 'the server does not take the form in which the body is signed (chunks or a trailing checksum)',
    mend: 'AWS_REQUEST_CHECKSUM_CALCULATION=when_required for new SDKs and the aws CLI; or sign the payload whole',
  },
  {
    code: /^(?:PermanentRedirect|TemporaryRedirect|IllegalLocationConstraintException)$/,
    id: 'endpoint-wrong',
    what: 'the bucket lives behind another endpoint than the one that was asked',
    mend: 'use the endpoint of the region of the bucket: waybill doctor names it',
  },
];

export function readRefusal({ error }: Evidence): readonly Fault[] {
  if (error === null) return [];
  const found = REFUSALS.find(
    ({ code, message }) => code.test(error.code) && (message === undefined || message.test(error.message)),
  );
  if (found === undefined) return [];
  const { id, what, mend } = found;
  return [{ id, what: withDetails(what, id, error), mend, rule: `the server refused it with ${error.code}` }];
}

/** Of the details only those whose form is known: a document may hold anything. */
function withDetails(what: string, id: string, { message, details }: NonNullable<Evidence['error']>): string {
  const of = (name: string): string | null => {
    const value = details?.find(([one]) => one === name)?.[1].trim() ?? '';
    return /^[\w:.+-]{1,64}$/.test(value) ? value : null;
  };
  if (id === 'clock') {
    const [request, server] = [of('RequestTime'), of('ServerTime')];
    const skew = request === null || server === null ? null : toSkew(request, server);
    return skew === null ? what : `${what} (signed ${String(request)}, server ${String(server)}: ${skew})`;
  }
  if (id === 'region-wrong') {
    const expected = of('Region') ?? /expecting '([\w-]{1,64})'/.exec(message)?.[1] ?? null;
    return expected === null ? what : `${what} (it expects ${expected})`;
  }
  if (id === 'endpoint-wrong') {
    const endpoint = of('Endpoint');
    return endpoint === null ? what : `${what} (${endpoint})`;
  }
  return what;
}

function toSkew(request: string, server: string): string | null {
  const iso = request.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const seconds = Math.round((Date.parse(iso) - Date.parse(server)) / 1000);
  if (Number.isNaN(seconds)) return null;
  return `the client is ${String(Math.abs(seconds))} seconds ${seconds < 0 ? 'behind' : 'ahead'}`;
}
