/**
 * How long a successor stays quiet before its first store write. A claim that nobody took back means an execution that may still be
 * writing: of an attempt over the same place that was closed, or of an earlier workflow run of this attempt. It notices within a
 * heartbeat time-out, counted from when its attempt was closed or its epoch was lost.
 */
import type { Fence } from '../ledger.ts';
import type { Queryable } from './database.ts';

const FOREIGN_CLAIMS = `claim c join attempt o on o.id = c.attempt join attempt me on me.id = $1
  where (o.id <> me.id and o.location = me.location and not o.live) or (o.id = me.id and c.epoch < $2)`;

export async function loadQuietMs(tx: Queryable, fence: Fence, heartbeatTimeoutMs: number): Promise<number> {
  const [row] = await tx.query<{ elapsed_ms: number | null }>(
    `select floor(extract(epoch from clock_timestamp() -
       max(case when o.id = me.id then me.epoch_at else o.ended_at end)) * 1000)::bigint as elapsed_ms from ${FOREIGN_CLAIMS}`,
    [fence.attemptId, fence.epoch],
  );
  const elapsedMs = row?.elapsed_ms ?? null;
  return elapsedMs === null ? 0 : Math.min(heartbeatTimeoutMs, Math.max(0, heartbeatTimeoutMs - elapsedMs));
}

/** Forgets the claims of executions that are quiet by now. */
export async function dropClaims(tx: Queryable, fence: Fence): Promise<void> {
  await tx.query(
    `delete from claim where (attempt, manifest_hash, step, ordinal) in
       (select c.attempt, c.manifest_hash, c.step, c.ordinal from ${FOREIGN_CLAIMS})`,
    [fence.attemptId, fence.epoch],
  );
}
