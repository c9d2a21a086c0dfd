/** Counts of what a batch did. */
import type { CopyCounts } from '../../workflows/types.ts';
import type { Action } from '../plan/action.ts';

export function toCounts(done: readonly Action[], failed: number): CopyCounts {
  const copied = done.filter((action) => action.op !== 'adopt');
  const adopted = done.filter((action) => action.op === 'adopt');
  const sum = (actions: readonly Action[]): number => actions.reduce((bytes, action) => bytes + action.sizeBytes, 0);
  return {
    copied: copied.length,
    copiedBytes: sum(copied),
    repaired: copied.filter((action) => action.op === 'repair').length,
    adopted: adopted.length,
    adoptedBytes: sum(adopted),
    failed,
  };
}
