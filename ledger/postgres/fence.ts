/**
 * The fence of every write: the target's row is locked at the attempt's epoch, so the write and a change of hands exclude each
 * other. Shared, so that the batches of one attempt commit side by side. A plan without a run owns no target: its own row stands in.
 */
import { WaybillError } from '../../core/failures.ts';
import type { Fence } from '../ledger.ts';
import type { Parameter } from './check-parameters.ts';
import type { Database, Queryable } from './database.ts';

/** @throws lease_lost */
export async function lockFence(tx: Queryable, fence: Fence, mode: 'share' | 'update' = 'share'): Promise<void> {
  if (!(await holdsFence(tx, fence, mode))) throw toLeaseLost(fence);
}

export const toLeaseLost = ({ attemptId: attempt, epoch }: Fence): WaybillError =>
  new WaybillError('lease_lost', 'another attempt owns the target, or this one is closed', { attempt, epoch });

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

/** Of a statement of one's own: attempt, epoch and target. */
const OWNS_TARGET = 'select 1 from target where id = $3 and epoch = $2 and owner_attempt = $1';
const IS_LIVE_PLAN =
  'select 1 from attempt where id = $1 and epoch = $2 and target is null and live and $3::uuid is null';

/**
 * A transaction of one statement, which takes what it writes `from fence` and says of each row that it wrote it: the lock, the write and the
 * commit are one request instead of four. Its own parameters begin at $4, and $1 is the attempt. Returns whether it wrote anything.
 */
export async function writeFenced(
  db: Queryable,
  fence: Fence,
  sql: string,
  parameters: readonly Parameter[],
): Promise<boolean> {
  const lock = `${fence.targetId === null ? IS_LIVE_PLAN : OWNS_TARGET} for share`;
  const rows = await db.query(`with fence as materialized (${lock}) ${sql}`, [...toOwn(fence), ...parameters]);
  return rows.length > 0;
}

/**
 * Reads under the fence without a lock, which would be a commit to be written; whatever comes of it is fenced when it is written.
 * `sql` has no parameters but the fence's, and ends in its conditions.
 */
export function readFenced<Row extends object>(db: Queryable, fence: Fence, sql: string): Promise<Row[]> {
  const owns = fence.targetId === null ? IS_LIVE_PLAN : OWNS_TARGET;
  return db.query<Row>(`${sql} and exists (${owns})`, toOwn(fence));
}

const toOwn = ({ attemptId, epoch, targetId }: Fence): Parameter[] => [attemptId, epoch, targetId];
