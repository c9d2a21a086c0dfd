/**
 * The connection pool, seen through two verbs: a query, and a transaction. What they add to the driver's: parameters that Postgres
 * cannot hold are refused, bigint comes back as a number, and every failure is a `WaybillError`.
 *
 * A process that is stopped in the middle of a transaction must not hold up its successor, so the server ends a transaction that
 * sits idle for 10 s; and a connection that is open on our side alone is given up after two minutes.
 */
import pg from 'pg';
import { WaybillError } from '../../core/failures.ts';
import { checkParameters, type Parameter } from './check-parameters.ts';
import { isConflict, toLedgerError } from './ledger-error.ts';

export interface Queryable {
  /** Rows of one statement. @throws unsupported_key, ledger_unavailable, unclassified */
  query<Row extends object>(sql: string, parameters?: readonly Parameter[]): Promise<Row[]>;
}

export interface Database extends Queryable {
  /**
   * Runs the body in a transaction (read committed). One that lost a deadlock is run again, up to three times in all, so the body
   * has no effect outside of it. The body sees the driver's own errors; the caller sees WaybillErrors.
   */
  transaction<T>(body: (tx: Queryable) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface LedgerLogger {
  warn(details: object, message: string): void;
}

const TRIES = 3;
const INT8 = 20;

export function createDatabase(options: { url: string; poolMax: number; logger: LedgerLogger }): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolMax,
    application_name: 'waybill',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    query_timeout: 120_000,
    statement_timeout: 110_000,
    lock_timeout: 30_000,
    idle_in_transaction_session_timeout: 10_000,
    types: { getTypeParser: findTypeParser },
  });
  // An idle connection that breaks is replaced at the next query; without a listener it would end the process.
  // The error itself is not logged: the pool hangs the connection on it, with all that it was opened with.
  pool.on('error', ({ message }) => options.logger.warn({ reason: message }, 'an idle connection to Postgres broke'));

  let closing: Promise<void> | null = null;
  return {
    async query<Row extends object>(sql: string, parameters: readonly Parameter[] = []): Promise<Row[]> {
      checkParameters(parameters);
      try {
        const { rows }: { rows: unknown[] } = await pool.query(sql, [...parameters]);
        return rows as Row[];
      } catch (error) {
        throw toLedgerError(error);
      }
    },
    async transaction(body) {
      for (let tries = 1; ; tries++) {
        try {
          return await runTransaction(pool, body);
        } catch (error) {
          if (!isConflict(error) || tries === TRIES) throw toLedgerError(error);
        }
      }
    },
    close: () => (closing ??= pool.end()),
  };
}

async function runTransaction<T>(pool: pg.Pool, body: (tx: Queryable) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  // The pool listens to idle connections only: one that breaks between two statements of ours says so at the next one.
  const ignore = (): void => undefined;
  client.on('error', ignore);
  let broken = false;
  try {
    await client.query('begin');
    const result = await body({
      async query<Row extends object>(sql: string, parameters: readonly Parameter[] = []): Promise<Row[]> {
        checkParameters(parameters);
        const { rows }: { rows: unknown[] } = await client.query(sql, [...parameters]);
        return rows as Row[];
      },
    });
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => (broken = true));
    throw error;
  } finally {
    client.off('error', ignore);
    client.release(broken);
  }
}

const findTypeParser = ((oid: number, format?: 'text') =>
  oid === INT8 ? toSafeNumber : (pg.types.getTypeParser(oid, format) as unknown)) as typeof pg.types.getTypeParser;

function toSafeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new WaybillError('unclassified', 'a bigint does not fit a number', { value: text });
  return value;
}
