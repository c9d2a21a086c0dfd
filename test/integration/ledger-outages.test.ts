import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { startPostgres, type RunningPostgres } from '../../dev/postgres.ts';
import { createPostgresLedger } from '../../ledger/postgres/create-postgres-ledger.ts';
import { toLedgerError } from '../../ledger/postgres/ledger-error.ts';
import { migrate } from '../../ledger/postgres/migrate.ts';
import { beginRun, buildDelivery, buildRequest, silentLogger } from '../support/ledger-fixtures.ts';

// A server of its own, since it is stopped and started.
const home = mkdtempSync(path.join(os.tmpdir(), 'waybill-outages-'));
chmodSync(home, 0o755);
let server: RunningPostgres;
before(async () => {
  server = await startPostgres({ dataDir: path.join(home, 'pg'), fast: true });
});
after(async () => {
  await server.stop();
  rmSync(home, { recursive: true, force: true });
});

test('a database without the schema says which command is missing', async () => {
  const ledger = createPostgresLedger({ url: server.url, poolMax: 1, logger: silentLogger });
  await assert.rejects(ledger.ping(), { type: 'ledger_unavailable', message: /run waybill migrate/ });
  await ledger.close();
});

test('the pool survives a restart of Postgres, and what was committed is there', async () => {
  await migrate(server.url);
  const warnings: object[] = [];
  const logger = { warn: (details: object): void => void warnings.push(details) };
  const ledger = createPostgresLedger({ url: server.url, poolMax: 4, logger });
  const { fence, runUuid } = await beginRun(ledger, 'restart', 'r1');
  await Promise.all(Array.from({ length: 4 }, () => ledger.ping()));
  let unavailable = 0;
  let committed = 0;
  let stopped = false;
  const writing = (async () => {
    for (let ordinal = 0; !stopped; ordinal++) {
      try {
        const key = { manifestHash: 'm', step: 'copy', ordinal } as const;
        await ledger.claimStep(fence, key, 'h');
        await ledger.commitStep(fence, key, 'h', {}, { deliveries: [buildDelivery(`k${String(ordinal)}`)] });
        committed += 1;
      } catch (error) {
        assert.equal((error as { type?: string }).type, 'ledger_unavailable', String(error));
        unavailable += 1;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  })();
  try {
    await server.stop();
    await assert.rejects(ledger.loadRun(runUuid), { type: 'ledger_unavailable' });
    await assert.rejects(ledger.accept(buildRequest('restart', 'r2')), { type: 'ledger_unavailable' });
    server = await server.restart();
    await ledger.ping();
  } finally {
    stopped = true;
  }
  await writing;
  assert.ok(unavailable > 0);
  const delivered = await ledger.readDeliveries(fence.targetId ?? '', null, 100_000);
  assert.ok(delivered.length >= committed);
  assert.ok(warnings.length > 0);
  assert.doesNotMatch(JSON.stringify(warnings), new RegExp(new URL(server.url).password));
  await ledger.close();
  await ledger.close();
  await assert.rejects(ledger.ping(), { type: 'ledger_unavailable' });
});

test('sessions that the server breaks off are ledger_unavailable, and the next call gets a new one', async () => {
  const ledger = createPostgresLedger({ url: server.url, poolMax: 2, logger: silentLogger });
  await ledger.ping();
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  await admin.query('begin');
  await admin.query('lock table target in access exclusive mode');
  const blocked = ledger.findTarget('00' as never);
  blocked.catch(() => undefined);
  const terminate = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'waybill' and wait_event_type = 'Lock'`;
  while ((await admin.query(terminate)).rowCount === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await assert.rejects(blocked, { type: 'ledger_unavailable', details: { code: '57P01' } });
  await admin.query('rollback');
  await admin.end();
  assert.equal(await ledger.findTarget('00' as never), null);
  await ledger.close();
});

test('a server that refuses us is ledger_unavailable, without the password in the failure', async () => {
  for (const change of [
    (url: URL) => (url.password = 'not-it-hush'),
    (url: URL) => (url.port = '1'),
    (url: URL) => (url.pathname = '/nowhere'),
  ]) {
    const url = new URL(server.url);
    change(url);
    const ledger = createPostgresLedger({ url: url.href, poolMax: 1, logger: silentLogger });
    await assert.rejects(ledger.accept(buildRequest('refused', 'r1')), (error: Error & { type?: string }) => {
      assert.equal(error.type, 'ledger_unavailable', error.message);
      assert.equal(error.message.includes(url.password), false);
      return true;
    });
    await ledger.close();
  }
});

test('what the driver says is sorted into what may pass and what is a defect', () => {
  const typeOf = (code: string): string => toLedgerError(Object.assign(new Error('x'), { code })).type;
  for (const code of [
    '08006',
    '57P01',
    '57P03',
    '53300',
    '40001',
    '40P01',
    '55P03',
    '25P03',
    '57014',
    'ECONNRESET',
    'EPIPE',
  ]) {
    assert.equal(typeOf(code), 'ledger_unavailable', code);
  }
  for (const code of ['23505', '42601', '22P02', '']) assert.equal(typeOf(code), 'unclassified', code);
  for (const message of [
    'Connection terminated unexpectedly',
    'Query read timeout',
    'timeout exceeded when trying to connect',
  ]) {
    assert.equal(toLedgerError(new Error(message)).type, 'ledger_unavailable', message);
  }
});
