/** A store as S3 on a free port of this process: real HTTP, real signatures, a directory of its own that goes when it is closed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Operation } from '../../core/traffic.ts';
import type { Accel } from '../../gateway/directory/accel.ts';
import type { AccessKey } from '../../gateway/keys/access.ts';
import type { RequestRecord } from '../../gateway/listener/exchange.ts';
import type { Log } from '../../gateway/listener/listener-options.ts';
import { toObjectBytes } from '../../gateway/admin/metrics.ts';
import type { ListenerStats } from '../../gateway/listener/listener.ts';
import type { MemoryBudget } from '../../gateway/listener/memory-budget.ts';
import { startStoreServer, type StoreServerOptions } from '../../gateway/store-server.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { createFilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import type { Store } from '../../stores/store.ts';

export const TEST_CREDENTIALS: Credentials = { accessKeyId: 'AKIDSTORETEST', secretAccessKey: 'store-test-secret' };

export interface StartStoreOptions {
  /** Created at the start. */
  readonly buckets?: readonly string[];
  /** Default: TEST_CREDENTIALS, which may not send unsigned payloads. */
  readonly keys?: readonly Credentials[];
  readonly allowUnsignedPayload?: boolean;
  /** Default: a filesystem store without fsync in a temporary directory. */
  readonly store?: Store;
  readonly region?: string;
  readonly requestLimitMs?: number;
  readonly now?: () => Date;
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  readonly accel?: Accel;
  readonly limits?: NonNullable<StoreServerOptions['limits']>;
  readonly memory?: MemoryBudget;
}

/** Counted by the server itself, request by request, whatever its client believes. */
export interface StoreCounts {
  /** By operation; operations that were not asked are 0. */
  readonly requests: (operation: Operation | 'Unknown') => number;
  readonly objectBytesOut: number;
  readonly objectBytesIn: number;
  readonly records: readonly RequestRecord[];
}

export interface StartedStore {
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  readonly credentials: Credentials;
  readonly store: Store;
  /** '' when the store was given. */
  readonly root: string;
  readonly adminCounts: () => StoreCounts;
  readonly resetCounts: () => void;
  readonly stats: () => ListenerStats;
  /** Looks at the certificate's files now. */
  readonly lookAtTls: () => Promise<void>;
  /** What the server logged at warn and above. */
  readonly logged: readonly string[];
  close(): Promise<void>;
}

export async function startStore(options: StartStoreOptions = {}): Promise<StartedStore> {
  const root = options.store === undefined ? await mkdtemp(join(tmpdir(), 'waybill-store-')) : '';
  const store = options.store ?? (await createFilesystemStore({ root, fsync: false }));
  for (const bucket of options.buckets ?? []) await store.createBucket(bucket);
  const credentials = options.keys ?? [TEST_CREDENTIALS];
  const keys = credentials.map((one): AccessKey => ({
    name: one.accessKeyId,
    credentials: [one],
    allowUnsignedPayload: options.allowUnsignedPayload ?? false,
  }));
  let records: RequestRecord[] = [];
  const logged: string[] = [];
  const region = options.region ?? 'us-east-1';
  const server = await startStoreServer({
    store,
    keys,
    listen: { host: '127.0.0.1', port: 0 },
    region,
    requestLimitMs: options.requestLimitMs ?? 60_000,
    logger: createCapture(logged),
    onRequest: (record) => records.push(record),
    allowInsecureHttp: false,
    ...(options.now && { now: options.now }),
    ...(options.limits && { limits: options.limits }),
    ...(options.memory && { memory: options.memory }),
    ...(options.tls && { tls: options.tls }),
    ...(options.accel && { accel: options.accel }),
  });
  return {
    endpoint: server.url,
    port: server.port,
    region,
    credentials: credentials[0] ?? TEST_CREDENTIALS,
    store,
    root,
    adminCounts: () => toCounts(records),
    resetCounts: () => {
      records = [];
    },
    stats: () => server.stats(),
    lookAtTls: () => server.lookAtTls(),
    logged,
    close: async () => {
      await server.close(500);
      if (options.store === undefined) {
        await store.close();
        await rm(root, { recursive: true, force: true });
      }
    },
  };
}

function toCounts(all: readonly RequestRecord[]): StoreCounts {
  const records = [...all];
  const moved = records.flatMap(toObjectBytes);
  const sum = (direction: 'in' | 'out'): number =>
    moved.reduce((total, one) => total + (one.direction === direction ? one.bytes : 0), 0);
  return {
    requests: (operation) => records.filter((record) => record.operation === operation).length,
    objectBytesOut: sum('out'),
    objectBytesIn: sum('in'),
    records,
  };
}

function createCapture(logged: string[]): Log {
  const keep = (fields: object, message: string): void => {
    const { err } = fields as { err?: unknown };
    logged.push(`${message} ${err instanceof Error ? (err.stack ?? err.message) : JSON.stringify(fields)}`);
  };
  return { debug: () => undefined, info: () => undefined, warn: keep, error: keep };
}
