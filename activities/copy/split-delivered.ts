/** What an earlier execution of the same step delivered, and did not live to commit, is not copied again. */
import { toTargetKey } from '../../core/pipeline.ts';
import type { Action } from '../plan/action.ts';
import type { Transfer } from './transfer.ts';

/** A repair is always to do: its delivery was there before, and the write's condition keeps it from being stored twice. */
export async function splitDelivered<T extends Action>(
  transfer: Transfer,
  actions: readonly T[],
): Promise<{ done: T[]; todo: T[] }> {
  const { step, spec } = transfer;
  if (step.runtime.tryNumber === 1 || step.fence.targetId === null) return { done: [], todo: [...actions] };
  const keys = actions.map((action) => toTargetKey(spec, action.key));
  const delivered = await step.deps.ledger.loadDeliveries(step.fence.targetId, keys);
  const isDone = (action: T): boolean => {
    const record = delivered.get(toTargetKey(spec, action.key));
    if (action.op === 'adopt' && record?.targetEtag !== action.targetEtag) return false;
    return action.op !== 'repair' && record?.sourceEtag === action.etag && record.sizeBytes === action.sizeBytes;
  };
  return { done: actions.filter(isDone), todo: actions.filter((action) => !isDone(action)) };
}
