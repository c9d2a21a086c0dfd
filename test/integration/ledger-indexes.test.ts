import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createPostgresLedger } from '../../ledger/postgres/create-postgres-ledger.ts';
import {
  beginRun,
  buildDelivery,
  createLedgerFixture,
  silentLogger,
  type LedgerFixture,
} from '../support/ledger-fixtures.ts';

let fixture: LedgerFixture;
before(async () => {
  fixture = await createLedgerFixture(2);
  const { sql } = fixture;
  await sql(`insert into target (fingerprint) select 'f' || n from generate_series(1, 2000) n`);
  await sql(
    `insert into run (mode, pipeline, run_id) select 'run', 'p' || n % 5, 'r' || n from generate_series(1, 5000) n`,
  );
  await sql(`insert into attempt (run, n, state, spec) select id, 1, 'done', '{}' from run`);
  await sql(`insert into delivery (target, key, source_etag, size_bytes, target_etag, checksum, attempt)
    select t.id, 'k' || n, 'e', 1, 'e', 'c', t.id from (select id from target limit 20) t, generate_series(1, 1000) n`);
  await sql(`insert into outcome (attempt, key, code, detail) select a.id, 'k' || n, 'orphan', ''
    from (select id from attempt limit 20) a, generate_series(1, 500) n`);
  await sql(
    `insert into step (attempt, manifest_hash, step, ordinal, holder, result) select id, 'm', 'copy', 0, 'h', '{}' from attempt`,
  );
  await sql('vacuum analyze');
});
after(() => fixture.close());

const ID = `'00000000-0000-0000-0000-000000000000'`;

// The statements as the ledger sends them, and the index that must serve each.
const HOT: readonly (readonly [name: string, statement: string, index: string])[] = [
  [
    'the fence',
    `select 1 from target where id = ${ID} and epoch = 1 and owner_attempt = ${ID} for share`,
    'target_pkey',
  ],
  [
    'a step',
    `select result from step where attempt = ${ID} and manifest_hash = 'm' and step = 'copy' and ordinal = 0`,
    'step_pkey',
  ],
  [
    'deliveries by page',
    `select * from delivery where target = ${ID} and key > 'k5' order by key limit 1000`,
    'delivery_pkey',
  ],
  ['deliveries by key', `select * from delivery where target = ${ID} and key = any('{a,b}')`, 'delivery_pkey'],
  [
    'copied objects',
    `select * from delivery where attempt = ${ID} and ('x' is null or (key, 'copied' collate "C") > ('x', 'y')) order by key limit 100`,
    'delivery_attempt_key_idx',
  ],
  [
    'outcomes',
    `select * from outcome where attempt = ${ID} and (key, code) > ('x', 'y') order by key, code limit 100`,
    'outcome_pkey',
  ],
  [
    'outcomes of a code',
    `select * from outcome where attempt = ${ID} and code = 'orphan' and key > 'x' order by key limit 100`,
    'outcome_attempt_code_key_idx',
  ],
  [
    'live attempts',
    'select * from attempt where live',
    'attempt_one_live_per_run|attempt_one_live_per_target|attempt_one_live_per_location',
  ],
  ['the latest attempt', `select * from attempt where run = ${ID} order by n desc limit 1`, 'attempt_run_n_key'],
  ['runs, newest first', 'select * from run where seq < 1000 order by seq desc limit 100', 'run_seq_key'],
  [
    "a pipeline's runs, newest first",
    `select * from run where pipeline = 'p1' and seq < 1000 order by seq desc limit 20`,
    'run_pipeline_seq_idx|run_seq_key',
  ],
  [
    'a run by name',
    `select * from run where mode = 'run' and pipeline = 'p1' and run_id = 'r1'`,
    'run_mode_pipeline_run_id_key',
  ],
];

for (const [name, statement, index] of HOT) {
  test(`${name}: served by an index, without reading or sorting the table`, async () => {
    const plan = (await fixture.sql(`explain ${statement}`)).map((row) => String(row['QUERY PLAN'])).join('\n');
    assert.match(plan, new RegExp(`using (${index})|on (${index})`), plan);
    assert.doesNotMatch(plan, /Seq Scan|Sort/, plan);
  });
}

test('the calls of a live run read no large table from end to end', async () => {
  const { ledger, url, sql } = fixture;
  const { fence, runUuid } = await beginRun(ledger, 'live', 'r1');
  await ledger.close();
  const tables = ['target', 'run', 'attempt', 'delivery', 'outcome', 'step'];
  // A session hands in its counts when it ends, which is a moment after its connection; this one hands them in when asked.
  const gone = `select 1 from pg_stat_activity where application_name = 'waybill' and datname = current_database()`;
  const countScans = async (): Promise<Record<string, unknown>[]> => {
    while ((await sql(gone)).length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await sql('select pg_stat_force_next_flush(), pg_stat_clear_snapshot()');
    return sql('select relname, seq_scan from pg_stat_user_tables where relname = any($1) order by relname', [tables]);
  };
  const before = await countScans();
  const counted = createPostgresLedger({ url, poolMax: 1, logger: silentLogger });
  const key = { manifestHash: 'm', step: 'copy', ordinal: 0 } as const;
  const deliveries = Array.from({ length: 100 }, (_, index) => buildDelivery(`k${String(index)}`));
  await counted.beginAttempt(runUuid, 'workflow-live-r1', 1000);
  await counted.loadAttempt(fence);
  await counted.setState(fence, 'listing');
  await counted.loadStep(fence, key);
  await counted.claimStep(fence, key, 'h');
  await counted.commitStep(fence, key, 'h', {}, { deliveries, outcomes: [{ key: 'x', code: 'orphan', detail: '' }] });
  await counted.readDeliveries(fence.targetId ?? '', 'k5', 100);
  await counted.loadDeliveries(fence.targetId ?? '', ['k1', 'k2']);
  await counted.loadProgress(fence.attemptId);
  await counted.listObjects({ id: runUuid, limit: 10 });
  await counted.listRuns({ limit: 10 });
  await counted.listLiveAttempts();
  await counted.listOpenUploads({ deadOnly: true });
  await counted.loadRun(runUuid);
  await counted.endAttempt(fence, { state: 'failed' });
  await counted.close();
  assert.deepEqual(await countScans(), before);
});
