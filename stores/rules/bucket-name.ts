/** S3's rules for the name of a general-purpose bucket. Source: Amazon S3 user guide, "Bucket naming rules". */
import { refused } from './refusals.ts';

const SHAPE = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** Names that S3 keeps for itself. */
const RESERVED_PREFIXES = ['xn--', 'sthree-'];
const RESERVED_SUFFIXES = ['-s3alias', '--ol-s3', '.mrap', '--x-s3', '--table-s3'];
const IPV4 = /^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;

export function isBucketName(name: string): boolean {
  return (
    SHAPE.test(name) &&
    !name.includes('..') &&
    !IPV4.test(name) &&
    !RESERVED_PREFIXES.some((prefix) => name.startsWith(prefix)) &&
    !RESERVED_SUFFIXES.some((suffix) => name.endsWith(suffix))
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
