/**
 * The S3 error codes that we answer with: HTTP status, the type of our failure table, and S3's own message. A message given
 * where the error is made wins over the one here. Source: AWS, "Error responses", list of error codes.
 */
import type { FailureType } from '../../core/failures.ts';

export interface S3CodeRow {
  readonly status: number;
  readonly type: FailureType;
  readonly message: string;
}

const row = (status: number, type: FailureType, message: string): S3CodeRow => ({ status, type, message });

export const S3_CODES = {
  AccessControlListNotSupported: row(400, 'invalid_request', 'The bucket does not allow ACLs.'),
  AccessDenied: row(403, 'access_denied', 'Access Denied'),
  AuthorizationHeaderMalformed: row(400, 'invalid_request', 'The authorization header that you provided is not valid.'),
  AuthorizationQueryParametersError: row(400, 'invalid_request', 'The authorization query parameters are not valid.'),
  BadDigest: row(400, 'invalid_request', 'The Content-MD5 you specified did not match what we received.'),
  BadRequest: row(400, 'invalid_request', 'The request is not valid HTTP.'),
  BucketAlreadyExists: row(409, 'store_refused', 'The requested bucket name is not available.'),
  BucketAlreadyOwnedByYou: row(
    409,
    'store_refused',
    'Your previous request to create the named bucket succeeded and you already own it.',
  ),
  BucketNotEmpty: row(409, 'store_refused', 'The bucket you tried to delete is not empty.'),
  ConditionalRequestConflict: row(
    409,
    'store_refused',
    'A conflicting operation occurred during this request. Try again.',
  ),
  EntityTooLarge: row(400, 'invalid_request', 'Your proposed upload exceeds the maximum allowed object size.'),
  EntityTooSmall: row(400, 'store_refused', 'Your proposed upload is smaller than the minimum allowed size'),
  ExpiredToken: row(400, 'invalid_request', 'The provided token has expired.'),
  IllegalLocationConstraintException: row(
    400,
    'invalid_request',
    'The specified location constraint is not the region of this endpoint.',
  ),
  IncompleteBody: row(
    400,
    'invalid_request',
    'You did not provide the number of bytes specified by the Content-Length HTTP header',
  ),
  InternalError: row(500, 'unclassified', 'We encountered an internal error. Please try again.'),
  InvalidAccessKeyId: row(403, 'access_denied', 'The AWS Access Key Id you provided does not exist in our records.'),
  InvalidArgument: row(400, 'invalid_request', 'Invalid Argument'),
  InvalidBucketAclWithObjectOwnership: row(
    400,
    'invalid_request',
    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
  ),
  InvalidBucketName: row(400, 'invalid_request', 'The specified bucket is not valid.'),
  InvalidChunkSizeError: row(
    400,
    'invalid_request',
    'Only the last chunk is allowed to have a size less than 8192 bytes',
  ),
  InvalidDigest: row(400, 'invalid_request', 'The Content-Md5 you specified is not valid.'),
  InvalidLocationConstraint: row(400, 'invalid_request', 'The specified location-constraint is not valid'),
  InvalidPart: row(
    400,
    'store_refused',
    "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
  ),
  InvalidPartNumber: row(416, 'range_unsatisfiable', 'The requested partnumber is not satisfiable.'),
  InvalidPartOrder: row(
    400,
    'store_refused',
    'The list of parts was not in ascending order. Parts must be ordered by part number.',
  ),
  InvalidRange: row(416, 'range_unsatisfiable', 'The requested range is not satisfiable'),
  InvalidRedirectLocation: row(
    400,
    'invalid_request',
    "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
  ),
  InvalidRequest: row(400, 'invalid_request', 'Invalid Request'),
  InvalidStorageClass: row(400, 'invalid_request', 'The storage class you specified is not valid'),
  InvalidTag: row(400, 'invalid_request', 'The tag provided was not a valid tag.'),
  InvalidToken: row(400, 'invalid_request', 'The provided token is malformed or otherwise not valid.'),
  InvalidURI: row(400, 'invalid_request', "The specified URI couldn't be parsed."),
  KeyTooLongError: row(400, 'invalid_request', 'Your key is too long.'),
  MalformedTrailerError: row(
    400,
    'invalid_request',
    'The request contained trailing data that was not well-formed or did not conform to our published schema.',
  ),
  MalformedXML: row(
    400,
    'invalid_request',
    'The XML you provided was not well-formed or did not validate against our published schema.',
  ),
  MetadataTooLarge: row(400, 'invalid_request', 'Your metadata headers exceed the maximum allowed metadata size'),
  MethodNotAllowed: row(405, 'invalid_request', 'The specified method is not allowed against this resource.'),
  MissingContentLength: row(411, 'invalid_request', 'You must provide the Content-Length HTTP header.'),
  MissingRequestBodyError: row(400, 'invalid_request', 'Request Body is empty'),
  MissingSecurityHeader: row(400, 'invalid_request', 'Your request is missing a required header.'),
  NoSuchBucket: row(404, 'no_such_bucket', 'The specified bucket does not exist.'),
  NoSuchKey: row(404, 'no_such_key', 'The specified key does not exist.'),
  NoSuchUpload: row(
    404,
    'no_such_upload',
    'The specified multipart upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
  ),
  NoSuchVersion: row(404, 'no_such_key', 'The specified version does not exist.'),
  NotImplemented: row(
    501,
    'not_implemented',
    'A header or a parameter you provided implies functionality that is not implemented.',
  ),
  NotModified: row(304, 'not_modified', 'Not Modified'),
  PreconditionFailed: row(412, 'precondition_failed', 'At least one of the pre-conditions you specified did not hold.'),
  RequestHeaderSectionTooLarge: row(
    431,
    'invalid_request',
    'Your request header section exceeds the maximum allowed size.',
  ),
  RequestTimeout: row(
    400,
    'invalid_request',
    'Your socket connection to the server was not read from or written to within the timeout period.',
  ),
  RequestTimeTooSkewed: row(
    403,
    'access_denied',
    'The difference between the request time and the current time is too large.',
  ),
  ServiceUnavailable: row(503, 'store_error', 'Please reduce your request rate.'),
  SignatureDoesNotMatch: row(
    403,
    'access_denied',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  ),
  SlowDown: row(503, 'store_slow_down', 'Please reduce your request rate.'),
  UnexpectedContent: row(400, 'invalid_request', 'This request does not support content.'),
  XAmzContentSHA256Mismatch: row(
    400,
    'body_corrupt',
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
  ),
} as const satisfies Record<string, S3CodeRow>;

export type S3Code = keyof typeof S3_CODES;

export function isS3Code(value: unknown): value is S3Code {
  return typeof value === 'string' && Object.hasOwn(S3_CODES, value);
}
