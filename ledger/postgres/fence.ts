/**
 * The fence of every write: the target's row is locked at the attempt's epoch, so the write and a change of hands exclude each
 * other. Shared, so that the batches of one attempt commit side by side. A plan without a run owns no target: its own row stands in.
 */
import { WaybillError } from '../../core/failures.ts';
import type { Fence } from '../ledger.ts';
import type { Database, Queryable } from './database.ts';

/** @throws lease_lost */
export async function lockFence(tx: Queryable, fence: Fence, mode: 'share' | 'update' = 'share'): Promise<void> {
  if (!(await holdsFence(tx, fence, mode))) {
    throw new WaybillError('lease_lost', 'another attempt owns the target, or this one is closed', {
      attempt: fence.attemptId,
      epoch: fence.epoch,
    });
  }
}

/** Locks like `lockFence`, and says whether the fence holds. */
export async function holdsFence(tx: Queryable, fence: Fence, mode: 'share' | 'update' = 'share'): Promise<boolean> {
  const rows =
    fence.targetId === null
      ? await tx.query(`select 1 from attempt where id = $1 and epoch = $2 and target is null and live for ${mode}`, [
          fence.attemptId,
          fence.epoch,
        ])
      : await tx.query(`select 1 from target where id = $1 and epoch = $2 and owner_attempt = $3 for ${mode}`, [
          fence.targetId,
          fence.epoch,
          fence.attemptId,
        ]);
  return rows.length === 1;
}

/** A transaction that begins with the fence. @throws lease_lost */
export function fenced<T>(db: Database, fence: Fence, body: (tx: Queryable) => Promise<T>): Promise<T> {
  return db.transaction(async (tx) => {
    await lockFence(tx, fence);
    return body(tx);
  });
}
