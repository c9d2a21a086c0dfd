/**
 * If-Match and If-None-Match, on reads and on writes. A write under If-Match over a key that holds nothing is no_such_key,
 * as S3 answers it (404), not precondition_failed.
 * Source: Amazon S3 user guide, "Conditional reads" and "Conditional writes".
 */
import type { ReadConditions, WriteConditions } from '../store.ts';
import { noSuchKey, notModified, preconditionFailed } from './refusals.ts';

const matches = (condition: string, etag: string): boolean => condition === '*' || condition === etag;

/** @throws precondition_failed, not_modified */
export function checkReadConditions(conditions: ReadConditions, bucket: string, key: string, etag: string): void {
  if (conditions.ifMatch !== undefined && !matches(conditions.ifMatch, etag)) {
    throw preconditionFailed(bucket, key, 'If-Match');
  }
  if (conditions.ifNoneMatch !== undefined && matches(conditions.ifNoneMatch, etag)) {
    throw notModified(bucket, key);
  }
}

/**
 * @param etag that of the object at the key, undefined when there is none
 * @throws precondition_failed, no_such_key
 */
export function checkWriteConditions(
  conditions: WriteConditions,
  bucket: string,
  key: string,
  etag: string | undefined,
): void {
  if (conditions.ifNoneMatch !== undefined && etag !== undefined) {
    throw preconditionFailed(bucket, key, 'If-None-Match');
  }
  if (conditions.ifMatch !== undefined) {
    if (etag === undefined) {
      throw noSuchKey(bucket, key);
    }
    if (!matches(conditions.ifMatch, etag)) {
      throw preconditionFailed(bucket, key, 'If-Match');
    }
  }
}
