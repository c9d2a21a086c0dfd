/**
 * A database for one test file, cloned in some milliseconds from a template that has the migrations. The server is the test runner's
 * (WAYBILL_TEST_POSTGRES_URL, a superuser's), else one of this process's own, which goes when the process's tests are over.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { startPostgres, type RunningPostgres } from '../../dev/postgres.ts';
import { migrate } from '../../ledger/postgres/migrate.ts';

export interface TestDatabase {
  readonly url: string;
  readonly drop: () => Promise<void>;
}

let own: Promise<RunningPostgres> | null = null;

/** A superuser's URL of the server. */
export async function findTestServer(): Promise<string> {
  const given = process.env['WAYBILL_TEST_POSTGRES_URL'];
  if (given !== undefined && given !== '') return given;
  own ??= startOwn();
  return (await own).url;
}

/** An empty database, UTF8. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return createDatabase(`encoding 'UTF8' template template0`);
}

/** A database with the current schema and no rows. */
export async function createTestDatabase(): Promise<TestDatabase> {
  return createDatabase(`template ${await findTemplate()}`);
}

async function createDatabase(how: string): Promise<TestDatabase> {
  const name = `waybill_test_${randomBytes(6).toString('hex')}`;
  await administer(`create database ${name} ${how}`);
  return { url: await toUrl(name), drop: () => administer(`drop database if exists ${name} with (force)`) };
}

/** Named by the migrations, so a change of them makes a new one. Made under another name and renamed: it is whole or not there. */
async function findTemplate(): Promise<string> {
  const directory = path.join(import.meta.dirname, '../../migrations');
  const hash = createHash('sha256');
  for (const file of readdirSync(directory).sort()) hash.update(file).update(readFileSync(path.join(directory, file)));
  const template = `waybill_template_${hash.digest('hex').slice(0, 16)}`;
  const client = new pg.Client({ connectionString: await findTestServer() });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock(1)');
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [template]);
    if (rowCount === 0) {
      const building = `waybill_building_${randomBytes(6).toString('hex')}`;
      await client.query(`create database ${building} encoding 'UTF8' template template0`);
      await migrate(await toUrl(building));
      await client.query(`alter database ${building} rename to ${template}`);
    }
  } finally {
    await client.end();
  }
  return template;
}

async function administer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: await findTestServer() });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

async function toUrl(database: string): Promise<string> {
  const url = new URL(await findTestServer());
  url.pathname = `/${database}`;
  return url.href;
}

async function startOwn(): Promise<RunningPostgres> {
  const home = mkdtempSync(path.join(os.tmpdir(), 'waybill-test-postgres-'));
  chmodSync(home, 0o755);
  const server = await startPostgres({ dataDir: path.join(home, 'pg'), fast: true });
  // Not in a hook of the tests: theirs may still drop databases, in whatever order they run.
  process.once('exit', () => {
    process.kill(server.pid, 'SIGQUIT');
    rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });
  return server;
}
