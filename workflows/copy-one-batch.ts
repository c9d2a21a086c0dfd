/**
 * One batch, whatever its kind. A large object takes up to 157 groups of parts, so many of them at once would outgrow a history: between
 * two groups the run may stop, and goes on there in its next history.
 */
import { condition } from '@temporalio/workflow';
import type { Activities, BatchStep } from '../activities/types.ts';
import type { CopyCounts, UnfinishedLarge } from './types.ts';

export interface CopyOptions {
  readonly activities: Pick<Activities, 'copyBatch' | 'copyParts' | 'completeLarge'>;
  /** Where an earlier history left it. */
  readonly from: UnfinishedLarge | undefined;
  readonly isPaused: () => boolean;
  readonly shouldStop: () => boolean;
}

export type BatchEnd = { readonly counts: CopyCounts } | { readonly unfinished: UnfinishedLarge };

export async function copyOneBatch(batch: BatchStep, options: CopyOptions): Promise<BatchEnd> {
  const { activities, from, isPaused, shouldStop } = options;
  const { ordinal } = batch;
  let at = from;
  if (at === undefined) {
    const { counts, large } = await activities.copyBatch(batch);
    if (large === null) return { counts };
    at = { ordinal, partBatch: 0, partBatches: large.partBatches };
  }
  for (; at.partBatch < at.partBatches; at = { ...at, partBatch: at.partBatch + 1 }) {
    await condition(() => !isPaused() || shouldStop());
    if (shouldStop()) return { unfinished: at };
    await activities.copyParts({ ...batch, partBatch: at.partBatch });
  }
  const { counts } = await activities.completeLarge(batch);
  return { counts };
}
