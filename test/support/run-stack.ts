/**
 * A whole stack for a test file: processes of their own over a database and a task queue of their own. Postgres and Temporal are the
 * test runner's where it provides them, and this process's own otherwise; a test that restarts them asks for its own.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createApiClient, type ApiClient, type RunJson, type StartedJson } from '../../cli/api-client.ts';
import { followRun, followVerification } from '../../cli/follow-run.ts';
import { putDemoObjects, type DemoObject } from '../../dev/demo-input.ts';
import { openStore } from '../../dev/open-store.ts';
import { startStack, type Stack, type StackOptions } from '../../dev/stack.ts';
import { readStoreCounts, subtractCounts, type StoreCounts } from '../../dev/store-counts.ts';
import { findFreePorts } from '../../dev/free-port.ts';
import type { Store } from '../../stores/store.ts';
import { createTestDatabase } from './postgres.ts';
import { stackCommand } from './stack-command.ts';
import { startFaultProxy, type FaultProxy } from './start-fault-proxy.ts';

export interface RunStackOptions {
  readonly config?: NonNullable<StackOptions['config']>;
  /** Postgres and Temporal of this stack alone, so that a test may restart them. */
  readonly ownServers?: boolean;
  /** Settings of the own Temporal. */
  readonly temporalDynamicConfig?: readonly string[];
  readonly buckets?: NonNullable<StackOptions['buckets']>;
  /** A proxy between the worker and the gateway. */
  readonly watchGateway?: boolean;
  /** Before anything is started: fills the directories `stores/a` and `stores/b` of the state faster than over HTTP. */
  readonly prepare?: (stateDir: string) => Promise<void>;
}

export interface RunStack extends Stack {
  readonly api: ApiClient;
  /** Straight to the stores, with the providers' credentials: how a test looks behind the service's back. */
  readonly storeA: Store;
  readonly storeB: Store;
  /** Between the gateway and each store. */
  readonly proxyA: FaultProxy;
  readonly proxyB: FaultProxy;
  /** Between the worker and the gateway, where `watchGateway` asked for one. */
  readonly proxyGateway: FaultProxy | null;
  putSource(objects: readonly DemoObject[]): Promise<void>;
  /** Starts the run and returns at once. */
  begin(runId: string, more?: { pipeline?: string; again?: boolean; plan?: boolean }): Promise<StartedJson>;
  /** Starts the run and waits until it has ended (or, done before, was verified). */
  run(runId: string, more?: { pipeline?: string; again?: boolean; plan?: boolean }): Promise<RunJson>;
  waitFor(id: string): Promise<RunJson>;
  /** Of each store, by its own count. */
  counts(): Promise<{ a: StoreCounts; b: StoreCounts }>;
  dispose(): Promise<void>;
}

/** Short, so that a test of a lost worker takes seconds; the requests of tests are quick. */
const HEARTBEAT = { heartbeatTimeout: '6s', requestLimit: '3s', sweepInterval: '2s' };

export async function startRunStack(options: RunStackOptions = {}): Promise<RunStack> {
  const stateDir = await mkdtemp(path.join(os.tmpdir(), 'waybill-test-'));
  await options.prepare?.(stateDir);
  const [storeA = 0, storeB = 0, gateway = 0] = await findFreePorts(3);
  const [proxyA, proxyB] = await Promise.all([startFaultProxy(storeA), startFaultProxy(storeB)]);
  const proxyGateway = options.watchGateway === true ? await startFaultProxy(gateway) : null;
  const sharedTemporal = process.env['WAYBILL_TEST_TEMPORAL_ADDRESS'];
  const database = options.ownServers === true ? null : await createTestDatabase();
  const stack = await startStack({
    stateDir,
    fast: true,
    say: () => undefined,
    command: stackCommand,
    ports: { storeA, storeB, ...(proxyGateway === null ? {} : { gateway }) },
    ...(database === null ? {} : { postgresUrl: database.url }),
    ...(options.ownServers === true || sharedTemporal === undefined ? {} : { temporalAddress: sharedTemporal }),
    ...(options.temporalDynamicConfig === undefined ? {} : { temporalDynamicConfig: options.temporalDynamicConfig }),
    ...(options.buckets === undefined ? {} : { buckets: options.buckets }),
    config: {
      ...HEARTBEAT,
      taskQueue: path.basename(stateDir),
      storeAEndpoint: proxyA.url,
      storeBEndpoint: proxyB.url,
      ...(proxyGateway === null ? {} : { gatewayEndpoint: proxyGateway.url }),
      ...options.config,
    },
  }).catch(async (error: unknown) => {
    // Listening proxies would keep the process of the test alive, and nobody would see why.
    await Promise.all([proxyA.close(), proxyB.close(), proxyGateway?.close()]);
    await database?.drop();
    await rm(stateDir, { recursive: true, force: true });
    throw error;
  });
  const api = createApiClient(stack.apiUrl, stack.secrets.apiToken);
  const stores = [openStore(storeA, stack.secrets.storeA), openStore(storeB, stack.secrets.storeB)] as const;
  const begin: RunStack['begin'] = (runId, { pipeline = 'a-to-b', ...flags } = {}) =>
    api.send<StartedJson>('POST', '/v1/runs', { pipeline, run_id: runId, ...flags });
  const inTime = <T>(waiting: Promise<T>): Promise<T> => endsInTime(waiting, stack);
  const waitFor = (id: string): Promise<RunJson> => inTime(followRun(api, id, true));
  return {
    ...stack,
    api,
    storeA: stores[0],
    storeB: stores[1],
    proxyA,
    proxyB,
    proxyGateway,
    putSource: (objects) => putDemoObjects(stores[0], 'source', objects),
    begin,
    waitFor,
    async run(runId, more) {
      const started = await begin(runId, more);
      return started.verifying ? inTime(followVerification(api, started, true)) : waitFor(started.id);
    },
    async counts() {
      const [a, b] = await Promise.all([
        readStoreCounts(stack.ports.storeAAdmin),
        readStoreCounts(stack.ports.storeBAdmin),
      ]);
      return { a, b };
    },
    async dispose() {
      await Promise.all([
        ...stores.map((store) => store.close()),
        proxyA.close(),
        proxyB.close(),
        proxyGateway?.close(),
      ]);
      await stack.stop();
      await database?.drop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

/** Far longer than any run of the tests; shorter than the runner's limit for a file, whose end tells nothing. */
const RUN_ENDS_WITHIN_MS = 300_000;
const LOG_CHARS = 1500;

/** @throws an Error with the end of every process's log when it takes too long */
async function endsInTime<T>(waiting: Promise<T>, { stateDir }: Stack): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, RUN_ENDS_WITHIN_MS, null);
  });
  const ended = waiting.then((value) => ({ value }));
  try {
    const first = await Promise.race([ended, late]);
    if (first !== null) return first.value;
  } finally {
    clearTimeout(timer);
  }
  const logs = path.join(stateDir, 'logs');
  const ends = (await readdir(logs)).map(
    async (name) => `${name}:\n${(await readFile(path.join(logs, name), 'utf8')).slice(-LOG_CHARS)}`,
  );
  throw new Error(`it did not end within ${RUN_ENDS_WITHIN_MS} ms\n${(await Promise.all(ends)).join('\n')}`);
}

/** For tests that count requests: on a busy machine a short limit breaks requests off, and they are sent again. */
export const PATIENT = { heartbeatTimeout: '60s', requestLimit: '30s' } as const;

/** Requests by operation of both stores between two counts. */
export function countBetween(
  before: { a: StoreCounts; b: StoreCounts },
  after: { a: StoreCounts; b: StoreCounts },
): { a: StoreCounts; b: StoreCounts } {
  return { a: subtractCounts(after.a, before.a), b: subtractCounts(after.b, before.b) };
}
