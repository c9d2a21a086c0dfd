/**
 * x-amz-… headers of a write that ask for what a directory does not do. What would change who reads the object, how it is kept
 * or whether it can be deleted is refused rather than ignored; what only describes the request is let pass.
 */
import { refuse } from '../answer/s3-error.ts';

/** @throws NotImplemented, AccessControlListNotSupported */
export function checkWriteHeader(name: string, value: string): void {
  switch (name) {
    case 'x-amz-acl':
      // The two that mean what a directory does anyway.
      if (value !== 'private' && value !== 'bucket-owner-full-control') throw refuse('AccessControlListNotSupported');
      return;
    case 'x-amz-write-offset-bytes':
      throw refuse('NotImplemented', `The header ${name} is not offered.`);
    default:
      if (name.startsWith('x-amz-grant-')) throw refuse('AccessControlListNotSupported');
      if (name.startsWith('x-amz-object-lock-') || name.startsWith('x-amz-server-side-encryption-customer-')) {
        throw refuse('NotImplemented', `The header ${name} is not offered.`);
      }
  }
}
