/**
 * x-amz-copy-source: `bucket/key` or `/bucket/key`, percent-encoded, with `?versionId=ID` behind it. Decoded exactly once, by the
 * decoder of the target; what comes out is what the policy is asked about and what is read. A '+' is a blank, other than in a
 * path: so S3 reads this header, s5cmd writes it, and rclone and the SDKs escape their plus signs. Whoever passes the source on
 * prints it anew, with no bare '+' in it, so that both sides read one key.
 *
 * Parsed after the signature held and the query's headers were merged, so there is one value of it.
 */
import type { FailureDetails } from '../../core/failures.ts';
import { KEY_BYTES_MAX } from '../../core/limits.ts';
import { decodeComponent } from '../../sigv4/encode.ts';
import type { CopySource, Target } from '../backend.ts';
import { BUCKET } from './parse-target.ts';
import { refuse } from '../answer/s3-error.ts';
import { COPY_SOURCE } from './select-operation.ts';

/** Access points are no buckets; nothing here has one. */
const ARN = /^arn(:|%3a)/i;
/** No bucket has the form of an address. */
const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;
const VERSION = '?versionId=';

/**
 * The target with its source, when it is a copy; the target itself otherwise.
 * @throws invalid_request with s3Code InvalidArgument, also for a source where nothing is copied; NotImplemented for an ARN
 */
export function withCopySource(target: Target, headers: ReadonlyMap<string, string>): Target {
  const value = headers.get(COPY_SOURCE);
  if (value === undefined) return target;
  if (target.operation !== 'CopyObject' && target.operation !== 'UploadPartCopy') {
    throw refuse('InvalidArgument', 'You can only specify a copy source header for copy requests.');
  }
  return { ...target, source: parseCopySource(value) };
}

/** @throws invalid_request with s3Code InvalidArgument, KeyTooLongError; NotImplemented for an ARN */
export function parseCopySource(value: string): CopySource {
  if (ARN.test(value)) throw refuse('NotImplemented', 'A copy source is a bucket and a key, not an ARN.');
  const mark = value.indexOf(VERSION);
  const path = decode((mark < 0 ? value : value.slice(0, mark)).replaceAll('+', ' '));
  const versionId = mark < 0 ? undefined : decode(value.slice(mark + VERSION.length));
  const start = path.startsWith('/') ? 1 : 0;
  const slash = path.indexOf('/', start);
  const bucket = slash < 0 ? '' : path.slice(start, slash);
  const key = slash < 0 ? '' : path.slice(slash + 1);
  if (key === '') throw refuse('InvalidArgument', 'Invalid copy source object key', toArgument(value));
  if (!BUCKET.test(bucket) || IPV4.test(bucket)) {
    throw refuse('InvalidArgument', 'Invalid copy source bucket name', toArgument(value));
  }
  if (Buffer.byteLength(key) > KEY_BYTES_MAX) throw refuse('KeyTooLongError');
  if (versionId === '') throw refuse('InvalidArgument', 'Version id cannot be the empty string');
  return versionId === undefined ? { bucket, key } : { bucket, key, versionId };
}

function decode(text: string): string {
  const decoded = decodeComponent(text);
  if (decoded === null) throw refuse('InvalidArgument', 'Invalid copy source encoding', toArgument(text));
  return decoded;
}

const toArgument = (value: string): FailureDetails => ({ argumentName: COPY_SOURCE, argumentValue: value });
