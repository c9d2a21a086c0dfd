/**
 * A directory has no accounts: whoever may use it is its owner, and reads the access key id that the request was signed with as
 * the owner's id. So a client that compares the owner with itself finds itself, and learns of nobody else.
 */
import { refuse } from '../answer/s3-error.ts';
import { parentElement, textElement } from '../answer/xml.ts';
import type { VerifiedRequest } from '../backend.ts';

/** Owner, or Initiator of an upload. */
export const ownerElement = (request: VerifiedRequest, name: 'Owner' | 'Initiator' = 'Owner'): string =>
  parentElement(name, textElement('ID', request.accessKeyId), textElement('DisplayName', request.accessKeyId));

const EXPECTATIONS = ['x-amz-expected-bucket-owner', 'x-amz-source-expected-bucket-owner'];

/** What is asked of somebody else's bucket is not done to one's own. @throws AccessDenied */
export function checkExpectedOwner(request: VerifiedRequest): void {
  for (const name of EXPECTATIONS) {
    const expected = request.headers.get(name);
    if (expected !== undefined && expected !== request.accessKeyId) throw refuse('AccessDenied', 'Access Denied.');
  }
}
