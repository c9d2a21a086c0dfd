/**
 * The whole of Waybill on one machine: Postgres, Temporal with its UI, two directory stores with credentials of their own, gateway,
 * worker and API, each a process that knows only its own secrets. `waybill dev`, the demo and the integration tests run this.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startChild, type Child } from './child.ts';
import { waybillCommand } from './entry.ts';
import { findFreePorts } from './free-port.ts';
import { startPostgres, type RunningPostgres } from './postgres.ts';
import { loadSecrets, toEnvironments, type ProcessName, type Secrets } from './secrets.ts';
import {
  buildStackConfig,
  PORT_NAMES,
  printStackConfig,
  type StackConfigOptions,
  type StackPorts,
} from './stack-config.ts';
import { startTemporal, useTemporal, type RunningTemporal } from './temporal.ts';

export interface StackOptions {
  /** Everything that the stack keeps. */
  readonly stateDir: string;
  /** Gives up durability when the machine stops, and hurries Temporal's timers. */
  readonly fast: boolean;
  readonly say: (line: string) => void;
  /** Wanted ports; one that is taken is replaced by a free one. */
  readonly ports?: Partial<StackPorts>;
  /** Someone else's servers: tests share one of each. */
  readonly postgresUrl?: string;
  readonly temporalAddress?: string;
  /** For a Temporal of its own. */
  readonly temporalDynamicConfig?: readonly string[];
  readonly config?: Omit<StackConfigOptions, 'ports' | 'temporalAddress'>;
  /** The command line of `waybill ARGS…`; default: this build, or this source. */
  readonly command?: (...args: readonly string[]) => [string, ...string[]];
  /** Starts a process again that ends without being asked to. */
  readonly supervise?: boolean;
  readonly buckets?: { readonly a: readonly string[]; readonly b: readonly string[] };
}

export interface Stack {
  readonly stateDir: string;
  readonly configFile: string;
  readonly ports: StackPorts;
  readonly secrets: Secrets;
  readonly databaseUrl: string;
  readonly apiUrl: string;
  readonly gatewayUrl: string;
  readonly temporalAddress: string;
  readonly temporalUiUrl: string | null;
  readonly postgres: RunningPostgres | null;
  readonly temporal: RunningTemporal;
  child(name: ProcessName): Child;
  /** Starts the process again; whoever wants it dead first kills it. */
  start(name: ProcessName): Promise<Child>;
  stop(): Promise<void>;
}

const READY: Record<ProcessName, RegExp> = {
  'store-a': /waybill store: listening/,
  'store-b': /waybill store: listening/,
  gateway: /waybill gateway: listening/,
  worker: /waybill worker: running/,
  api: /waybill api: listening/,
};
const RESTART_PAUSE_MS = 1000;

export async function startStack(options: StackOptions): Promise<Stack> {
  const { stateDir, say, command = waybillCommand } = options;
  const file = (name: string): string => path.join(stateDir, name);
  await mkdir(file('logs'), { recursive: true, mode: 0o700 });
  const ports = await choosePorts(file('ports.json'), options.ports ?? {});
  const secrets = await loadSecrets(file('secrets.json'));
  const stopping: (() => Promise<void>)[] = [];
  let stopped = false;
  const stop = async (): Promise<void> => {
    stopped = true;
    for (const end of stopping.splice(0).reverse()) await end();
  };
  try {
    const servers = [
      options.postgresUrl === undefined
        ? startPostgres({ dataDir: file('postgres'), port: ports.postgres, fast: options.fast })
        : Promise.resolve(null),
      options.temporalAddress === undefined
        ? startTemporal({
            port: ports.temporal,
            uiPort: ports.temporalUi,
            metricsPort: ports.temporalMetrics,
            databaseFile: file('temporal.db'),
            logFile: file('logs/temporal.log'),
            fast: options.fast,
            dynamicConfig: options.temporalDynamicConfig ?? [],
            say,
          })
        : Promise.resolve(useTemporal(options.temporalAddress)),
    ] as const;
    const [startedPostgres, startedTemporal] = await Promise.allSettled(servers);
    if (startedPostgres.status === 'fulfilled') stopping.push(async () => startedPostgres.value?.stop());
    if (startedTemporal.status === 'fulfilled') stopping.push(async () => startedTemporal.value.child?.stop());
    const [postgres, temporal] = await Promise.all(servers);
    const databaseUrl = options.postgresUrl ?? postgres?.url ?? '';

    const configFile = file('waybill.yaml');
    if (!existsSync(configFile) || options.config !== undefined) {
      const config = buildStackConfig({ ...options.config, ports, temporalAddress: temporal.address });
      await writeFile(configFile, printStackConfig(config));
    }
    const environments = toEnvironments(secrets, databaseUrl);
    const storeArgs = (name: 'a' | 'b', port: number, adminPort: number): string[] => [
      ...[
        'store',
        '--root',
        file(`stores/${name}`),
        '--listen',
        `127.0.0.1:${port}`,
        '--admin-listen',
        `127.0.0.1:${adminPort}`,
      ],
      ...(options.buckets?.[name] ?? [name === 'a' ? 'source' : 'target']).flatMap((bucket) => ['--bucket', bucket]),
      ...(options.fast ? ['--no-fsync'] : []),
    ];
    const commands: Record<ProcessName, readonly string[]> = {
      'store-a': storeArgs('a', ports.storeA, ports.storeAAdmin),
      'store-b': storeArgs('b', ports.storeB, ports.storeBAdmin),
      gateway: ['gateway', '--config', configFile],
      worker: ['worker', '--config', configFile],
      api: ['api', '--config', configFile],
    };
    const children = new Map<ProcessName, Child>();
    const start = async (name: ProcessName): Promise<Child> => {
      const child = await startChild({
        name,
        command: command(...commands[name]),
        env: environments[name],
        logFile: file(`logs/${name}.log`),
        ready: READY[name],
      });
      children.set(name, child);
      void child.exited.then(async (code) => {
        if (stopped || options.supervise !== true || children.get(name) !== child) return;
        say(`${name} ended (${code}); starting it again`);
        await new Promise((resolve) => setTimeout(resolve, RESTART_PAUSE_MS));
        if (!stopped) await start(name).catch((error: unknown) => say(`${name} does not start: ${String(error)}`));
      });
      return child;
    };

    const migrated = await startChild({
      name: 'migrate',
      command: command('migrate', '--config', configFile),
      env: environments.migrate,
      logFile: file('logs/migrate.log'),
      ready: /waybill migrate:/,
    });
    await migrated.exited;
    stopping.push(async () => {
      await Promise.all([...children.values()].map((child) => child.stop()));
    });
    await all((Object.keys(commands) as ProcessName[]).map(start));
    return {
      stateDir,
      configFile,
      ports,
      secrets,
      databaseUrl,
      apiUrl: `http://127.0.0.1:${ports.api}`,
      gatewayUrl: `http://127.0.0.1:${ports.gateway}`,
      temporalAddress: temporal.address,
      temporalUiUrl: temporal.uiUrl,
      postgres,
      temporal,
      child(name) {
        const child = children.get(name);
        if (child === undefined) throw new Error(`${name} was not started`);
        return child;
      },
      start,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** When one fails, the others have settled before it is told: whoever stops them then misses none. */
async function all(starting: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(starting)) if (result.status === 'rejected') throw result.reason;
}

/** Ports are kept with the state, so that a restart finds everything where it was. */
async function choosePorts(file: string, wanted: Partial<StackPorts>): Promise<StackPorts> {
  if (existsSync(file)) return JSON.parse(await readFile(file, 'utf8')) as StackPorts;
  const free = await findFreePorts(PORT_NAMES.length);
  const chosen = await Promise.all(
    PORT_NAMES.map(async (name, index) => {
      const port = wanted[name];
      return [name, port !== undefined && (await isFree(port)) ? port : free[index]] as const;
    }),
  );
  const ports = Object.fromEntries(chosen) as unknown as StackPorts;
  await writeFile(file, JSON.stringify(ports, null, 2));
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const { createServer } = await import('node:net');
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

export async function removeState(stateDir: string): Promise<void> {
  await rm(stateDir, { recursive: true, force: true });
}
