/** Keys of the customer on a read. Nothing here is encrypted with one, and S3 refuses to read what is not with a key all the same. */
import { refuse } from '../answer/s3-error.ts';

/** @param prefix of the headers' names, which the source of a copy has others of. @throws InvalidRequest */
export function checkCustomerKey(headers: ReadonlyMap<string, string>, prefix = 'x-amz-'): void {
  if (!headers.has(`${prefix}server-side-encryption-customer-algorithm`)) return;
  throw refuse('InvalidRequest', 'The encryption parameters are not applicable to this object.');
}
