/**
 * Whether it is an object's own that its signature does not match, and not the credentials'. Go's servers, for one, trim and collapse
 * every kind of Unicode's white space in a header that they verify, where S3 means spaces: metadata with a no-break space cannot be sent
 * to them. Such a request is refused for ever, and must not end the run of all the others.
 */
import { isWaybillError } from '../../core/failures.ts';
import { toTargetKey } from '../../core/pipeline.ts';
import { retryTransient } from './retry-transient.ts';
import type { Transfer } from './transfer.ts';
import { headTarget } from './write-conditions.ts';

export const isOfSignature = (error: unknown): boolean =>
  isWaybillError(error) && error.type === 'bad_credentials' && error.details['s3Code'] === 'SignatureDoesNotMatch';

/**
 * Two requests: both stores answer a question about the same key, signed by the same credentials. Both, for the failure does not say
 * which of them it came from, and a target that answers says nothing of the source's credentials.
 */
export async function isAccepted(transfer: Transfer, key: string): Promise<boolean> {
  const { source, spec } = transfer;
  const questions = [
    () => headTarget(transfer, toTargetKey(spec, key)),
    () => source.head({ bucket: spec.source.bucket, key }).catch(ignoreAbsent),
  ];
  const answers = await Promise.allSettled(questions.map((ask) => retryTransient<unknown>(transfer, ask)));
  return answers.every(({ status }) => status === 'fulfilled');
}

function ignoreAbsent(error: unknown): null {
  if (isWaybillError(error) && error.type === 'no_such_key') return null;
  throw error;
}
