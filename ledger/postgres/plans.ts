/** What a plan is made from (deliveries) and what it is made of (batches). */
import { WaybillError } from '../../core/failures.ts';
import type { DeliveryRecord, Ledger, PlanBatch } from '../ledger.ts';
import type { Database } from './database.ts';
import { fenced } from './fence.ts';

type PlansLedger = Pick<
  Ledger,
  'readDeliveries' | 'loadDeliveries' | 'findTarget' | 'saveBatch' | 'loadBatch' | 'listBatches' | 'savePlanHash'
>;

const DELIVERY_COLUMNS = `key, source_etag as "sourceEtag", source_version as "sourceVersion", size_bytes as "sizeBytes",
  target_etag as "targetEtag", checksum`;

export function createPlans(db: Database): PlansLedger {
  return {
    readDeliveries: (targetId, after, limit) =>
      db.query<DeliveryRecord>(
        `select ${DELIVERY_COLUMNS} from delivery where target = $1 and key > $2 order by key limit $3`,
        // No key is empty, so '' is before all of them.
        [targetId, after ?? '', limit],
      ),
    async loadDeliveries(targetId, keys) {
      const rows = await db.query<DeliveryRecord>(
        `select ${DELIVERY_COLUMNS} from delivery where target = $1 and key = any($2::text[])`,
        [targetId, keys],
      );
      return new Map(rows.map((row) => [row.key, row]));
    },
    async findTarget(fingerprint) {
      const [row] = await db.query<{ id: string }>('select id from target where fingerprint = $1', [fingerprint]);
      return row?.id ?? null;
    },
    saveBatch: (fence, batch) =>
      fenced(db, fence, async (tx) => {
        await tx.query(
          `insert into batch (attempt, ordinal, kind, objects, size_bytes, body) values ($1, $2, $3, $4, $5, $6)
           on conflict on constraint batch_pkey do update set kind = excluded.kind, objects = excluded.objects,
             size_bytes = excluded.size_bytes, body = excluded.body`,
          [fence.attemptId, batch.ordinal, batch.kind, batch.objects, batch.sizeBytes, batch.body],
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
    listBatches: (attemptId, from, limit) =>
      db.query<Pick<PlanBatch, 'ordinal' | 'kind' | 'objects' | 'sizeBytes'>>(
        `select ordinal, kind, objects, size_bytes as "sizeBytes" from batch
         where attempt = $1 and ordinal >= $2 order by ordinal limit $3`,
        [attemptId, from, limit],
      ),
    savePlanHash: (fence, planHash) =>
      fenced(db, fence, async (tx) => {
        await tx.query('update attempt set plan_hash = $2 where id = $1', [fence.attemptId, planHash]);
      }),
  };
}
