/** Reading runs and their attempts, and the audit log. */
import type { AttemptRecord, RunLedger } from '../ledger.ts';
import { parseCursor, toPage } from './cursor.ts';
import type { Database } from './database.ts';
import {
  ATTEMPT_COLUMNS,
  checkUuid,
  SELECT_RUN,
  selectRun,
  toAttemptRecord,
  toRunRecord,
  type AttemptRow,
  type RunRow,
} from './run-record.ts';

export function createRuns(db: Database): Omit<RunLedger, 'accept' | 'findIdempotent' | 'listObjects'> {
  return {
    loadRun: async (id) => toRunRecord(await selectRun(db, id)),
    async findRun(mode, pipeline, runId) {
      const [row] = await db.query<RunRow>(`${SELECT_RUN} where r.mode = $1 and r.pipeline = $2 and r.run_id = $3`, [
        mode,
        pipeline,
        runId,
      ]);
      return row === undefined ? null : toRunRecord(row);
    },
    async listRuns({ pipeline, state, cursor, limit }) {
      const before = parseCursor(cursor, ['number']);
      const conditions: string[] = [];
      const parameters: (string | number)[] = [];
      const add = (condition: string, value: string | number | undefined): void => {
        if (value === undefined) return;
        parameters.push(value);
        conditions.push(`${condition} $${String(parameters.length)}`);
      };
      add('r.pipeline =', pipeline);
      add('a.state =', state);
      add('r.seq <', before?.[0]);
      parameters.push(limit + 1);
      const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
      const rows = await db.query<RunRow>(
        `${SELECT_RUN} ${where} order by r.seq desc limit $${String(parameters.length)}`,
        parameters,
      );
      return toPage(rows, limit, toRunRecord, (row) => [row.seq]);
    },
    async listAttempts(runUuid): Promise<readonly AttemptRecord[]> {
      checkUuid(runUuid);
      const rows = await db.query<AttemptRow>(
        `select ${ATTEMPT_COLUMNS} from attempt a where a.run = $1 order by a.n`,
        [runUuid],
      );
      return rows.map(toAttemptRecord);
    },
    async listLiveAttempts() {
      // From the live attempts, whose partial index is small, not from the runs.
      const rows = await db.query<RunRow>(
        `select r.id as run_uuid, r.seq, r.mode, r.pipeline, r.run_id, r.nominal_at, ${ATTEMPT_COLUMNS}
         from attempt a join run r on r.id = a.run where a.live order by a.accepted_at, r.seq`,
      );
      return rows.map(toRunRecord);
    },
    async audit(principal, action, subject, detail) {
      await db.query('insert into audit (principal, action, subject, detail) values ($1, $2, $3, $4)', [
        principal,
        action,
        subject,
        JSON.stringify(detail),
      ]);
    },
  };
}
