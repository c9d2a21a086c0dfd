/**
 * An attempt's life while it is live: it takes its target, moves along the states, and tells how far it is.
 *
 * Locks are always taken in the order target, attempt. The epoch rises once for each workflow run that begins the attempt; a repeated
 * call of the same workflow run (an activity that is retried, a workflow that continued as new) gets the fence that it has.
 */
import { WaybillError } from '../../core/failures.ts';
import type { OutcomeCode } from '../../core/outcomes.ts';
import type { PipelineSpec } from '../../core/pipeline.ts';
import { isClosed, LIVE_STATES, mayFollow, type RunState } from '../../core/run-state.ts';
import type { Traffic } from '../../core/traffic.ts';
import type { AttemptLedger, BegunAttempt, Fence } from '../ledger.ts';
import type { Database, Queryable } from './database.ts';
import { fenced, lockFence, readFenced, toLeaseLost, writeFenced } from './fence.ts';
import { dropClaims, loadQuietMs } from './quiet.ts';
import { selectRun } from './run-record.ts';

interface AttemptRow {
  readonly id: string;
  readonly state: RunState;
  readonly target: string | null;
  readonly epoch: number | null;
  readonly workflow_run_id: string | null;
}

export function createAttempts(db: Database): Omit<AttemptLedger, 'endAttempt' | 'settleDeadAttempt'> {
  return {
    beginAttempt: (runUuid, workflowRunId, heartbeatTimeoutMs, wantedId) =>
      db.transaction(async (tx) => {
        const { attempt_id: attemptId } = await selectRun(tx, runUuid);
        if (wantedId !== undefined && wantedId !== attemptId) {
          throw new WaybillError('lease_lost', 'the run is at another attempt', { attempt: wantedId, now: attemptId });
        }
        const fence = await takeFence(tx, attemptId, workflowRunId);
        const quietMs = await loadQuietMs(tx, fence, heartbeatTimeoutMs);
        if (quietMs === 0) await dropClaims(tx, fence);
        return loadBegun(tx, fence, quietMs);
      }),
    async loadAttempt(fence) {
      const [row] = await readFenced<BegunRow>(db, fence, SELECT_BEGUN);
      if (row === undefined) throw toLeaseLost(fence);
      return toBegun(row, fence, 0);
    },
    loadSpec: async (attemptId) => (await loadOrigin(db, attemptId)).spec,
    loadOrigin: (attemptId) => loadOrigin(db, attemptId),
    async setState(fence, state) {
      const before = LIVE_STATES.filter((from) => from !== state && mayFollow(from, state));
      const sql = 'update attempt set state = $4 from fence where id = $1 and state = any($5::text[]) returning 1';
      if (await writeFenced(db, fence, sql, [state, before])) return;
      // It is there already, or cannot go there, or the lease is lost.
      await fenced(db, fence, async (tx) => {
        const { state: from } = await lockAttempt(tx, fence.attemptId);
        if (!mayFollow(from, state))
          throw new WaybillError('invalid_state', 'the attempt cannot go there', { from, to: state });
        if (from !== state) await tx.query('update attempt set state = $2 where id = $1', [fence.attemptId, state]);
      });
    },
    async saveVerification(attemptId, verification) {
      await db.query('update attempt set verification = $2 where id = $1', [attemptId, JSON.stringify(verification)]);
    },
    async loadProgress(attemptId) {
      const outcomes = await db.query<{ code: OutcomeCode; n: number }>(
        'select code, count(*) as n from outcome where attempt = $1 group by code',
        [attemptId],
      );
      const traffic = await db.query<{ name: string } & Traffic>(
        `select store || '/' || operation as name, requests, bytes_in as "bytesIn", bytes_out as "bytesOut"
         from counter where attempt = $1 order by store, operation`,
        [attemptId],
      );
      return {
        outcomes: Object.fromEntries(outcomes.map(({ code, n }) => [code, n])),
        traffic: Object.fromEntries(traffic.map(({ name, ...counts }) => [name, counts])),
      };
    },
  };
}

async function takeFence(tx: Queryable, attemptId: string, workflowRunId: string): Promise<Fence> {
  const [found] = await tx.query<{ target: string | null }>('select target from attempt where id = $1', [attemptId]);
  const targetId = found?.target ?? null;
  if (targetId !== null) await tx.query('select 1 from target where id = $1 for update', [targetId]);
  const attempt = await lockAttempt(tx, attemptId);
  if (isClosed(attempt.state)) {
    throw new WaybillError('lease_lost', 'the attempt is closed', { attempt: attemptId, state: attempt.state });
  }
  if (attempt.epoch !== null && attempt.workflow_run_id === workflowRunId) {
    const fence = { attemptId, targetId, epoch: attempt.epoch };
    await lockFence(tx, fence, 'update');
    return fence;
  }
  const epoch = await raiseEpoch(tx, attempt);
  // A workflow that replaces one which vanished starts from the beginning; the steps that are stored it skips.
  await tx.query(
    `update attempt set epoch = $2, workflow_run_id = $3, state = 'accepted', epoch_at = now(),
       started_at = coalesce(started_at, now()) where id = $1`,
    [attemptId, epoch, workflowRunId],
  );
  return { attemptId, targetId, epoch };
}

async function raiseEpoch(tx: Queryable, attempt: AttemptRow): Promise<number> {
  if (attempt.target === null) return (attempt.epoch ?? 0) + 1;
  const [row] = await tx.query<{ epoch: number }>(
    'update target set epoch = epoch + 1, owner_attempt = $2 where id = $1 returning epoch',
    [attempt.target, attempt.id],
  );
  if (row === undefined)
    throw new WaybillError('unclassified', 'an attempt has no target row', { attempt: attempt.id });
  return row.epoch;
}

async function lockAttempt(tx: Queryable, attemptId: string): Promise<AttemptRow> {
  const [row] = await tx.query<AttemptRow>(
    'select id, state, target, epoch, workflow_run_id from attempt where id = $1 for update',
    [attemptId],
  );
  if (row === undefined) throw new WaybillError('unknown_run', 'no such attempt', { attempt: attemptId });
  return row;
}

type BegunRow = Omit<BegunAttempt, 'fence' | 'quietMs' | 'nominalAt'> & { readonly nominalAt: Date | null };

const SELECT_BEGUN = `select a.n as number, r.id as "runUuid", r.pipeline, r.run_id as "runId", r.mode,
  r.nominal_at as "nominalAt", a.spec from attempt a join run r on r.id = a.run where a.id = $1`;

async function loadBegun(tx: Queryable, fence: Fence, quietMs: number): Promise<BegunAttempt> {
  const [row] = await tx.query<BegunRow>(SELECT_BEGUN, [fence.attemptId]);
  if (row === undefined) throw new WaybillError('unknown_run', 'no such attempt', { attempt: fence.attemptId });
  return toBegun(row, fence, quietMs);
}

const toBegun = (row: BegunRow, fence: Fence, quietMs: number): BegunAttempt => ({
  ...row,
  ...{ fence, nominalAt: row.nominalAt?.toISOString() ?? null, quietMs },
});

async function loadOrigin(db: Database, attemptId: string): Promise<{ runUuid: string; spec: PipelineSpec }> {
  const [row] = await db.query<{ run: string; spec: PipelineSpec }>('select run, spec from attempt where id = $1', [
    attemptId,
  ]);
  if (row === undefined) throw new WaybillError('unknown_run', 'no such attempt', { attempt: attemptId });
  return { runUuid: row.run, spec: row.spec };
}
