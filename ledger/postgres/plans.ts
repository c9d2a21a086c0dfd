/** What a plan is made of: batches. */
import { WaybillError } from '../../core/failures.ts';
import type { PlanBatch, PlanLedger } from '../ledger.ts';
import type { Parameter } from './check-parameters.ts';
import type { Database } from './database.ts';
import { fenced } from './fence.ts';

export function createPlans(db: Database): PlanLedger {
  return {
    async findTarget(fingerprint) {
      const [row] = await db.query<{ id: string }>('select id from target where fingerprint = $1', [fingerprint]);
      return row?.id ?? null;
    },
    saveBatches: (fence, batches) =>
      fenced(db, fence, async (tx) => {
        const parameters: Parameter[] = [fence.attemptId];
        const rows = batches.map(({ ordinal, kind, objects, sizeBytes, body }) => {
          const first = parameters.push(ordinal, kind, objects, sizeBytes, body) - 4;
          return `($1, ${[0, 1, 2, 3, 4].map((at) => `$${String(first + at)}`).join(', ')})`;
        });
        await tx.query(
          `insert into batch (attempt, ordinal, kind, objects, size_bytes, body) values ${rows.join(', ')}
           on conflict on constraint batch_pkey do update set kind = excluded.kind, objects = excluded.objects,
             size_bytes = excluded.size_bytes, body = excluded.body`,
          parameters,
        );
      }),
    async loadBatch(attemptId, ordinal) {
      const [row] = await db.query<PlanBatch>(
        'select ordinal, kind, objects, size_bytes as "sizeBytes", body from batch where attempt = $1 and ordinal = $2',
        [attemptId, ordinal],
      );
      if (row === undefined) {
        // Batches go when the attempt ends: whoever still asks for one is late.
        throw new WaybillError('lease_lost', 'the attempt has no such batch', { attempt: attemptId, ordinal });
      }
      return row;
    },
    savePlanHash: (fence, planHash) =>
      fenced(db, fence, async (tx) => {
        await tx.query('update attempt set plan_hash = $2 where id = $1', [fence.attemptId, planHash]);
      }),
  };
}
