/** S3's rules for bucket names; directories follow them too, so that a pipeline can change sides. */
import { isIP } from 'node:net';

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Null when the name is allowed, else what was expected. */
export function checkBucketName(name: string): string | null {
  if (!BUCKET.test(name)) {
    return 'expected a bucket name: 3 to 63 of a-z 0-9 . -, beginning and ending with a letter or a digit';
  }
  if (name.includes('..') || name.includes('.-') || name.includes('-.')) {
    return 'expected a bucket name without two dots in a row, and without a dot beside a hyphen';
  }
  return isIP(name) === 0 ? null : 'expected a bucket name that is not an IP address';
}
