/**
 * Closing an attempt: by its own workflow, under its fence, or by the sweeper when the workflow is dead. Either way the target is free,
 * and what only a live attempt needs (pages, batches) is dropped. Claims stay: the next attempt looks at them.
 */
import { WaybillError } from '../../core/failures.ts';
import { isClosed, mayFollow, type RunState } from '../../core/run-state.ts';
import type { AttemptLedger } from '../ledger.ts';
import type { Database, Queryable } from './database.ts';
import { holdsFence, lockFence } from './fence.ts';

export function createEndAttempt(db: Database): Pick<AttemptLedger, 'endAttempt' | 'settleDeadAttempt'> {
  return {
    endAttempt: (fence, end) =>
      db.transaction(async (tx) => {
        const { attemptId } = fence;
        const holds = await holdsFence(tx, fence, 'update');
        const from = await lockState(tx, attemptId);
        if (!holds) {
          // Said again after it was done: the fence went with the first time.
          if (from === end.state) return;
          await lockFence(tx, fence);
        }
        if (!mayFollow(from, end.state)) {
          throw new WaybillError('invalid_state', 'the attempt cannot end so', { from, to: end.state });
        }
        await tx.query(
          `update attempt set state = $2, failure_type = $3, failure_message = $4, totals = $5, summary = $6, ended_at = now()
           where id = $1`,
          [
            attemptId,
            end.state,
            end.failure?.type ?? null,
            end.failure?.message ?? null,
            toJson(end.totals),
            toJson(end.summary),
          ],
        );
        if (fence.targetId !== null) {
          const done = end.state === 'done' ? ', last_done_attempt = $2' : '';
          await tx.query(`update target set owner_attempt = null${done} where id = $1 and owner_attempt = $2`, [
            fence.targetId,
            attemptId,
          ]);
        }
        await dropTransient(tx, attemptId);
      }),
    settleDeadAttempt: (attemptId, failure, state = 'failed') =>
      db.transaction(async (tx) => {
        const [row] = await tx.query<{ target: string | null }>('select target from attempt where id = $1', [
          attemptId,
        ]);
        if (row === undefined) throw new WaybillError('unknown_run', 'no such attempt', { attempt: attemptId });
        if (row.target !== null) await tx.query('select 1 from target where id = $1 for update', [row.target]);
        if (isClosed(await lockState(tx, attemptId))) return;
        await tx.query(
          'update attempt set state = $2, failure_type = $3, failure_message = $4, ended_at = now() where id = $1',
          [attemptId, state, failure.type, failure.message],
        );
        // The epoch rises, so that whatever still runs of it fails at its next write.
        await tx.query(
          'update target set epoch = epoch + 1, owner_attempt = null where owner_attempt = $1 and id = $2',
          [attemptId, row.target],
        );
        await dropTransient(tx, attemptId);
      }),
  };
}

async function lockState(tx: Queryable, attemptId: string): Promise<RunState> {
  const [row] = await tx.query<{ state: RunState }>('select state from attempt where id = $1 for update', [attemptId]);
  if (row === undefined) throw new WaybillError('unknown_run', 'no such attempt', { attempt: attemptId });
  return row.state;
}

const toJson = (value: object | undefined): string | null => (value === undefined ? null : JSON.stringify(value));

async function dropTransient(tx: Queryable, attemptId: string): Promise<void> {
  const own = '(select id from listing where attempt = $1)';
  await tx.query(`delete from page where listing in ${own}`, [attemptId]);
  await tx.query(`delete from unordered_entry where listing in ${own}`, [attemptId]);
  await tx.query(`delete from chunk where listing in ${own} and listing not in (select listing from manifest)`, [
    attemptId,
  ]);
  await tx.query('delete from batch where attempt = $1', [attemptId]);
  await tx.query('delete from release where attempt = $1', [attemptId]);
}
