/**
 * Makes a write conditional on what the plan saw at the target, so that an object of somebody else's is not overwritten, and a late
 * write of a dead worker not either. A store without conditional writes is asked first: HEAD, compare, PUT, under the epoch.
 */
import { isWaybillError, WaybillError } from '../../core/failures.ts';
import type { ObjectInfo, WriteConditions } from '../../stores/store.ts';
import type { Expected } from '../plan/action.ts';
import type { Transfer } from './transfer.ts';

const ABSENT: WriteConditions = { ifNoneMatch: '*' };

/**
 * No async function: the usual case passes the write's own promise on.
 * @throws precondition_failed when the target does not hold what the plan saw
 */
export function writeExpected<T>(
  transfer: Transfer,
  targetKey: string,
  expected: Expected,
  write: (conditions: WriteConditions) => Promise<T>,
): Promise<T> {
  // Nobody looked, and the pipeline overwrites whatever is there.
  if ('unknown' in expected && transfer.spec.overwrite === 'always') return write({});
  if (!transfer.targetFacts.conditionalWrites) return askAndWrite(transfer, targetKey, expected, write);
  if (!('etag' in expected)) return write(ABSENT);
  return write({ ifMatch: expected.etag }).catch((error: unknown) => {
    // Deleted since the plan saw it: S3 answers If-Match over nothing with 404.
    if (isWaybillError(error) && error.type === 'no_such_key') return write(ABSENT);
    throw error;
  });
}

async function askAndWrite<T>(
  transfer: Transfer,
  targetKey: string,
  expected: Expected,
  write: (conditions: WriteConditions) => Promise<T>,
): Promise<T> {
  const held = await headTarget(transfer, targetKey);
  // What was to be written over and is gone leaves the place free.
  if (held === null || ('etag' in expected && held.etag === expected.etag)) return write({});
  throw new WaybillError('precondition_failed', 'the target does not hold what the plan saw', { key: targetKey });
}

/** What the target holds under the key, or null. */
export async function headTarget(transfer: Transfer, targetKey: string): Promise<ObjectInfo | null> {
  try {
    return await transfer.target.head({ bucket: transfer.spec.target.bucket, key: targetKey });
  } catch (error) {
    if (isWaybillError(error) && error.type === 'no_such_key') return null;
    throw error;
  }
}

/** A store that answers a conditional write with 501 has to be told so in the configuration: then it is asked first, and compared. */
export function explainRefusal(error: unknown, store: string, conditionalWrites: boolean): unknown {
  if (!conditionalWrites || !isWaybillError(error) || error.type !== 'not_implemented') return error;
  return new WaybillError(
    'not_implemented',
    `the store ${store} does not offer conditional writes: set conditional_writes: false for it`,
    error.details,
    { cause: error },
  );
}
