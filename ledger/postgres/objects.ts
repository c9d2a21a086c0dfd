/** What became of each object of a run's latest attempt: its outcomes, and what it delivered. */
import type { OutcomeCode } from '../../core/outcomes.ts';
import type { RunLedger } from '../ledger.ts';
import { parseCursor, toPage } from './cursor.ts';
import type { Database } from './database.ts';
import { selectRun } from './run-record.ts';

interface ObjectRow {
  readonly key: string;
  readonly outcome: OutcomeCode | 'copied';
  readonly detail: string;
}

// `($2, $3)` is where the page goes on, or nulls. Each half stops by itself, by its own index.
const OUTCOMES = `(select key, code as outcome, detail from outcome
  where attempt = $1 and ($2::text is null or (key, code) > ($2, $3)) order by key, code limit $4)`;
const OUTCOMES_OF_CODE = `(select key, code as outcome, detail from outcome
  where attempt = $1 and code = $5 and ($2::text is null or key > $2) and $3::text is distinct from '' order by key limit $4)`;
const COPIED = `(select key, 'copied' collate "C" as outcome, checksum as detail from delivery
  where attempt = $1 and ($2::text is null or (key, 'copied' collate "C") > ($2, $3)) order by key limit $4)`;

export function createObjects(db: Database): Pick<RunLedger, 'listObjects'> {
  return {
    async listObjects({ id, outcome, cursor, limit }) {
      const from = parseCursor(cursor, ['string', 'string']) ?? [null, null];
      const { attempt_id: attempt } = await selectRun(db, id);
      const parameters = [attempt, ...from, limit + 1];
      const source =
        outcome === undefined
          ? `${OUTCOMES} union all ${COPIED} order by key, outcome limit $4`
          : outcome === 'copied'
            ? COPIED
            : OUTCOMES_OF_CODE;
      if (outcome !== undefined && outcome !== 'copied') parameters.push(outcome);
      const rows = await db.query<ObjectRow>(source, parameters);
      return toPage(
        rows,
        limit,
        (row) => row,
        (row) => [row.key, row.outcome],
      );
    },
  };
}
