/** S3's rules for the name of a general-purpose bucket. Source: Amazon S3 user guide, "Bucket naming rules". */
import { refused } from './refusals.ts';

const SHAPE = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const IPV4 = /^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;

export function isBucketName(name: string): boolean {
  return (
    SHAPE.test(name) &&
    !name.includes('..') &&
    !IPV4.test(name) &&
    !name.startsWith('xn--') &&
    !name.endsWith('-s3alias')
  );
}

/** @throws store_refused with s3Code InvalidBucketName */
export function checkBucketName(name: string): void {
  if (!isBucketName(name)) {
    throw refused(
      'InvalidBucketName',
      400,
      'a bucket name is 3-63 of a-z 0-9 . - and begins and ends with a letter or digit',
      {
        bucket: name,
      },
    );
  }
}
