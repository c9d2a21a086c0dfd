/**
 * What a provider's refusal becomes: a failure of the table with the provider's status, S3 code and message. Nothing else of its
 * error document is passed on: SignatureDoesNotMatch quotes the canonical request, and that holds the session token.
 *
 * A redirect is never followed, for it would carry a signed request to a host that nobody configured; it says which region the
 * bucket is in.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { WaybillError } from '../../core/failures.ts';
import type { FailureType } from '../../core/failures.ts';
import type { Operation } from '../../core/traffic.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { childText, parseXml } from '../answer/parse-xml.ts';
import { isS3Code, S3_CODES } from '../answer/s3-codes.ts';
import { scrubSecrets } from '../answer/secret-scrubber.ts';

export interface ProviderAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The start of the body, as far as it was kept. */
  readonly body: Uint8Array;
}

export interface Asked {
  readonly store: string;
  readonly region: string;
  readonly operation: Operation;
}

interface ErrorDocument {
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly region?: string | undefined;
}

const MESSAGE_CHARACTERS_MAX = 1000;
const CODE = /^[A-Za-z][A-Za-z0-9._]{0,63}$/;
const REGION = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The gateway's own signature, keys or clock at the provider; the caller's are in order, or it would not have got here. */
const OURS: ReadonlySet<string> = new Set([
  'AuthorizationHeaderMalformed',
  'ExpiredToken',
  'InvalidAccessKeyId',
  'InvalidSecurity',
  'InvalidToken',
  'NotSignedUp',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
]);

const TYPE_BY_CODE: Readonly<Record<string, FailureType>> = {
  AccessDenied: 'access_denied',
  AllAccessDisabled: 'access_denied',
  BadDigest: 'body_corrupt',
  IncompleteBody: 'body_corrupt',
  InvalidRange: 'range_unsatisfiable',
  NoSuchBucket: 'no_such_bucket',
  NoSuchKey: 'no_such_key',
  NoSuchUpload: 'no_such_upload',
  NotImplemented: 'not_implemented',
  PreconditionFailed: 'precondition_failed',
  RequestTimeout: 'store_timeout',
  ServiceUnavailable: 'store_slow_down',
  SlowDown: 'store_slow_down',
  ThrottlingException: 'store_slow_down',
  TooManyRequests: 'store_slow_down',
  XAmzContentSHA256Mismatch: 'body_corrupt',
};

/** For answers without a document: to HEAD, and from whatever stands before the provider. */
const CODE_BY_STATUS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  403: 'AccessDenied',
  404: 'NoSuchKey',
  405: 'MethodNotAllowed',
  409: 'OperationAborted',
  411: 'MissingContentLength',
  412: 'PreconditionFailed',
  416: 'InvalidRange',
  429: 'SlowDown',
  501: 'NotImplemented',
  503: 'ServiceUnavailable',
};

/** For a refusal, or an <Error> that came with 200. Never throws; never holds a secret, whatever the provider wrote. */
export function toProviderFailure(answer: ProviderAnswer, asked: Asked, credentials: Credentials): WaybillError {
  const { headers } = answer;
  const document = parseErrorDocument(answer.body);
  // S3 answers long operations with 200 before it knows; what the code means is what counts then.
  const status = answer.status < 300 ? statusOfCode(document.code) : answer.status;
  const requestId = headers['x-amz-request-id'];
  const details = {
    store: asked.store,
    operation: asked.operation,
    providerStatus: status,
    ...(status === 416 ? toSize(headers['content-range']) : {}),
    ...(typeof requestId === 'string' && /^[\w+/=.-]{1,128}$/.test(requestId) ? { providerRequestId: requestId } : {}),
  };
  const region = findRegion(document, headers);
  if (status < 400 || document.code === 'PermanentRedirect') {
    const where = region === undefined ? 'another region' : `region ${region}`;
    return new WaybillError(
      'store_refused',
      `the bucket is in ${where}, and store ${asked.store} is configured for ${asked.region}: redirects are not followed`,
      {
        s3Code: document.code ?? 'PermanentRedirect',
        status: 502,
        ...details,
        ...(region === undefined ? {} : { region }),
      },
    );
  }
  const code = document.code ?? codeOfStatus(status, asked.operation);
  const said = document.message === undefined ? '' : scrubSecrets(document.message, credentials);
  const regionHint =
    code === 'AuthorizationHeaderMalformed' && region !== undefined ? `; the bucket is in region ${region}` : '';
  const message = OURS.has(code)
    ? `the store does not accept the gateway's credentials or signature: ${said}${regionHint}`
    : said || `the store answered ${status}`;
  return new WaybillError(
    typeOf(code, status),
    message,
    { s3Code: code, status, ...details },
    { retryAfterMs: parseRetryAfterMs(headers['retry-after']) },
  );
}

function typeOf(code: string, status: number): FailureType {
  if (OURS.has(code)) return 'bad_credentials';
  if (Object.hasOwn(TYPE_BY_CODE, code)) return TYPE_BY_CODE[code] ?? 'store_error';
  return status >= 500 ? 'store_error' : 'store_refused';
}

const statusOfCode = (code: string | undefined): number =>
  isS3Code(code) && S3_CODES[code].status >= 400 ? S3_CODES[code].status : 500;

function codeOfStatus(status: number, operation: Operation): string {
  if (status === 404 && (operation === 'HeadBucket' || operation === 'ListObjectsV2')) return 'NoSuchBucket';
  return CODE_BY_STATUS[status] ?? (status >= 500 ? 'InternalError' : 'InvalidRequest');
}

function findRegion(document: ErrorDocument, headers: IncomingHttpHeaders): string | undefined {
  const header = headers['x-amz-bucket-region'];
  const region = typeof header === 'string' ? header : document.region;
  return region !== undefined && REGION.test(region) ? region : undefined;
}

/** Of the whole object, which a range lies outside of. */
function toSize(contentRange: string | undefined): { readonly sizeBytes?: number } {
  const size = /^bytes \*\/(\d{1,15})$/.exec(contentRange ?? '')?.[1];
  return size === undefined ? {} : { sizeBytes: Number(size) };
}

/** What is not S3's error document is nothing: a proxy's page of HTML says no code. */
function parseErrorDocument(body: Uint8Array): ErrorDocument {
  if (body.byteLength === 0) return {};
  try {
    const root = parseXml(body, 'Error');
    const code = childText(root, 'Code')?.trim();
    if (code === undefined || !CODE.test(code)) return {};
    return { code, message: toPlainText(childText(root, 'Message') ?? ''), region: childText(root, 'Region')?.trim() };
  } catch {
    return {};
  }
}

/** One line of bounded length; a message that ends in `[…]` would be taken for our own details, so brackets become round. */
function toPlainText(text: string): string {
  return text
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .replaceAll('[', '(')
    .replaceAll(']', ')')
    .trim()
    .slice(0, MESSAGE_CHARACTERS_MAX);
}

function parseRetryAfterMs(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,4}$/.test(value) ? Number(value) * 1000 : undefined;
}
