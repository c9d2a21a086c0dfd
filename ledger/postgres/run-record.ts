/** Rows of runs and attempts, and what the port calls them. */
import { WaybillError } from '../../core/failures.ts';
import type { Sha256Hex } from '../../core/ids.ts';
import type { RunState } from '../../core/run-state.ts';
import type { AttemptRecord, RunMode, RunRecord, Summary, Totals, Verification } from '../ledger.ts';
import type { Queryable } from './database.ts';

export interface AttemptRow {
  readonly attempt_id: string;
  readonly n: number;
  readonly state: RunState;
  readonly workflow_run_id: string | null;
  readonly manifest_hash: Sha256Hex | null;
  readonly content_hash: Sha256Hex | null;
  readonly plan_hash: Sha256Hex | null;
  readonly totals: Totals | null;
  readonly summary: Summary | null;
  readonly verification: Verification | null;
  readonly failure_type: string | null;
  readonly failure_message: string | null;
  readonly accepted_at: Date;
  readonly started_at: Date | null;
  readonly ended_at: Date | null;
}

export interface RunRow extends AttemptRow {
  readonly run_uuid: string;
  readonly seq: number;
  readonly mode: RunMode;
  readonly pipeline: string;
  readonly run_id: string;
  readonly nominal_at: Date | null;
}

export const ATTEMPT_COLUMNS = `a.id as attempt_id, a.n, a.state, a.workflow_run_id, a.manifest_hash, a.content_hash, a.plan_hash,
  a.totals, a.summary, a.verification, a.failure_type, a.failure_message, a.accepted_at, a.started_at, a.ended_at`;

/** A run with its latest attempt, as `r` and `a`. */
export const SELECT_RUN = `select r.id as run_uuid, r.seq, r.mode, r.pipeline, r.run_id, r.nominal_at, ${ATTEMPT_COLUMNS}
  from run r join lateral (select * from attempt where run = r.id order by n desc limit 1) a on true`;

export const toAttemptRecord = (row: AttemptRow): AttemptRecord => ({
  attemptId: row.attempt_id,
  number: row.n,
  state: row.state,
  workflowRunId: row.workflow_run_id,
  manifestHash: row.manifest_hash,
  contentHash: row.content_hash,
  planHash: row.plan_hash,
  totals: row.totals,
  summary: row.summary,
  verification: row.verification,
  failure: row.failure_type === null ? null : { type: row.failure_type, message: row.failure_message ?? '' },
  acceptedAt: row.accepted_at.toISOString(),
  startedAt: row.started_at?.toISOString() ?? null,
  endedAt: row.ended_at?.toISOString() ?? null,
});

export const toRunRecord = (row: RunRow): RunRecord => ({
  id: row.run_uuid,
  mode: row.mode,
  pipeline: row.pipeline,
  runId: row.run_id,
  nominalAt: row.nominal_at?.toISOString() ?? null,
  attempt: toAttemptRecord(row),
});

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @throws unknown_run, also for what is no UUID: it comes from a URL */
export function checkUuid(id: string): void {
  if (!UUID.test(id)) throw new WaybillError('unknown_run', 'no such run: its id is a UUID');
}

/** @throws unknown_run */
export async function selectRun(db: Queryable, id: string): Promise<RunRow> {
  checkUuid(id);
  const [row] = await db.query<RunRow>(`${SELECT_RUN} where r.id = $1`, [id]);
  if (row === undefined) throw new WaybillError('unknown_run', 'no such run', { id });
  return row;
}
