/**
 * Steps: what was done once is not done again, and what it did is counted once. The claim says who may be writing to the store; one
 * claim a step, since a later execution starts only when the former has been quiet for a heartbeat time-out. Whoever ends a step
 * gives its claim back in the same transaction, and without it commits nothing: the epoch cannot tell two executions of one attempt
 * apart, the claim can.
 */
import { WaybillError } from '../../core/failures.ts';
import type { Fence, StepKey, StepLedger } from '../ledger.ts';
import type { Database, Queryable } from './database.ts';
import { saveEffects } from './effects.ts';
import { fenced, toLeaseLost, writeFenced } from './fence.ts';

export function createSteps(db: Database): StepLedger {
  return {
    async loadStep(fence, key) {
      const [row] = await db.query<{ result: unknown }>(
        'select result from step where attempt = $1 and manifest_hash = $2 and step = $3 and ordinal = $4',
        toParameters(fence, key),
      );
      return row?.result ?? null;
    },
    async claimStep(fence, key, holder) {
      const sql = `insert into claim (attempt, epoch, manifest_hash, step, ordinal, holder)
        select $1, $2, $4, $5, $6::int, $7 from fence on conflict on constraint claim_pkey
        do update set holder = excluded.holder, epoch = excluded.epoch, at = now() returning 1`;
      const { manifestHash, step, ordinal } = key;
      if (!(await writeFenced(db, fence, sql, [manifestHash, step, ordinal, holder]))) throw toLeaseLost(fence);
    },
    commitStep: (fence, key, holder, result, effects) =>
      fenced(db, fence, async (tx) => {
        if (!(await giveBackClaim(tx, fence, key, holder))) return requireOwn(tx, 'step', fence, key, holder);
        const saved = await tx.query(
          `insert into step (attempt, manifest_hash, step, ordinal, holder, result) values ($1, $2, $3, $4, $5, $6)
           on conflict on constraint step_pkey do nothing returning 1`,
          [...toParameters(fence, key), holder, JSON.stringify(result ?? null)],
        );
        if (saved.length === 1) await saveEffects(tx, fence, effects);
      }),
    releaseStep: (fence, key, holder, effects) =>
      fenced(db, fence, async (tx) => {
        // A commit whose answer was lost makes its holder release what is committed already: that is not counted again.
        if (!(await giveBackClaim(tx, fence, key, holder))) return requireOwn(tx, 'release', fence, key, holder);
        const released = await tx.query(
          `insert into release (attempt, manifest_hash, step, ordinal, holder) values ($1, $2, $3, $4, $5)
           on conflict on constraint release_pkey do nothing returning 1`,
          [...toParameters(fence, key), holder],
        );
        if (released.length === 1) await saveEffects(tx, fence, effects);
      }),
    saveEffects: (fence, effects) => fenced(db, fence, (tx) => saveEffects(tx, fence, effects)),
    dropOutcomes: (fence, codes) =>
      fenced(db, fence, async (tx) => {
        await tx.query('delete from outcome where attempt = $1 and code = any($2::text[])', [fence.attemptId, codes]);
      }),
  };
}

const toParameters = (fence: Fence, key: StepKey): (string | number)[] => [
  fence.attemptId,
  key.manifestHash,
  key.step,
  key.ordinal,
];

/** False: the claim is not, or no longer, this holder's. A successor's claim is left alone. */
async function giveBackClaim(tx: Queryable, fence: Fence, key: StepKey, holder: string): Promise<boolean> {
  const given = await tx.query(
    `delete from claim where attempt = $1 and manifest_hash = $2 and step = $3 and ordinal = $4 and holder = $5 returning 1`,
    [...toParameters(fence, key), holder],
  );
  return given.length === 1;
}

/** Said again after it was done is fine. @throws heartbeat_lost when another execution has the step */
async function requireOwn(
  tx: Queryable,
  said: 'step' | 'release',
  fence: Fence,
  key: StepKey,
  holder: string,
): Promise<void> {
  const where = 'where attempt = $1 and manifest_hash = $2 and step = $3 and ordinal = $4 and holder = $5';
  const own = await tx.query(
    said === 'step'
      ? `select 1 from step ${where}`
      : `select 1 from step ${where} union all select 1 from release ${where}`,
    [...toParameters(fence, key), holder],
  );
  if (own.length === 0) {
    throw new WaybillError('heartbeat_lost', 'another execution has taken this step over', {
      step: key.step,
      ordinal: key.ordinal,
    });
  }
}
