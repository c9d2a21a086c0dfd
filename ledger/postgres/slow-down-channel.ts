/**
 * A store that asks to slow down is heard by the worker that it answered; over this channel all workers of the ledger hear it, and slow
 * down before each of them has been refused as well. Nothing is stored: it is advice, good for a second. What is said while a connection
 * is lost is lost with it, and nobody waits for it; each worker still hears the stores that answer it.
 */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { LedgerLogger } from './database.ts';

/** On the wire: workers of one database, of whatever version. */
const CHANNEL = 'waybill_slow_down';
const RETRY_MS = 5000;

export interface SlowDownChannel {
  /** Tells the other workers of these stores. Never fails, and is not waited for. */
  tell(stores: readonly string[]): void;
  close(): Promise<void>;
}

export interface SlowDownChannelOptions {
  readonly url: string;
  /** Another worker was told to slow down by one of these. */
  readonly onTold: (stores: readonly string[]) => void;
  readonly logger: LedgerLogger;
  readonly retryMs?: number;
}

/** Connects in the background, again and again. */
export function openSlowDownChannel(options: SlowDownChannelOptions): SlowDownChannel {
  const { url, onTold, logger, retryMs = RETRY_MS } = options;
  const self = randomUUID();
  let listening: pg.Client | null = null;
  let isClosed = false;
  let retry: NodeJS.Timeout | undefined;

  const connect = async (): Promise<void> => {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'waybill',
      connectionTimeoutMillis: 10_000,
      query_timeout: 10_000,
      keepAlive: true,
    });
    let isLost = false;
    const lose = (reason: string): void => {
      if (isLost) return;
      isLost = true;
      if (listening === client) listening = null;
      void client.end().catch(() => undefined);
      if (isClosed) return;
      logger.warn({ reason }, 'other workers are not heard: connecting again');
      retry = setTimeout(() => void connect(), retryMs).unref();
    };
    // The error itself is not logged: the driver hangs the connection on it, with all that it was opened with.
    client.on('error', ({ message }) => lose(message));
    client.on('end', () => lose('the connection ended'));
    client.on('notification', ({ payload }) => {
      const told = parseTold(payload);
      if (told !== null && told.from !== self) onTold(told.stores);
    });
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      listening = client;
      if (isClosed) lose('closed');
    } catch (error) {
      lose(error instanceof Error ? error.message : 'it could not be opened');
    }
  };
  const first = connect();

  return {
    tell(stores) {
      const told = JSON.stringify({ from: self, stores });
      listening?.query('select pg_notify($1, $2)', [CHANNEL, told]).catch(() => undefined);
    },
    async close() {
      isClosed = true;
      clearTimeout(retry);
      await first;
      await listening?.end().catch(() => undefined);
    },
  };
}

/** Whoever may connect may say anything here. */
function parseTold(payload: string | undefined): { readonly from: string; readonly stores: readonly string[] } | null {
  try {
    const { from, stores } = JSON.parse(payload ?? '') as { from?: unknown; stores?: unknown };
    if (typeof from !== 'string' || !Array.isArray(stores)) return null;
    return { from, stores: stores.filter((store) => typeof store === 'string') };
  } catch {
    return null;
  }
}
