/**
 * Whether it is an object's own that its signature does not match, and not the credentials'. Go's servers, for one, trim and collapse
 * every kind of Unicode's white space in a header that they verify, where S3 means spaces: metadata with a no-break space cannot be sent
 * to them. Such a request is refused for ever, and must not end the run of all the others.
 */
import { isWaybillError } from '../../core/failures.ts';
import { toTargetKey } from '../../core/pipeline.ts';
import type { Transfer } from './transfer.ts';
import { headTarget } from './write-conditions.ts';

export const isOfSignature = (error: unknown): boolean =>
  isWaybillError(error) && error.type === 'bad_credentials' && error.details['s3Code'] === 'SignatureDoesNotMatch';

/** One request: a question about the same key, signed by the same credentials, is answered. */
export function isAccepted(transfer: Transfer, key: string): Promise<boolean> {
  return headTarget(transfer, toTargetKey(transfer.spec, key)).then(
    () => true,
    () => false,
  );
}
