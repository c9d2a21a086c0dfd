/**
 * From any failure to what S3 would answer. `refuse` makes a failure with an S3 code; `toS3Failure` is total: a WaybillError is
 * answered by its `s3Code` or by its type, anything else is an InternalError whose message tells nothing of the inside.
 */
import { WaybillError, isWaybillError, type FailureDetails, type FailureType } from '../../core/failures.ts';
import type { Stages, VerifyFailure } from '../../sigv4/types.ts';
import { S3_CODES, isS3Code, type S3Code } from './s3-codes.ts';

/** What is answered. `fields` follow Code and Message in the XML, in this order. */
export interface S3Failure {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Headers of the answer, names and values by turns. */
  readonly headers: readonly string[];
}

/** A failure that is answered with this S3 code. The type is the code's row's. */
export function refuse(
  code: S3Code,
  message: string = S3_CODES[code].message,
  details: FailureDetails = {},
  cause?: unknown,
): WaybillError {
  return new WaybillError(S3_CODES[code].type, message, { s3Code: code, ...details }, { cause });
}

/** What a store's failure means to a client, where the store did not say its own S3 code. */
const CODE_OF_TYPE: Partial<Record<FailureType, S3Code>> = {
  invalid_request: 'InvalidRequest',
  access_denied: 'AccessDenied',
  forbidden: 'AccessDenied',
  no_such_bucket: 'NoSuchBucket',
  no_such_key: 'NoSuchKey',
  no_such_upload: 'NoSuchUpload',
  precondition_failed: 'PreconditionFailed',
  not_modified: 'NotModified',
  range_unsatisfiable: 'InvalidRange',
  not_implemented: 'NotImplemented',
  body_corrupt: 'BadDigest',
  unsupported_key: 'InvalidURI',
  store_refused: 'InvalidRequest',
  store_slow_down: 'SlowDown',
  store_unreachable: 'ServiceUnavailable',
  store_timeout: 'ServiceUnavailable',
};

export function toS3Failure(error: unknown): S3Failure {
  if (!isWaybillError(error)) {
    return toFailure('InternalError', S3_CODES.InternalError.message);
  }
  const s3Code = error.details['s3Code'];
  if (isS3Code(s3Code)) {
    const failure = { ...toFailure(s3Code, toMessage(s3Code, error)), headers: toHeaders(s3Code, error) };
    const { details } = error;
    if (s3Code === 'SignatureDoesNotMatch') return { ...failure, fields: chunkFields(details) };
    const fields = detailFields(details);
    return { ...failure, fields: s3Code === 'InvalidRange' ? [...fields, ...sizeFields(details)] : fields };
  }
  const status = error.details['status'];
  if (typeof s3Code === 'string' && typeof status === 'number' && status >= 400 && status <= 599) {
    return { status, code: s3Code, message: plainMessage(error), fields: [], headers: [] };
  }
  const code = CODE_OF_TYPE[error.type] ?? 'InternalError';
  return toFailure(code, code === 'InternalError' ? S3_CODES.InternalError.message : S3_CODES[code].message);
}

/** What a request whose signature was not accepted is answered with. */
export function toSignatureFailure(failure: VerifyFailure): S3Failure {
  const status = S3_CODES[failure.code].status;
  return {
    status,
    code: failure.code,
    message: failure.message === '' ? S3_CODES[failure.code].message : failure.message,
    fields: failure.stages === undefined ? (failure.fields ?? []) : stageFields(failure, failure.stages),
    headers: [],
  };
}

/** Both texts that the server computed, so that the error is its own explanation; the expected signature never. */
function stageFields(failure: VerifyFailure, stages: Stages): (readonly [string, string])[] {
  return [
    ['AWSAccessKeyId', failure.accessKeyId ?? ''],
    ['StringToSign', stages.stringToSign],
    ['SignatureProvided', failure.signatureProvided ?? ''],
    ['StringToSignBytes', toHexBytes(stages.stringToSign)],
    ['CanonicalRequest', stages.canonicalRequest],
    ['CanonicalRequestBytes', toHexBytes(stages.canonicalRequest)],
  ];
}

/** The same of a chunk or a trailer of a body; the head of its request was in order. */
function chunkFields({ stringToSign, signatureProvided }: FailureDetails): (readonly [string, string])[] {
  if (typeof stringToSign !== 'string' || typeof signatureProvided !== 'string') return [];
  return [
    ['StringToSign', stringToSign],
    ['SignatureProvided', signatureProvided],
    ['StringToSignBytes', toHexBytes(stringToSign)],
  ];
}

const sizeFields = ({ sizeBytes }: FailureDetails): (readonly [string, string])[] =>
  typeof sizeBytes === 'number' ? [['ActualObjectSize', String(sizeBytes)]] : [];

/** S3 writes the bytes as hexadecimal pairs with a blank between. */
function toHexBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('hex').replace(/../g, '$& ').trimEnd();
}

function toFailure(code: S3Code, message: string): S3Failure {
  return { status: S3_CODES[code].status, code, message, fields: [], headers: [] };
}

function toHeaders(code: S3Code, error: WaybillError): readonly string[] {
  const sizeBytes = error.details['sizeBytes'];
  if (code === 'InvalidRange' && typeof sizeBytes === 'number')
    return ['Content-Range', `bytes */${String(sizeBytes)}`];
  if (S3_CODES[code].status !== 503) return [];
  return ['Retry-After', String(Math.max(1, Math.ceil((error.retryAfterMs ?? 1000) / 1000)))];
}

/** Codes that stand for many things, so that the store's own words tell more than the code's. */
const MANY_MEANINGS: ReadonlySet<S3Code> = new Set([
  'BadDigest',
  'BadRequest',
  'InvalidArgument',
  'InvalidRequest',
  'InvalidTag',
  'NotImplemented',
]);

/** A store tells its logs what happened, and its failures have a status; clients of S3 compare messages with S3's. */
function toMessage(code: S3Code, error: WaybillError): string {
  // What a provider said is passed on as it said it.
  if (error.details['providerStatus'] !== undefined) return plainMessage(error);
  const isOfStore = error.details['status'] !== undefined && !MANY_MEANINGS.has(code);
  return isOfStore ? S3_CODES[code].message : plainMessage(error);
}

/** The details that S3 names beside a message. The key of the request is its Resource already. */
const FIELD_NAMES: Readonly<Record<string, string>> = {
  bucket: 'BucketName',
  uploadId: 'UploadId',
  partNumber: 'PartNumber',
  argumentName: 'ArgumentName',
  argumentValue: 'ArgumentValue',
  condition: 'Condition',
  header: 'Header',
  method: 'Method',
  rangeRequested: 'RangeRequested',
  resourceType: 'ResourceType',
  clientSha256: 'ClientComputedContentSHA256',
  ourSha256: 'S3ComputedContentSHA256',
  contentMd5: 'Content-MD5',
  expectedDigest: 'ExpectedDigest',
  calculatedDigest: 'CalculatedDigest',
  chunk: 'Chunk',
  badChunkBytes: 'BadChunkSize',
};
/** What a caller sent is not sent back at any length. */
const FIELD_LENGTH_MAX = 1024;

function detailFields(details: FailureDetails): (readonly [string, string])[] {
  return Object.entries(FIELD_NAMES).flatMap(([detail, name]): [string, string][] => {
    const value = details[detail];
    return value === undefined || value === null ? [] : [[name, String(value).slice(0, FIELD_LENGTH_MAX)]];
  });
}

/** The message without its `[key=value, …]`: those are for logs. */
function plainMessage({ message, details }: WaybillError): string {
  const pairs = Object.entries(details).map(([key, value]) => `${key}=${String(value)}`);
  const suffix = ` [${pairs.join(', ')}]`;
  return message.endsWith(suffix) ? message.slice(0, -suffix.length) : message;
}
