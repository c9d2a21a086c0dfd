/**
 * What a store of our own answers when it cannot do what it was asked. Each carries the S3 code and status that a provider
 * would give, so that the gateway repeats them and callers see one behaviour whichever adapter is behind the port.
 * Source: Amazon S3 API reference, "List of error codes".
 */
import { WaybillError } from '../../core/failures.ts';
import type { FailureDetails } from '../../core/failures.ts';

export const noSuchBucket = (bucket: string): WaybillError =>
  new WaybillError('no_such_bucket', 'the bucket does not exist', { s3Code: 'NoSuchBucket', status: 404, bucket });

export const noSuchKey = (bucket: string, key: string): WaybillError =>
  new WaybillError('no_such_key', 'the object does not exist', { s3Code: 'NoSuchKey', status: 404, bucket, key });

/** Versions are not kept: the only version there is goes by the name `null`. */
export const noSuchVersion = (bucket: string, key: string): WaybillError =>
  new WaybillError('no_such_key', 'the object has no such version', {
    s3Code: 'NoSuchVersion',
    status: 404,
    bucket,
    key,
  });

export const noSuchUpload = (bucket: string, key: string, uploadId: string): WaybillError =>
  new WaybillError('no_such_upload', 'the multipart upload does not exist', {
    s3Code: 'NoSuchUpload',
    status: 404,
    bucket,
    key,
    uploadId,
  });

export const preconditionFailed = (
  bucket: string,
  key: string,
  condition: 'If-Match' | 'If-None-Match',
): WaybillError =>
  new WaybillError('precondition_failed', `${condition} does not hold`, {
    s3Code: 'PreconditionFailed',
    status: 412,
    bucket,
    key,
  });

export const notModified = (bucket: string, key: string): WaybillError =>
  new WaybillError('not_modified', 'the object still has this ETag', {
    s3Code: 'NotModified',
    status: 304,
    bucket,
    key,
  });

export const rangeUnsatisfiable = (sizeBytes: number): WaybillError =>
  new WaybillError('range_unsatisfiable', 'the range lies outside the object', {
    s3Code: 'InvalidRange',
    status: 416,
    sizeBytes,
  });

export const bodyCorrupt = (message: string, details: FailureDetails = {}, cause?: unknown): WaybillError =>
  new WaybillError('body_corrupt', message, details, { cause });

/** Any other refusal of the request itself. */
export const refused = (s3Code: string, status: number, message: string, details: FailureDetails = {}): WaybillError =>
  new WaybillError('store_refused', message, { s3Code, status, ...details });
