/**
 * The whole of Waybill on one machine: Postgres, Temporal with its UI, two directory stores with credentials of their own, gateway,
 * worker and API, each a process that knows only its own secrets. `waybill dev`, the demo and the integration tests run this.
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../config/load-config.ts';
import { startChild, type Child } from './child.ts';
import { choosePorts } from './choose-ports.ts';
import { MALLOC_BOUNDS, waybillCommand } from './entry.ts';
import { checkNotRun, startPostgres, type RunningPostgres } from './postgres.ts';
import { loadSecrets, toEnvironments, type ProcessName, type Secrets } from './secrets.ts';
import { buildStackConfig, printStackConfig, type StackConfigOptions, type StackPorts } from './stack-config.ts';
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
  /** Ends a start that is under way: what was started is stopped, and `startStack` fails with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Starts a process again that ends without being asked to, as often as it takes. */
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
/** Before a process that ended is started again; twice as long after each start that fails. */
const RESTART_PAUSE_MS = { first: 1000, max: 30_000 };

/**
 * @throws directory_in_use, invalid_config, port_in_use, before anything is started where that is known by then; EndedEarly when a process
 *   of it ends in place of serving
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { stateDir, say, command = waybillCommand } = options;
  const file = (name: string): string => path.join(stateDir, name);
  const configFile = file('waybill.yaml');
  if (options.postgresUrl === undefined) checkNotRun(file('postgres'));
  if (existsSync(configFile) && options.config === undefined) await loadConfig(configFile);
  await mkdir(file('logs'), { recursive: true, mode: 0o700 });
  const ports = await choosePorts(file('ports.json'), options.ports ?? {});
  const secrets = await loadSecrets(file('secrets.json'));
  const stopping: (() => Promise<void>)[] = [];
  const ending = new AbortController();
  const breakOff = (): void => ending.abort(options.signal?.reason);
  const stop = async (): Promise<void> => {
    ending.abort(new Error('the stack is being stopped'));
    options.signal?.removeEventListener('abort', breakOff);
    for (const end of stopping.splice(0).reverse()) await end();
  };
  try {
    options.signal?.addEventListener('abort', breakOff, { once: true });
    options.signal?.throwIfAborted();
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
    ending.signal.throwIfAborted();
    const databaseUrl = options.postgresUrl ?? postgres?.url ?? '';

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
    const starting = new Set<Promise<Child>>();
    const spawn = (name: ProcessName | 'migrate', args: readonly string[], ready: RegExp): Promise<Child> =>
      startChild({
        name,
        command: command(...args),
        env: { ...MALLOC_BOUNDS, ...environments[name] },
        logFile: file(`logs/${name}.log`),
        ready,
        signal: ending.signal,
      });
    const start = async (name: ProcessName): Promise<Child> => {
      const coming = spawn(name, commands[name], READY[name]);
      starting.add(coming);
      try {
        const child = await coming;
        children.set(name, child);
        if (options.supervise === true) void supervise(name, child);
        return child;
      } finally {
        starting.delete(coming);
      }
    };
    const supervise = async (name: ProcessName, child: Child): Promise<void> => {
      let outcome = `ended (${await child.exited})`;
      const isWanted = (): boolean => !ending.signal.aborted && children.get(name) === child;
      for (let pauseMs = RESTART_PAUSE_MS.first; isWanted(); pauseMs = Math.min(2 * pauseMs, RESTART_PAUSE_MS.max)) {
        say(`${name} ${outcome}; starting it again`);
        await sleep(pauseMs, undefined, { signal: ending.signal }).catch(() => undefined);
        if (!isWanted()) return;
        await start(name).catch((error: unknown) => {
          outcome = `does not start: ${String(error)}`;
        });
      }
    };

    const migrated = await spawn('migrate', ['migrate', '--config', configFile], /waybill migrate:/);
    await migrated.exited;
    stopping.push(async () => {
      // One that became ready before it heard of the end is among the children then.
      await Promise.allSettled(starting);
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
