/**
 * The statements that a run sends to Postgres again and again, as they are sent: each is called through the ledger's port over a
 * database of a given size, its text and parameters are taken from the driver, and Postgres is asked how it carries it out.
 * `docs/ledger-queries.md` is written from them, and a test holds them to the indexes that they name.
 */
import pg from 'pg';
import { BATCH_OBJECTS_MAX } from '../../core/limits.ts';
import type { BegunAttempt, Ledger } from '../../ledger/ledger.ts';
import { packBody } from '../../manifest/pack-body.ts';
import { buildRequest, type LedgerFixture } from './ledger-fixtures.ts';

export interface HotQuery {
  readonly name: string;
  readonly when: string;
  /** What the statement begins with, among those that the call sends. */
  readonly statement: string;
  /** The index that carries it, or finds the row that is there already. */
  readonly index: string;
  readonly call: (seeded: Seeded) => Promise<unknown>;
}

export interface Seeded {
  readonly ledger: Ledger;
  readonly attempt: BegunAttempt;
  readonly targetId: string;
  readonly listingId: string;
  readonly rows: number;
}

const toKey = (ordinal: number): string => `in/${String(ordinal).padStart(8, '0')}`;
const BATCH = Array.from({ length: BATCH_OBJECTS_MAX }, (_, index) => index * 7);
const toDelivery = (ordinal: number) => ({
  key: toKey(ordinal),
  sourceEtag: 'd41d8cd98f00b204e9800998ecf8427e',
  sourceVersion: null,
  sizeBytes: 1024,
  targetEtag: 'd41d8cd98f00b204e9800998ecf8427e',
  checksum: 'md5:d41d8cd98f00b204e9800998ecf8427e',
});
const DAY_MS = 86_400_000;
const STEP = { manifestHash: 'm', step: 'copy', ordinal: 5 } as const;

export const HOT_QUERIES: readonly HotQuery[] = [
  {
    name: 'the fence',
    when: 'first in every transaction of an attempt that has several statements',
    statement: 'select 1 from target',
    index: 'target_pkey',
    call: ({ ledger, attempt }) => ledger.saveEffects(attempt.fence, {}),
  },
  {
    name: 'a step’s result',
    when: 'first in every activity',
    statement: 'select result from step',
    index: 'step_pkey',
    call: ({ ledger, attempt }) => ledger.loadStep(attempt.fence, STEP),
  },
  {
    name: 'a step is claimed',
    when: 'once an activity that writes to a store: the fence and the claim in one statement',
    statement: 'with fence',
    index: 'target_pkey',
    call: ({ ledger, attempt }) => ledger.claimStep(attempt.fence, STEP, 'h'),
  },
  {
    name: 'the state of an attempt',
    when: 'once a phase: the fence and the state in one statement',
    statement: 'with fence',
    index: 'target_pkey',
    async call({ ledger, attempt: { fence } }) {
      await ledger.setState(fence, 'paused');
      // From where it may be paused again, when Postgres is asked.
      await ledger.setState(fence, 'listing');
    },
  },
  {
    name: 'an attempt under its fence',
    when: 'first in every activity but the first; it is read without a lock',
    statement: 'select a.n as number',
    index: 'target_pkey',
    call: ({ ledger, attempt }) => ledger.loadAttempt(attempt.fence),
  },
  {
    name: 'pages of a listing',
    when: 'the fold, 50 pages at a time',
    statement: 'select first_key',
    index: 'page_pkey',
    call: async ({ ledger, listingId }) => ledger.readPages(listingId)[Symbol.asyncIterator]().next(),
  },
  {
    name: 'chunks of a manifest',
    when: 'plan, finalize, the marker, a manifest through the API; four chunks at a time',
    statement: 'select ordinal, first_key',
    index: 'chunk_pkey',
    call: async ({ ledger, listingId }) => ledger.readChunks(listingId)[Symbol.asyncIterator]().next(),
  },
  {
    name: 'what was delivered of a chunk, as a hash',
    when: 'plan, verify, and finalize where something was copied; once a chunk of 10,000 objects',
    statement: 'select count(*) as objects',
    index: 'delivery_pkey',
    call: ({ ledger, targetId, rows }) =>
      ledger.readDeliveredText(targetId, {
        after: toKey(rows / 2),
        until: toKey(rows / 2 + 10_000),
        objectsMax: 10_000,
        bucket: 'source',
        sourcePrefix: '',
        targetPrefix: 'in/',
      }),
  },
  {
    name: 'deliveries by row',
    when: 'plan and verify, of a chunk in which something differs, 5,000 at a time',
    statement: 'select key, source_etag',
    index: 'delivery_pkey',
    call: ({ ledger, targetId, rows }) =>
      ledger.readDeliveries(targetId, toKey(rows / 2), 5000, toKey(rows / 2 + 10_000)),
  },
  {
    name: 'deliveries of a batch',
    when: 'a batch that begins, and finalize of a chunk in which something differs',
    statement: 'select key, source_etag',
    index: 'delivery_pkey',
    call: ({ ledger, targetId }) => ledger.loadDeliveries(targetId, BATCH.map(toKey)),
  },
  {
    name: 'a batch is delivered',
    when: 'once a batch of 2,500 objects',
    statement: 'insert into delivery',
    index: 'delivery_pkey',
    call: ({ ledger, attempt }) => ledger.saveEffects(attempt.fence, { deliveries: BATCH.map(toDelivery) }),
  },
  {
    name: 'a batch of the plan',
    when: 'once a batch',
    statement: 'select ordinal, kind, objects',
    index: 'batch_pkey',
    call: ({ ledger, attempt }) => ledger.loadBatch(attempt.fence.attemptId, 5),
  },
  {
    name: 'outcomes so far',
    when: 'progress, and the end of a run',
    statement: 'select code, count(*)',
    index: 'outcome_attempt_code_key_idx|outcome_pkey',
    call: ({ ledger, attempt }) => ledger.loadProgress(attempt.fence.attemptId),
  },
  {
    name: 'objects of a run',
    when: '`GET /v1/runs/{id}/objects`, a page',
    statement: '(select key, code',
    index: 'delivery_attempt_key_idx',
    call: ({ ledger, attempt }) => ledger.listObjects({ id: attempt.runUuid, limit: 100 }),
  },
  {
    name: 'live attempts',
    when: 'sweeper and reconciler, every few seconds',
    statement: 'select r.id as run_uuid',
    index: 'attempt_one_live_per_run|attempt_one_live_per_target|attempt_one_live_per_location',
    call: ({ ledger }) => ledger.listLiveAttempts(),
  },
  {
    name: 'attempts to prune',
    when: 'the sweeper, once a round',
    statement: 'select a.id as attempt, l.id as listing',
    index: 'attempt_manifest_hash_idx|manifest_listing_key',
    call: ({ ledger }) =>
      ledger.prune({
        retentionMs: 30 * DAY_MS,
        pipelineRetentionMs: new Map([
          ['p1', 7 * DAY_MS],
          ['p2', 90 * DAY_MS],
        ]),
        attemptsMax: 10,
      }),
  },
];

/** Tables that grow with objects or with runs: no hot query reads one from end to end. */
export const LARGE = ['delivery', 'outcome', 'page', 'chunk', 'step', 'batch', 'run'] as const;

/** A target with `rows` deliveries among others, a run over it that is live, and as much of everything else as that makes. */
export async function seedHotLedger({ ledger, sql }: LedgerFixture, rows: number): Promise<Seeded> {
  const { run } = await ledger.accept(buildRequest('hot', 'r1'));
  const attempt = await ledger.beginAttempt(run.id, 'workflow', 1000);
  const { fence } = attempt;
  const targetId = fence.targetId ?? '';
  const { listingId } = await ledger.openListing(fence);
  const etag = 'd41d8cd98f00b204e9800998ecf8427e';
  // Of many runs, as years of them leave it; every fiftieth by the one that is live.
  const others = await sql('select gen_random_uuid() as id from generate_series(1, 49)');
  const attempts = [fence.attemptId, ...others.map(({ id }) => id)];
  const insertDeliveries = `insert into delivery (target, key, source_etag, size_bytes, target_etag, checksum, attempt)
    select $1, 'in/' || lpad(n::text, 8, '0'), $2, 1024, $2, 'md5:' || $2, ($3::uuid[])[n % 50 + 1] from generate_series(0, $4 - 1) n`;
  await sql(insertDeliveries, [targetId, etag, attempts, rows]);
  await sql(`insert into target (fingerprint) select 'other ' || n from generate_series(1, 2000) n`);
  await sql(
    `insert into run (mode, pipeline, run_id) select 'run', 'p' || n % 10, 'r' || n from generate_series(1, 5000) n`,
  );
  await sql(`insert into attempt (run, n, state, spec, manifest_hash, ended_at)
    select id, 1, 'failed', '{}', 'hash ' || seq, now() - seq % 35 * interval '1 day' from run where pipeline <> 'hot'`);
  await sql(`insert into listing (attempt) select id from attempt where state = 'failed'`);
  await sql(`insert into manifest (hash, content_hash, run_id, listing, objects, size_bytes, manifest_bytes, chunks)
    select a.manifest_hash, 'c', 'r', l.id, 0, 0, 0, 0 from listing l join attempt a on a.id = l.attempt where a.manifest_hash is not null`);
  for (const other of await sql(`select id from target where fingerprint like 'other %' limit 10`))
    await sql(insertDeliveries, [other['id'], etag, attempts, rows / 100]);
  const body = packBody(Buffer.alloc(1000));
  await sql(
    `insert into page select l.id, 'in/' || lpad(n::text, 8, '0'), 'in/' || lpad(n::text, 8, '0'), 1, 1, $2
     from (select id from listing order by id <> $1 limit 20) l, generate_series(0, $3 / 1000 + 100) n`,
    [listingId, body, rows],
  );
  await sql(`insert into chunk select $1, n, 'a', 'b', 1, 1, $2 from generate_series(0, $3 / 100 - 1) n`, [
    listingId,
    body,
    rows,
  ]);
  await sql(`insert into batch select $1, n, 'objects', 1, 1, $2 from generate_series(0, $3 / 100 - 1) n`, [
    fence.attemptId,
    body,
    rows,
  ]);
  await sql(`insert into step (attempt, manifest_hash, step, ordinal, holder, result)
    select id, 'm', 'copy', ordinal, 'h', '{}' from attempt, generate_series(0, 9) ordinal`);
  await sql(
    `insert into outcome select id, 'k' || n, 'orphan', '' from (select id from attempt limit 20) a, generate_series(1, 500) n`,
  );
  await sql(
    `insert into upload select 'u' || n, $1, $2, 's', 'b', '', 'k' || n, '', '{}' from generate_series(1, 1000) n`,
    [targetId, fence.attemptId],
  );
  await sql('vacuum analyze');
  return { ledger, attempt, targetId, listingId, rows };
}

export interface Explained {
  readonly query: HotQuery;
  /** As it was sent, white space made one. */
  readonly sql: string;
  readonly plan: string;
}

/** Calls each query, and asks Postgres how it carries out what was sent, with the same parameters; nothing of that stays. */
export async function explainHotQueries(seeded: Seeded, url: string): Promise<Explained[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const explained: Explained[] = [];
    for (const query of HOT_QUERIES) {
      const sent = await record(() => query.call(seeded));
      const found = sent.find(({ text }) => text.trimStart().startsWith(query.statement));
      if (found === undefined) throw new Error(`${query.name}: nothing was sent that begins with ${query.statement}`);
      await client.query('begin');
      const { rows } = await client.query<Record<string, string>>({
        text: `explain (analyze, buffers) ${found.text}`,
        values: [...found.values],
      });
      await client.query('rollback');
      explained.push({
        query,
        sql: found.text.replace(/\s+/g, ' ').trim(),
        plan: rows.map((row) => row['QUERY PLAN']).join('\n'),
      });
    }
    return explained;
  } finally {
    await client.end();
  }
}

interface Sent {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** What the driver is given while `work` runs. */
async function record(work: () => Promise<unknown>): Promise<Sent[]> {
  const sent: Sent[] = [];
  const original = Object.getOwnPropertyDescriptor(pg.Client.prototype, 'query');
  const query = original?.value as (...args: unknown[]) => unknown;
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]): unknown {
    if (typeof args[0] === 'string') sent.push({ text: args[0], values: Array.isArray(args[1]) ? args[1] : [] });
    return query.apply(this, args);
  } as typeof pg.Client.prototype.query;
  try {
    await work();
    return sent;
  } finally {
    if (original !== undefined) Object.defineProperty(pg.Client.prototype, 'query', original);
  }
}

export const usesIndex = ({ query, plan }: Explained): boolean =>
  new RegExp(`(using|on|Arbiter Indexes:) (${query.index})\\b`).test(plan);
