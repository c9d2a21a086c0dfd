/** Writes what a step has done: one statement for each kind of effect, whatever the number of rows. */
import { WaybillError } from '../../core/failures.ts';
import type { DeliveryRecord, Fence, OutcomeRecord, StepEffects } from '../ledger.ts';
import type { TrafficByOperation } from '../../core/traffic.ts';
import type { Queryable } from './database.ts';

/** The transaction holds the fence. Traffic comes last, since its rows are the ones that batches at the same time share. */
export async function saveEffects(tx: Queryable, fence: Fence, effects: StepEffects): Promise<void> {
  await saveDeliveries(tx, fence, effects.deliveries ?? []);
  await saveOutcomes(tx, fence, effects.outcomes ?? []);
  await forget(tx, fence, effects.forgotten ?? []);
  await addTraffic(tx, fence, effects.traffic ?? {});
}

async function saveDeliveries(tx: Queryable, fence: Fence, deliveries: readonly DeliveryRecord[]): Promise<void> {
  if (deliveries.length === 0) return;
  if (fence.targetId === null) throw new WaybillError('invalid_state', 'a plan without a run delivers nothing');
  // One statement cannot touch a row twice: of one key, the last word counts.
  const rows = [...new Map(deliveries.map((delivery) => [delivery.key, delivery])).values()];
  await tx.query(
    `insert into delivery (target, attempt, key, source_etag, source_version, size_bytes, target_etag, checksum)
     select $1, $2, * from unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[])
     on conflict on constraint delivery_pkey do update set attempt = excluded.attempt, source_etag = excluded.source_etag,
       source_version = excluded.source_version, size_bytes = excluded.size_bytes, target_etag = excluded.target_etag,
       checksum = excluded.checksum, at = now()`,
    [
      fence.targetId,
      fence.attemptId,
      rows.map((row) => row.key),
      rows.map((row) => row.sourceEtag),
      rows.map((row) => row.sourceVersion),
      rows.map((row) => row.sizeBytes),
      rows.map((row) => row.targetEtag),
      rows.map((row) => row.checksum),
    ],
  );
  // The record of an upload is kept until what it made is delivered: a crash between the two finds it again.
  await tx.query('delete from upload where target = $1 and key = any($2::text[])', [
    fence.targetId,
    rows.map((row) => row.key),
  ]);
}

async function forget(tx: Queryable, fence: Fence, keys: readonly string[]): Promise<void> {
  if (keys.length === 0 || fence.targetId === null) return;
  await tx.query('delete from delivery where target = $1 and key = any($2::text[])', [fence.targetId, keys]);
}

async function saveOutcomes(tx: Queryable, fence: Fence, outcomes: readonly OutcomeRecord[]): Promise<void> {
  if (outcomes.length === 0) return;
  const rows = [...new Map(outcomes.map((outcome) => [`${outcome.code} ${outcome.key}`, outcome])).values()];
  await tx.query(
    `insert into outcome (attempt, key, code, detail) select $1, * from unnest($2::text[], $3::text[], $4::text[])
     on conflict on constraint outcome_pkey do update set detail = excluded.detail`,
    [fence.attemptId, rows.map((row) => row.key), rows.map((row) => row.code), rows.map((row) => row.detail)],
  );
}

async function addTraffic(tx: Queryable, fence: Fence, traffic: TrafficByOperation): Promise<void> {
  // In one order everywhere, so that two batches never wait for each other's rows crosswise.
  const rows = Object.entries(traffic)
    .map(([name, counts]) => {
      const slash = name.lastIndexOf('/');
      return { store: name.slice(0, slash), operation: name.slice(slash + 1), ...counts };
    })
    .sort((a, b) => (a.store + a.operation < b.store + b.operation ? -1 : 1));
  if (rows.length === 0) return;
  await tx.query(
    `insert into counter (attempt, store, operation, requests, bytes_in, bytes_out)
     select $1, * from unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
     on conflict on constraint counter_pkey do update set requests = counter.requests + excluded.requests,
       bytes_in = counter.bytes_in + excluded.bytes_in, bytes_out = counter.bytes_out + excluded.bytes_out`,
    [
      fence.attemptId,
      rows.map((row) => row.store),
      rows.map((row) => row.operation),
      rows.map((row) => row.requests),
      rows.map((row) => row.bytesIn),
      rows.map((row) => row.bytesOut),
    ],
  );
}
