/**
 * The ledger in Postgres, put together from its groups. Nothing is held between calls but pooled connections, so any number of
 * processes may have one.
 */
import type { Ledger } from '../ledger.ts';
import { createAccept } from './accept.ts';
import { createAttempts } from './attempts.ts';
import { createDatabase, type LedgerLogger } from './database.ts';
import { createDeliveries } from './deliveries.ts';
import { createEndAttempt } from './end-attempt.ts';
import { createListing } from './listing.ts';
import { createManifests } from './manifests.ts';
import { createObjects } from './objects.ts';
import { createPlans } from './plans.ts';
import { createPrune } from './prune.ts';
import { createRuns } from './runs.ts';
import { createSteps } from './steps.ts';
import { createUploads } from './uploads.ts';

export interface PostgresLedgerOptions {
  readonly url: string;
  /** Connections at once; further calls wait for one. */
  readonly poolMax: number;
  readonly logger: LedgerLogger;
}

/** Connects at the first call. The schema is `migrate`'s. */
export function createPostgresLedger(options: PostgresLedgerOptions): Ledger {
  const db = createDatabase(options);
  return {
    ...createAccept(db),
    ...createRuns(db),
    ...createObjects(db),
    ...createAttempts(db),
    ...createEndAttempt(db),
    ...createListing(db),
    ...createManifests(db),
    ...createDeliveries(db),
    ...createPlans(db),
    ...createPrune(db),
    ...createSteps(db),
    ...createUploads(db),
    ping: async () => void (await db.query('select 1 from migration limit 1')),
    close: () => db.close(),
  };
}
