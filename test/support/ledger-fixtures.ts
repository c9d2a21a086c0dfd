/** A ledger over a database of its own, and what tests of it have to say again and again. */
import { createHash } from 'node:crypto';
import pg from 'pg';
import type { Sha256Hex } from '../../core/ids.ts';
import type { PipelineSpec } from '../../core/pipeline.ts';
import type {
  AcceptRequest,
  BegunAttempt,
  DeliveryRecord,
  Fence,
  Ledger,
  ListingPage,
  ListingRange,
} from '../../ledger/ledger.ts';
import { createPostgresLedger } from '../../ledger/postgres/create-postgres-ledger.ts';
import { createTestDatabase } from './postgres.ts';

export interface LedgerFixture {
  readonly url: string;
  readonly ledger: Ledger;
  /** Rows of any statement, past the ledger. */
  readonly sql: (text: string, values?: unknown[]) => Promise<Record<string, unknown>[]>;
  readonly close: () => Promise<void>;
}

export const silentLogger = { warn: (): void => undefined };

export async function createLedgerFixture(poolMax = 10): Promise<LedgerFixture> {
  const database = await createTestDatabase();
  const ledger = createPostgresLedger({ url: database.url, poolMax, logger: silentLogger });
  const pool = new pg.Pool({ connectionString: database.url, max: 2 });
  pool.on('error', () => undefined);
  return {
    url: database.url,
    ledger,
    sql: async (text, values = []) => (await pool.query<Record<string, unknown>>(text, values)).rows,
    close: async () => {
      await ledger.close();
      await pool.end();
      await database.drop();
    },
  };
}

export const toHash = (text: string): Sha256Hex => createHash('sha256').update(text).digest('hex') as Sha256Hex;

export function buildSpec(name: string, bucket = name): PipelineSpec {
  return {
    name,
    source: { store: 'a', bucket: 'source', prefix: '' },
    target: { store: 'b', bucket, prefix: 'in/', encryption: null },
    filters: { include: [], exclude: [], minSizeBytes: null, maxSizeBytes: null, minAgeMs: null, maxAgeMs: null },
    overwrite: 'refuse',
    tags: false,
    listTarget: true,
    concurrency: 4,
    schedule: null,
  };
}

/** A request for the pipeline; each pipeline has a bucket of its own unless `more` says otherwise. */
export function buildRequest(pipeline: string, runId: string, more: Partial<AcceptRequest> = {}): AcceptRequest {
  return {
    pipeline,
    mode: 'run',
    runId,
    nominalAt: null,
    spec: buildSpec(pipeline),
    targetFingerprint: toHash(`target of ${pipeline}`),
    again: false,
    idempotency: null,
    ...more,
  };
}

/** Accepts and begins a run. */
export async function beginRun(ledger: Ledger, pipeline: string, runId: string): Promise<BegunAttempt> {
  const { run } = await ledger.accept(buildRequest(pipeline, runId));
  return ledger.beginAttempt(run.id, `workflow-${pipeline}-${runId}`, 1000);
}

export function buildDelivery(key: string, etag = 'e1'): DeliveryRecord {
  return { key, sourceEtag: etag, sourceVersion: null, sizeBytes: 10, targetEtag: etag, checksum: `md5:${etag}` };
}

/** One page and its range's cursor, which stood at `was`. */
export function savePage(
  ledger: Ledger,
  fence: Fence,
  listingId: string,
  was: string | null,
  range: ListingRange,
  page: ListingPage | null,
): Promise<void> {
  const pages = page === null ? [] : [page];
  return ledger.saveRanges(fence, listingId, [{ range, was: { until: range.until, cursor: was, done: false }, pages }]);
}
