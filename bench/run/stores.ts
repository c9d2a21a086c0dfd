/** Two S3 servers of one kind, each a process of its own: source objects in one, room for copies in the other. */
import { fork, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { startChild, type Child } from '../../dev/child.ts';
import { findFreePorts } from '../../dev/free-port.ts';
import { openStore } from '../../dev/open-store.ts';
import { readStoreCounts } from '../../dev/store-counts.ts';
import type { ObjectChecksum } from '../../core/checksums.ts';
import type { Sha256Hex } from '../../core/ids.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { createFilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import type { Body, CompletedPart, PartChecksum, Store } from '../../stores/store.ts';
import { findOnPath } from './find-on-path.ts';
import { builtCommand } from './built.ts';
import { readMinioCounts } from './minio-counts.ts';
import { PATTERN, toPatternCrc32 } from './null-store/bytes.ts';
import type { Distribution } from './null-store/distributions.ts';
import { toNumberedKey } from './null-store/keys.ts';
import type { Order } from './null-store.ts';
import { untilListening } from './until-listening.ts';
import type { Workload } from './workloads.ts';

export const STORE_KINDS = ['null', 'waybill', 'minio', 'versitygw'] as const;
export type StoreKind = (typeof STORE_KINDS)[number];

/** As far as the server counts them; null where it does not. */
export interface Counts {
  readonly requests: Readonly<Record<string, number>>;
  /** Of objects. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface BenchStore {
  readonly port: number;
  readonly credentials: Credentials;
  readonly pid: number;
  /** So far, or since the last reading: only the difference that `countBetween` makes is meant. */
  counts(): Promise<Counts | null>;
  order(order: Order): Promise<unknown>;
  stop(): Promise<void>;
}

export const TARGET_BUCKET = 'target';

export interface StartBenchStore {
  readonly kind: StoreKind;
  readonly name: string;
  readonly directory: string;
  readonly keys: Distribution | null;
  /** Filled before anybody asks. */
  readonly workloads: readonly Workload[];
  /** Ends the start. */
  readonly signal?: AbortSignal;
}

export async function startBenchStore(options: StartBenchStore): Promise<BenchStore> {
  const store = await start(options);
  try {
    if (options.kind !== 'waybill') await fill(options, store);
    return store;
  } catch (error) {
    await store.stop();
    throw error;
  }
}

async function start(options: StartBenchStore): Promise<BenchStore> {
  const { kind, name, directory, signal } = options;
  const credentials = {
    accessKeyId: `BENCH${name.toUpperCase()}KEY`,
    secretAccessKey: randomBytes(20).toString('hex'),
  };
  if (kind === 'null') return startNull(credentials);
  const root = path.join(directory, `${name}-objects`);
  await mkdir(root, { recursive: true });
  const [port = 0, adminPort = 0] = await findFreePorts(2);
  const child = async (command: [string, ...string[]], env: Record<string, string>, ready: RegExp) =>
    startChild({ name, command, env, ready, logFile: path.join(directory, `${name}.log`), ...(signal && { signal }) });
  const common = { port, credentials, order: () => Promise.resolve(null) };
  switch (kind) {
    case 'waybill': {
      await fillDirectory(root, options.workloads, signal);
      const server = await child(
        builtCommand(
          ...['store', '--root', root, '--no-fsync', '--allow-unsigned-payload', '--bucket', TARGET_BUCKET],
          ...['--listen', `127.0.0.1:${String(port)}`, '--admin-listen', `127.0.0.1:${String(adminPort)}`],
        ),
        { WAYBILL_ACCESS_KEY_ID: credentials.accessKeyId, WAYBILL_SECRET_ACCESS_KEY: credentials.secretAccessKey },
        /waybill store: listening/,
      );
      return { ...common, pid: server.pid, counts: () => readStoreCounts(adminPort), stop: () => server.stop() };
    }
    case 'minio': {
      const server = await child(
        [
          ...([await need('minio'), 'server', root] as const),
          ...['--address', `127.0.0.1:${String(port)}`, '--console-address', `127.0.0.1:${String(adminPort)}`],
        ],
        {
          MINIO_ROOT_USER: credentials.accessKeyId,
          MINIO_ROOT_PASSWORD: credentials.secretAccessKey,
          MINIO_PROMETHEUS_AUTH_TYPE: 'public',
          MINIO_UPDATE: 'off',
        },
        /API:|Docs:|Documentation:/,
      );
      await untilOpen(server, port);
      return { ...common, pid: server.pid, counts: () => readMinioCounts(port), stop: () => server.stop() };
    }
    case 'versitygw': {
      const server = await child(
        [await need('versitygw'), '--port', `127.0.0.1:${String(port)}`, 'posix', root],
        { ROOT_ACCESS_KEY: credentials.accessKeyId, ROOT_SECRET_KEY: credentials.secretAccessKey },
        /listening|running|:\d+/i,
      );
      await untilOpen(server, port);
      return { ...common, pid: server.pid, counts: () => Promise.resolve(null), stop: () => server.stop() };
    }
  }
}

/** What these say first may come before they listen. */
async function untilOpen(server: Child, port: number): Promise<void> {
  let hasEnded = false;
  void server.exited.then(() => (hasEnded = true));
  try {
    await untilListening(server.name, port, () => hasEnded);
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function need(name: string): Promise<string> {
  const found = await findOnPath(name);
  if (found === null) throw new Error(`${name} is not on PATH`);
  return found;
}

async function startNull(credentials: Credentials): Promise<BenchStore> {
  const file = new URL('null-store.ts', import.meta.url);
  const child = fork(file, { execArgv: ['--import', 'tsx'] });
  const ask = (order?: Order): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error('the null store has ended'));
      child.once('exit', onExit);
      child.once('message', (message) => {
        child.off('exit', onExit);
        resolve(message);
      });
      // Without the function a channel that is closed would be an uncaught error.
      if (order !== undefined)
        child.send(order, (error) => {
          if (error !== null) reject(error);
        });
    });
  const port = (await ask()) as number;
  // Two readings at once would take each other's answer.
  let last: Promise<unknown> = Promise.resolve();
  const order = (one: Order): Promise<unknown> => (last = last.then(() => ask(one)));
  return {
    port,
    credentials,
    pid: child.pid ?? 0,
    counts: async () => (await order({ do: 'counts' })) as Counts,
    order,
    stop: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

async function fill({ kind, name, workloads, keys, signal }: StartBenchStore, server: BenchStore): Promise<void> {
  if (kind === 'null') {
    for (const { bucket, count, sizeBytes } of workloads)
      await server.order({ do: 'source', bucket, count, sizeBytes, ...(keys === null ? {} : { distribution: keys }) });
    return;
  }
  const store = openStore(server.port, server.credentials);
  try {
    if (name === 'b') await store.createBucket(TARGET_BUCKET);
    for (const workload of workloads) {
      await store.createBucket(workload.bucket);
      await putAll(store, workload, 16, signal);
    }
  } finally {
    await store.close();
  }
}

/** Straight into the directory: over HTTP it takes minutes. */
async function fillDirectory(root: string, workloads: readonly Workload[], signal?: AbortSignal): Promise<void> {
  const store = await createFilesystemStore({ root, fsync: false });
  try {
    for (const workload of workloads) {
      await store.createBucket(workload.bucket);
      await putAll(store, workload, workload.sizeBytes > PATTERN.length ? 2 : 128, signal);
    }
  } finally {
    await store.close();
  }
}

async function putAll(
  store: Store,
  { bucket, count, sizeBytes }: Workload,
  concurrency: number,
  signal?: AbortSignal,
): Promise<void> {
  const sha256 = createHash('sha256').update(PATTERN.subarray(0, sizeBytes)).digest('hex') as Sha256Hex;
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      signal?.throwIfAborted();
      const isSmall = sizeBytes <= PATTERN.length;
      const request = { bucket, key: toNumberedKey(index), headers: { metadata: {} } };
      if (isSmall) await store.put(request, { sizeBytes, sha256, content: PATTERN.subarray(0, sizeBytes) });
      else await putParts(store, request, sizeBytes);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, work));
}

const PART_BYTES = 16 * 1024 * 1024;

/** As clients put what is large by now: the ETag is that of parts, and a CRC of the whole is told. */
async function putParts(
  store: Store,
  request: { bucket: string; key: string; headers: { metadata: Record<string, string> } },
  sizeBytes: number,
): Promise<void> {
  const { bucket, key } = request;
  const { uploadId } = await store.createUpload({ ...request, checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT' } });
  const upload = { bucket, key, uploadId };
  const parts: CompletedPart[] = [];
  for (let at = 0; at < sizeBytes; at += PART_BYTES) {
    const bytes = Buffer.alloc(Math.min(PART_BYTES, sizeBytes - at), PATTERN[0]);
    const sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256Hex;
    const checksum = toCrc(bytes.length);
    const kept = (): ObjectChecksum => ({ ...checksum, type: 'FULL_OBJECT' });
    const body: Body = { sizeBytes: bytes.length, sha256, content: bytes, promised: { checksum }, checksum: kept };
    const { etag } = await store.uploadPart(upload, parts.length + 1, body);
    parts.push({ partNumber: parts.length + 1, etag, checksum });
  }
  await store.completeUpload({ ...upload, checksum: toCrc(sizeBytes) }, parts);
}

const toCrc = (sizeBytes: number): PartChecksum => ({ algorithm: 'CRC32', value: toPatternCrc32(sizeBytes) });

/** As if somebody had copied all of the workload there; of the null store alone, with numbered keys. */
export async function holdCopies(server: BenchStore, { count, sizeBytes }: Workload, prefix: string): Promise<void> {
  await server.order({ do: 'source', bucket: TARGET_BUCKET, count, sizeBytes, prefix });
}

/** Takes what a round copied out of the target again. */
export async function emptyTarget(kind: StoreKind, server: BenchStore): Promise<void> {
  if (kind === 'null') {
    await server.order({ do: 'empty', bucket: TARGET_BUCKET });
    return;
  }
  const store = openStore(server.port, server.credentials);
  try {
    const keys: string[] = [];
    let token: string | undefined;
    do {
      const page = await store.list({
        bucket: TARGET_BUCKET,
        ...(token === undefined ? {} : { continuationToken: token }),
      });
      keys.push(...page.objects.map(({ key }) => key));
      token = page.nextContinuationToken;
    } while (token !== undefined);
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        for (let key = keys.pop(); key !== undefined; key = keys.pop())
          await store.delete({ bucket: TARGET_BUCKET, key });
      }),
    );
  } finally {
    await store.close();
  }
}
