/**
 * A ledger whose writes begin only while the activity is current (invariant I10). The epoch fences off other attempts; an execution
 * that lost its heartbeat has the same epoch as its successor, so it is kept from writing here, as it is at the stores.
 */
import type { Ledger } from '../ledger/ledger.ts';
import type { HeartbeatGuard } from './heartbeat-guard.ts';

/** What an activity changes. Everything else is read, or is not an activity's to call. */
const WRITES = [
  'beginAttempt',
  'setState',
  'dropOutcomes',
  'endAttempt',
  'saveVerification',
  'openListing',
  'saveRanges',
  'resetListing',
  'saveUnordered',
  'saveChunk',
  'saveManifest',
  'saveBatches',
  'savePlanHash',
  'claimStep',
  'commitStep',
  'releaseStep',
  'saveEffects',
  'openUpload',
  'saveParts',
  'closeUpload',
  'forgetUpload',
] as const satisfies readonly (keyof Ledger)[];

/** Its writes reject with the guard's failure: heartbeat_lost. Reads pass. */
export function guardLedger(ledger: Ledger, guard: HeartbeatGuard): Ledger {
  const guarded = Object.fromEntries(
    WRITES.map((name) => {
      const write = ledger[name].bind(ledger) as (...args: unknown[]) => Promise<unknown>;
      return [
        name,
        async (...args: unknown[]): Promise<unknown> => {
          guard.assertCurrent();
          return write(...args);
        },
      ];
    }),
  );
  return { ...ledger, ...(guarded as Partial<Ledger>) };
}
