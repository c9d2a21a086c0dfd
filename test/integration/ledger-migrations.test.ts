import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import pg from 'pg';
import { CONSTRAINTS } from '../../ledger/postgres/constraints.ts';
import { migrate } from '../../ledger/postgres/migrate.ts';
import { createEmptyDatabase, findTestServer, type TestDatabase } from '../support/postgres.ts';
import { printSchema } from '../support/print-schema.ts';

const project = path.join(import.meta.dirname, '../..');
const migrations = path.join(project, 'migrations');
const files = readdirSync(migrations).sort();
const databases: TestDatabase[] = [];
const directories: string[] = [];
after(async () => {
  for (const directory of directories) rmSync(directory, { recursive: true });
  await Promise.all(databases.map((database) => database.drop()));
});

async function createEmpty(): Promise<string> {
  const database = await createEmptyDatabase();
  databases.push(database);
  return database.url;
}

function copyMigrations(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'waybill-migrations-'));
  directories.push(directory);
  cpSync(migrations, directory, { recursive: true });
  return directory;
}

test('a fresh database gets the golden schema; migrating it again changes nothing', async () => {
  const url = await createEmpty();
  assert.deepEqual(await migrate(url), { applied: files });
  const schema = await printSchema(url);
  assert.equal(schema, readFileSync(path.join(project, 'test/vectors/schema.sql'), 'utf8'));
  assert.deepEqual(await migrate(url), { applied: [] });
  assert.equal(await printSchema(url), schema);
});

test('every constraint and unique index has its name in the list of wire names', async () => {
  const schema = readFileSync(path.join(project, 'test/vectors/schema.sql'), 'utf8');
  const names = [...schema.matchAll(/^ {2}constraint (\w+)|^CREATE UNIQUE INDEX (\w+)/gm)].map(
    ([, a, b]) => a ?? b ?? '',
  );
  assert.deepEqual(names.sort(), Object.values(CONSTRAINTS).flat().sort());
});

test('twenty runners at once apply each file once', async () => {
  const url = await createEmpty();
  const results = await Promise.all(Array.from({ length: 20 }, () => migrate(url)));
  assert.deepEqual(results.flatMap(({ applied }) => applied).sort(), files);
});

test('a file that was edited after it was applied is refused, and so is a database that is newer than the program', async () => {
  const url = await createEmpty();
  const directory = copyMigrations();
  await migrate(url, directory);
  writeFileSync(path.join(directory, '9999_more.sql'), 'create table more (n integer);');
  assert.deepEqual(await migrate(url, directory), { applied: ['9999_more.sql'] });
  await assert.rejects(migrate(url), {
    type: 'invalid_config',
    message: /newer than this program \[migration=9999_more\.sql\]/,
  });
  writeFileSync(path.join(directory, '9999_more.sql'), 'create table more (n bigint);');
  await assert.rejects(migrate(url, directory), { type: 'invalid_config', message: /edited after it was applied/ });
});

test('a file that fails leaves nothing of itself behind, and is applied once it is mended', async () => {
  const url = await createEmpty();
  const directory = copyMigrations();
  const file = path.join(directory, '9999_more.sql');
  writeFileSync(file, 'create table more (n integer); select 1 / 0;');
  await assert.rejects(migrate(url, directory), /division by zero/);
  assert.equal((await printSchema(url)).includes('table more'), false);
  writeFileSync(file, 'create table more (n integer);');
  assert.deepEqual(await migrate(url, directory), { applied: ['9999_more.sql'] });
});

test('a database that is not UTF8 is refused', async () => {
  const admin = new pg.Client({ connectionString: await findTestServer() });
  await admin.connect();
  const name = `waybill_latin1_${String(process.pid)}`;
  await admin.query(`create database ${name} encoding 'LATIN1' locale 'C' template template0`);
  try {
    const url = new URL(await findTestServer());
    url.pathname = `/${name}`;
    await assert.rejects(migrate(url.href), { type: 'invalid_config', message: /must be UTF8 \[encoding=LATIN1\]/ });
  } finally {
    await admin.query(`drop database ${name}`);
    await admin.end();
  }
});

test('waybill migrate says what it applied, takes its database from the environment, and says what is wrong', async () => {
  const url = await createEmpty();
  const waybill = (args: string[], env: NodeJS.ProcessEnv): Promise<{ stdout: string }> =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', path.join(project, 'cli/main.ts'), 'migrate', ...args], {
      cwd: project,
      env: { PATH: process.env['PATH'], ...env },
    });
  const first = await waybill([], { WAYBILL_DATABASE_URL: url });
  assert.equal(first.stdout, `waybill migrate: applied ${files.join(', ')}\n`);
  const second = await waybill(['--database-url', url, '--json'], {});
  assert.deepEqual(JSON.parse(second.stdout), { applied: [] });
  await assert.rejects(waybill([], {}), { code: 2, stderr: /env:WAYBILL_DATABASE_URL.*not set/ });
  const nowhere = 'postgres://user:hush@127.0.0.1:1/none';
  await assert.rejects(waybill([], { WAYBILL_DATABASE_URL: nowhere }), (error: { code: number; stderr: string }) => {
    assert.equal(error.code, 4);
    assert.match(error.stderr, /Postgres does not answer/);
    assert.doesNotMatch(error.stderr, /hush/);
    return true;
  });
});
