/**
 * Makes a write conditional on what the plan saw at the target, so that an object of somebody else's is not overwritten, and a late
 * write of a dead worker not either. A store without conditional writes is asked first: HEAD, compare, PUT, under the epoch.
 */
import { isWaybillError, WaybillError } from '../../core/failures.ts';
import type { ObjectInfo, WriteConditions } from '../../stores/store.ts';
import type { Expected } from '../plan/action.ts';
import type { Transfer } from './transfer.ts';

export async function toConditions(
  transfer: Transfer,
  targetKey: string,
  expected: Expected,
): Promise<WriteConditions> {
  if (transfer.targetFacts.conditionalWrites) {
    return 'etag' in expected ? { ifMatch: expected.etag } : { ifNoneMatch: '*' };
  }
  const held = await headTarget(transfer, targetKey);
  const wanted = 'etag' in expected ? expected.etag : null;
  if ((held?.etag ?? null) !== wanted) {
    throw new WaybillError('precondition_failed', 'the target does not hold what the plan saw', { key: targetKey });
  }
  return {};
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
