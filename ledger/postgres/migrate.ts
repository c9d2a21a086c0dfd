/**
 * Brings a database to the schema of `migrations/`: numbered plain SQL files, applied in the order of their names, each once and
 * in a transaction of its own together with its row in the table `migration`.
 *
 * - Runners at the same time wait for one another on an advisory lock; the second finds everything applied.
 * - A file that was changed after it was applied is refused, and so is a database that knows a file which this program lacks.
 * - The database must be UTF8: keys are kept as text.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { WaybillError } from '../../core/failures.ts';
import { toLedgerError } from './ledger-error.ts';

/** Any number that nothing else locks in this database: 'waybill' in ASCII. */
const ADVISORY_LOCK = '33602696198581356';

export interface Migrated {
  /** Names of the files that this call applied; empty when the schema was up to date. */
  readonly applied: readonly string[];
}

/** @throws ledger_unavailable; invalid_config when the database is not UTF8, or its migrations are not those of this program. */
export async function migrate(url: string, directory: string = findMigrations()): Promise<Migrated> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: 'waybill migrate',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await checkEncoding(client);
    // Of the session, not of a transaction: it is held over all files, and freed when the connection ends, however it ends.
    await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCK]);
    const applied: string[] = [];
    for (const file of await findPending(client, directory)) {
      await apply(client, file);
      applied.push(file.name);
    }
    return { applied };
  } catch (error) {
    throw toLedgerError(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

interface MigrationFile {
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

function loadFiles(directory: string): readonly MigrationFile[] {
  const names = readdirSync(directory).filter((name) => /^\d{4}_[a-z0-9_]+\.sql$/.test(name));
  if (names.length === 0) throw new WaybillError('invalid_config', 'there are no migrations', { directory });
  return names.sort().map((name) => {
    const sql = readFileSync(path.join(directory, name), 'utf8');
    return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') };
  });
}

async function checkEncoding(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ server_encoding: string }>('show server_encoding');
  const encoding = rows[0]?.server_encoding ?? 'unknown';
  if (encoding !== 'UTF8') throw new WaybillError('invalid_config', 'the database must be UTF8', { encoding });
}

async function findPending(client: pg.Client, directory: string): Promise<readonly MigrationFile[]> {
  const files = loadFiles(directory);
  await client.query(
    'create table if not exists migration (name text primary key, sha256 text not null, at timestamptz not null default now())',
  );
  const { rows } = await client.query<{ name: string; sha256: string }>('select name, sha256 from migration');
  for (const row of rows) {
    const file = files.find((candidate) => candidate.name === row.name);
    if (file === undefined) {
      throw new WaybillError('invalid_config', 'the database is newer than this program', { migration: row.name });
    }
    if (file.sha256 !== row.sha256) {
      throw new WaybillError('invalid_config', 'a migration was edited after it was applied', { migration: row.name });
    }
  }
  return files.filter((file) => !rows.some((row) => row.name === file.name));
}

async function apply(client: pg.Client, file: MigrationFile): Promise<void> {
  await client.query('begin');
  try {
    await client.query(file.sql);
    await client.query('insert into migration (name, sha256) values ($1, $2)', [file.name, file.sha256]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

/** `migrations/` at the top of the project, seen from the sources and from a build one directory deeper. */
function findMigrations(): string {
  const candidates = ['../../migrations', '../../../migrations'].map((up) => path.join(import.meta.dirname, up));
  return candidates.find((directory) => existsSync(directory)) ?? (candidates[0] as string);
}
