/**
 * Accepting a run. Callers at the same time are put in order by two locks, always in this sequence: an advisory lock of the
 * Idempotency-Key, then the run's row. One live attempt a run, a target and a place: partial unique indexes arbitrate.
 */
import { WaybillError } from '../../core/failures.ts';
import type { Sha256Hex } from '../../core/ids.ts';
import { printLocation } from '../../core/pipeline.ts';
import { isClosed } from '../../core/run-state.ts';
import type { Accepted, AcceptRequest, RunLedger, RunRecord } from '../ledger.ts';
import { TARGET_TAKEN } from './constraints.ts';
import type { Database, Queryable } from './database.ts';
import { brokenConstraint } from './ledger-error.ts';
import { SELECT_RUN, selectRun, toRunRecord, type RunRow } from './run-record.ts';

/** The holder of a target may end between the refusal and the question who it is: then the target is free, and is tried again. */
const TRIES = 5;

export function createAccept(db: Database): Pick<RunLedger, 'accept' | 'findIdempotent'> {
  return {
    async accept(request) {
      for (let tries = 1; ; tries++) {
        const accepted = await tryAccept(db, request);
        if (accepted !== 'busy') return accepted;
        const holder = await findHolder(db, request);
        if (holder !== undefined) {
          const details = { pipeline: holder.pipeline, runId: holder.run_id };
          throw new WaybillError('target_busy', 'another run is writing to this target', details);
        }
        if (tries === TRIES) throw new WaybillError('ledger_unavailable', 'the target changes hands too often');
      }
    },
    async findIdempotent(principal, key, requestSha256) {
      return findByKey(db, { principal, key, requestSha256 });
    },
  };
}

async function tryAccept(db: Database, request: AcceptRequest): Promise<Accepted | 'busy'> {
  return db
    .transaction(async (tx): Promise<Accepted | 'busy'> => {
      const known = await findIdempotentLocked(tx, request.idempotency);
      if (known !== null) return { kind: known.attempt.state === 'done' ? 'done' : 'live', run: known };
      const runUuid = await lockRun(tx, request);
      if (request.idempotency !== null) {
        const { principal, key, requestSha256 } = request.idempotency;
        await tx.query('insert into idempotency (principal, key, request_sha256, run) values ($1, $2, $3, $4)', [
          principal,
          key,
          requestSha256,
          runUuid,
        ]);
      }
      const [latest] = await tx.query<RunRow>(`${SELECT_RUN} where r.id = $1`, [runUuid]);
      if (latest !== undefined) {
        if (!isClosed(latest.state)) return { kind: 'live', run: toRunRecord(latest) };
        if (latest.state === 'done' && !request.again) return { kind: 'done', run: toRunRecord(latest) };
      }
      await insertAttempt(tx, request, runUuid, (latest?.n ?? 0) + 1);
      return { kind: 'accepted', run: toRunRecord(await selectRun(tx, runUuid)) };
    })
    .catch((error: unknown) => {
      const constraint = brokenConstraint((error as { cause?: unknown }).cause);
      if (TARGET_TAKEN.some((name) => name === constraint)) return 'busy';
      throw error;
    });
}

async function findIdempotentLocked(
  tx: Queryable,
  idempotency: AcceptRequest['idempotency'],
): Promise<RunRecord | null> {
  if (idempotency === null) return null;
  const { principal, key } = idempotency;
  // A row that is not there yet cannot be locked; what may be locked is its name.
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [JSON.stringify([principal, key])]);
  return findByKey(tx, idempotency);
}

async function findByKey(
  db: Queryable,
  { principal, key, requestSha256 }: { principal: string; key: string; requestSha256: Sha256Hex },
): Promise<RunRecord | null> {
  const [row] = await db.query<{ request_sha256: string; run: string }>(
    'select request_sha256, run from idempotency where principal = $1 and key = $2',
    [principal, key],
  );
  if (row === undefined) return null;
  if (row.request_sha256 !== requestSha256) {
    throw new WaybillError('idempotency_conflict', 'the Idempotency-Key was used for another request', { key });
  }
  return toRunRecord(await selectRun(db, row.run));
}

/** The run's row, made when it is not there, locked until the transaction ends. */
async function lockRun(tx: Queryable, request: AcceptRequest): Promise<string> {
  const { mode, pipeline, runId, nominalAt } = request;
  // Another caller's row that is not committed yet makes this wait, so that the select below sees it.
  await tx.query(
    `insert into run (mode, pipeline, run_id, nominal_at) values ($1, $2, $3, $4)
     on conflict on constraint run_mode_pipeline_run_id_key do nothing`,
    [mode, pipeline, runId, nominalAt],
  );
  const [row] = await tx.query<{ id: string }>(
    'select id from run where mode = $1 and pipeline = $2 and run_id = $3 for update',
    [mode, pipeline, runId],
  );
  if (row === undefined) throw new WaybillError('unclassified', 'a run that was just made is not there', { runId });
  return row.id;
}

async function insertAttempt(tx: Queryable, request: AcceptRequest, runUuid: string, n: number): Promise<void> {
  const target = request.mode === 'plan' ? null : await findOrMakeTarget(tx, request.targetFingerprint);
  const location = request.mode === 'plan' ? null : printLocation(request.spec.target);
  await tx.query('insert into attempt (run, n, target, location, spec) values ($1, $2, $3, $4, $5)', [
    runUuid,
    n,
    target,
    location,
    JSON.stringify(request.spec),
  ]);
}

async function findOrMakeTarget(tx: Queryable, fingerprint: string): Promise<string> {
  await tx.query(
    'insert into target (fingerprint) values ($1) on conflict on constraint target_fingerprint_key do nothing',
    [fingerprint],
  );
  const [row] = await tx.query<{ id: string }>('select id from target where fingerprint = $1', [fingerprint]);
  if (row === undefined) throw new WaybillError('unclassified', 'a target that was just made is not there');
  return row.id;
}

async function findHolder(
  db: Database,
  request: AcceptRequest,
): Promise<{ pipeline: string; run_id: string } | undefined> {
  const [holder] = await db.query<{ pipeline: string; run_id: string }>(
    `select r.pipeline, r.run_id from attempt a join run r on r.id = a.run
     where a.live and (a.location = $1 or a.target = (select id from target where fingerprint = $2)) limit 1`,
    [printLocation(request.spec.target), request.targetFingerprint],
  );
  return holder;
}
