/**
 * Drops what nobody needs any more of attempts that ended long ago: the listing with its ranges and chunks, the manifest, steps and
 * outcomes. Rows of runs and attempts stay, with totals and money, and so do counters and deliveries, which are the present and not the past.
 *
 * A manifest belongs to whoever saved it first and may be needed by others: of the same run, or of another pipeline over the same source.
 * So manifests are let go of under a lock that keeps new ones from being saved, and only where every attempt that names it is old, each by
 * the retention of its own pipeline; whoever comes later saves it again. Chunks, which are many, go afterwards and without it.
 */
import type { Ledger } from '../ledger.ts';
import type { Database, Queryable } from './database.ts';

/**
 * Old: closed, ended longer ago than it is kept, and not the last that its target was done by. $2 says by pipeline for how many milliseconds
 * that is, and $1 for the others. $2 is an object of JSON: with 100 pipelines, 200,000 attempts and 20,000 listings a round took 110 ms, and
 * 370 over `unnest` of two arrays, which are gone through for each attempt. The run is asked for in a subquery: with a join Postgres reads
 * all runs there ever were, and this way, where there are many, it begins with the listings, which are those that are kept.
 */
const isOld = (attempt: string): string => `not ${attempt}.live
  and ${attempt}.ended_at < now() - interval '1 millisecond'
    * coalesce((select $2::jsonb ->> r.pipeline from run r where r.id = ${attempt}.run)::float8, $1)
  and not exists (select 1 from target t where t.id = ${attempt}.target and t.last_done_attempt = ${attempt}.id)`;

/** Every attempt that names the manifest of listing `l` is old. */
const IS_UNNEEDED = `not exists (select 1 from manifest m join attempt b on b.manifest_hash = m.hash
  where m.listing = l.id and not (${isOld('b')}))`;

const OLDEST = `select a.id as attempt, l.id as listing from listing l join attempt a on a.id = l.attempt
  where ${isOld('a')} and ${IS_UNNEEDED} order by a.ended_at limit $3`;

export function createPrune(db: Database): Pick<Ledger, 'prune'> {
  return {
    async prune({ retentionMs, pipelineRetentionMs, attemptsMax }) {
      const kept = [retentionMs, JSON.stringify(Object.fromEntries(pipelineRetentionMs))] as const;
      const candidates = await db.query<{ attempt: string; listing: string }>(OLDEST, [...kept, attemptsMax]);
      let pruned = 0;
      for (const { attempt, listing } of candidates) {
        if (!(await db.transaction((tx) => dropManifest(tx, listing, kept)))) continue;
        await db.transaction(async (tx) => {
          for (const table of ['step', 'outcome', 'claim', 'release', 'batch']) {
            await tx.query(`delete from ${table} where attempt = $1`, [attempt]);
          }
          await tx.query('delete from unordered_entry where listing = $1', [listing]);
          // Its ranges, pages and chunks go with it.
          await tx.query('delete from listing where id = $1', [listing]);
        });
        pruned += 1;
      }
      return pruned;
    },
  };
}

/** False: somebody needs it by now. */
async function dropManifest(tx: Queryable, listing: string, kept: readonly [number, string]): Promise<boolean> {
  // Whoever is saving a manifest has named it in its attempt when this is granted.
  await tx.query('lock table manifest in share row exclusive mode');
  const unneeded = await tx.query(`select 1 from listing l where l.id = $3 and ${IS_UNNEEDED}`, [...kept, listing]);
  if (unneeded.length === 0) return false;
  await tx.query('delete from manifest where listing = $1', [listing]);
  return true;
}
