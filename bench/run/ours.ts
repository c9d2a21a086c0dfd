/**
 * Waybill as it is run: Postgres and Temporal, and for each shape a worker and an API of its own: `direct`, where the worker signs for
 * the stores itself, `crc` and `unsigned`, which are the same with the options `proof: crc` and, besides, `unsigned_payload`,
 * `gateway`, where all traffic goes through `waybill gateway`, `gateway-unsigned`, which is that with the two options, and `sign`, where the
 * gateway signs (`traffic: direct`) and the bytes go straight.
 * Postgres is durable: nothing of it is traded for speed.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { createApiClient, type ApiClient, type StartedJson } from '../../cli/api-client.ts';
import { startChild, type Child } from '../../dev/child.ts';
import { choosePorts } from '../../dev/choose-ports.ts';
import { MALLOC_BOUNDS } from '../../dev/entry.ts';
import { startPostgres } from '../../dev/postgres.ts';
import { loadSecrets, toEnvironments, type ProcessName } from '../../dev/secrets.ts';
import { buildStackConfig, printStackConfig } from '../../dev/stack-config.ts';
import { startTemporal } from '../../dev/temporal.ts';
import { buildAgainstDist, builtCommand } from './built.ts';
import type { Cost } from './command.ts';
import { readCpuSeconds, readPeakMiB, readTreeCpuSeconds, resetPeak } from './processes.ts';
import type { Running } from './running.ts';
import { TARGET_BUCKET, type BenchStore } from './stores.ts';
import type { Workload } from './workloads.ts';

export const SHAPES = ['direct', 'crc', 'unsigned', 'sign', 'gateway', 'gateway-unsigned'] as const;
/** What they change is the cost of bytes. */
export const BYTE_SHAPES: readonly Shape[] = ['crc', 'unsigned', 'gateway-unsigned'];
export type Shape = (typeof SHAPES)[number];
/** Without being asked for by name. */
export const QUICK_SHAPES: readonly Shape[] = ['direct', 'gateway'];
const hasGateway = (shape: Shape): boolean => shape === 'sign' || shape.startsWith('gateway');
const isUnsigned = (shape: Shape): boolean => shape.endsWith('unsigned');

/** `cpuSeconds` is of worker, API and gateway; `peakMiB` of one worker. */
export interface OursCost extends Cost {
  readonly cpuOf: Readonly<Record<string, number>>;
  /** Not ours, and not in `cpuSeconds`. */
  readonly temporalSeconds: number;
  readonly postgresSeconds: number;
  readonly gatewayPeakMiB: number | null;
}

export interface Ours {
  /** A run of the pipeline, with what it did by its own account. @throws an Error when it does not end done */
  run(shape: Shape, pipeline: string, options?: { readonly listOnly?: boolean }): Promise<OursCost>;
}

export interface StartOurs {
  readonly directory: string;
  readonly shapes: readonly Shape[];
  readonly a: BenchStore;
  readonly b: BenchStore;
  /** By name: what is copied, and where to. A place at the target belongs to one pipeline. */
  readonly pipelines: ReadonlyMap<string, { readonly workload: Workload; readonly prefix: string }>;
  /** Workers of each shape. */
  readonly workers: number;
  /** Stops all of it. */
  readonly running: Running;
}

/** The run has ended: the workflow and the API may still be saying so. It is theirs to pay. */
const SETTLE_MS = 300;
/** As often as a peer is looked at: each look is a query, and its CPU is taken from the two cores that all share. */
const LOOK_MS = 20;
const RUN_MS_MAX = 3_600_000;

interface RunningShape {
  readonly api: ApiClient;
  readonly database: pg.Client;
  /** Ours, by name. */
  readonly children: ReadonlyMap<string, Child>;
}

export const toPostgresDirectory = (directory: string): string => path.join(directory, 'postgres');

export async function startOurs(options: StartOurs): Promise<Ours> {
  const { directory, shapes, running } = options;
  const ports = await choosePorts(path.join(directory, 'ports.json'), {});
  const postgres = await running.start(
    () => startPostgres({ dataDir: toPostgresDirectory(directory), port: ports.postgres }),
    (one) => one.stop(),
  );
  const temporal = await running.start(
    () =>
      startTemporal({
        port: ports.temporal,
        uiPort: ports.temporalUi,
        metricsPort: ports.temporalMetrics,
        databaseFile: path.join(directory, 'temporal.db'),
        logFile: path.join(directory, 'temporal.log'),
        fast: false,
        say: () => undefined,
      }),
    async ({ child }) => child?.stop(),
  );
  const started = new Map<Shape, RunningShape>();
  for (const shape of shapes) {
    started.set(
      shape,
      await startShape(shape, { ...options, postgresUrl: postgres.url, temporalAddress: temporal.address }),
    );
  }
  const temporalPid = temporal.child?.pid ?? 0;
  let runs = 0;
  return {
    async run(shape, pipeline, { listOnly = false } = {}) {
      const { api, database, children } = started.get(shape) as RunningShape;
      const read = () => ({
        of: new Map([...children].map(([name, { pid }]) => [name, readCpuSeconds(pid)])),
        temporal: readCpuSeconds(temporalPid),
        postgres: readTreeCpuSeconds(postgres.pid),
      });
      for (const { pid } of children.values()) resetPeak(pid);
      const before = read();
      const startedAt = Date.now();
      const body = { pipeline, run_id: `bench-${String(++runs)}`, ...(listOnly ? { plan: true } : {}) };
      const accepted = await api.send<StartedJson>('POST', '/v1/runs', body);
      const wallSeconds = await waitForEnd(database, accepted.id, startedAt, listOnly);
      if (!listOnly) await sleep(SETTLE_MS);
      const after = read();
      const cpuOf = Object.fromEntries(
        [...after.of].map(([name, seconds]) => [name, seconds - (before.of.get(name) ?? 0)]),
      );
      const workers = [...children].filter(([name]) => name.startsWith('worker'));
      const gateway = children.get('gateway');
      if (listOnly) await waitForEnd(database, accepted.id, startedAt, false);
      return {
        wallSeconds,
        cpuSeconds: Object.values(cpuOf).reduce((sum, seconds) => sum + seconds, 0),
        peakMiB: Math.max(...workers.map(([, { pid }]) => readPeakMiB(pid))),
        cpuOf,
        temporalSeconds: after.temporal - before.temporal,
        postgresSeconds: after.postgres - before.postgres,
        gatewayPeakMiB: gateway === undefined ? null : readPeakMiB(gateway.pid),
      };
    },
  };
}

interface ShapeOptions extends StartOurs {
  readonly postgresUrl: string;
  readonly temporalAddress: string;
}

async function startShape(shape: Shape, options: ShapeOptions): Promise<RunningShape> {
  const { running } = options;
  const directory = path.join(options.directory, shape);
  await mkdir(directory, { recursive: true });
  const ports = await choosePorts(path.join(directory, 'ports.json'), {});
  const made = await loadSecrets(path.join(directory, 'secrets.json'));
  const secrets = { ...made, storeA: options.a.credentials, storeB: options.b.credentials };
  const databaseUrl = await createDatabase(options.postgresUrl, `bench_${shape.replace('-', '_')}`);
  const config = buildStackConfig({
    ports: { ...ports, storeA: options.a.port, storeB: options.b.port },
    temporalAddress: options.temporalAddress,
    taskQueue: `bench-${shape}`,
    heartbeatTimeout: '60s',
    requestLimit: '30s',
    sweepInterval: '60s',
    pipelines: Object.fromEntries(
      [...options.pipelines].map(([name, { workload, prefix }]) => [
        name,
        {
          ...{ source: { store: 'a', bucket: workload.bucket }, target: { store: 'b', bucket: TARGET_BUCKET, prefix } },
          ...(BYTE_SHAPES.includes(shape) && { proof: 'crc' }),
        },
      ]),
    ),
    // The null store verifies no signature, and MinIO takes what none covers.
    ...(shape === 'sign' && { traffic: 'direct', unsafeDirectWrites: true }),
    ...(isUnsigned(shape) && { storeB: { unsigned_payload: true }, allowUnsignedPayload: true }),
  });
  const configFile = path.join(directory, 'waybill.yaml');
  await writeFile(configFile, printStackConfig(config));
  const environments = toEnvironments(secrets, databaseUrl);
  const start = async (
    name: string,
    environment: ProcessName | 'migrate',
    command: [string, ...string[]],
    ready: RegExp,
  ): Promise<Child> => {
    return running.start(
      () =>
        startChild({
          name,
          command,
          env: { ...MALLOC_BOUNDS, ...environments[environment], ...(hasGateway(shape) ? {} : environments.gateway) },
          logFile: path.join(directory, `${name}.log`),
          ready,
          cwd: directory,
          signal: running.signal,
        }),
      (child) => child.stop(),
    );
  };
  const migrated = await start(
    'migrate',
    'migrate',
    builtCommand('migrate', '--config', configFile),
    /waybill migrate:/,
  );
  await migrated.exited;
  const children = new Map<string, Child>();
  if (hasGateway(shape)) {
    children.set(
      'gateway',
      await start('gateway', 'gateway', builtCommand('gateway', '--config', configFile), /waybill gateway: listening/),
    );
  }
  for (let number = 1; number <= options.workers; number++) {
    const name = number === 1 ? 'worker' : `worker-${String(number)}`;
    const file = number === 1 ? configFile : await withoutMetrics(config, path.join(directory, `${name}.yaml`));
    const command = hasGateway(shape)
      ? builtCommand('worker', '--config', file, '--log-level', 'warn')
      : await buildAgainstDist('direct-worker.ts', directory, file);
    children.set(name, await start(name, 'worker', command, /waybill worker: running/));
  }
  children.set('api', await start('api', 'api', builtCommand('api', '--config', configFile), /waybill api: listening/));
  const database = new pg.Client({ connectionString: databaseUrl });
  await running.start(
    () => database.connect(),
    () => database.end(),
  );
  return { api: createApiClient(`http://127.0.0.1:${String(ports.api)}`, secrets.apiToken), database, children };
}

/** Two workers on one machine cannot share the address of their metrics. */
async function withoutMetrics(config: Readonly<Record<string, unknown>>, file: string): Promise<string> {
  const { metrics_listen: _, ...worker } = config['worker'] as Record<string, unknown>;
  await writeFile(file, printStackConfig({ ...config, worker }));
  return file;
}

async function createDatabase(postgresUrl: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/**
 * Seconds until it ended, by the ledger's clock, which is this machine's; `untilManifest`: until its manifest was seen to be whole. The
 * API is not asked: it would be counted.
 */
async function waitForEnd(database: pg.Client, id: string, startedAt: number, untilManifest: boolean): Promise<number> {
  for (;;) {
    const { rows } = await database.query<{
      state: string;
      endedAt: Date | null;
      manifest: string | null;
      failure: string | null;
    }>(
      `select state, ended_at as "endedAt", manifest_hash as manifest, failure_message as failure
       from attempt where run = $1 order by n desc limit 1`,
      [id],
    );
    const [row] = rows;
    if (untilManifest && row?.manifest) return (Date.now() - startedAt) / 1000;
    if (row?.endedAt) {
      if (row.state !== 'done') throw new Error(`the run ended ${row.state}: ${row.failure ?? ''}`);
      return (row.endedAt.getTime() - startedAt) / 1000;
    }
    if (Date.now() - startedAt > RUN_MS_MAX) throw new Error('the run does not end');
    await sleep(LOOK_MS);
  }
}
