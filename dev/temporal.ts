/** Starts a Temporal development server with its UI, or uses the one that TEMPORAL_ADDRESS names. */
import net from 'node:net';
import { SEARCH_ATTRIBUTES } from '../core/wire-names.ts';
import { startChild, type Child } from './child.ts';
import { findTemporalBinary } from './temporal-binary.ts';

export interface TemporalOptions {
  readonly port: number;
  readonly uiPort: number;
  readonly metricsPort: number;
  /** Null: in memory. */
  readonly databaseFile: string | null;
  readonly logFile: string;
  /** The server fires timers about a second late unless told otherwise; for the demo and the tests. */
  readonly fast: boolean;
  /** `key="value"`, as the server reads it; for tests of its limits. */
  readonly dynamicConfig?: readonly string[];
  readonly say: (line: string) => void;
}

export interface RunningTemporal {
  readonly address: string;
  readonly uiUrl: string | null;
  /** Null: somebody else's server. */
  readonly child: Child | null;
  /** Starts it again over the same file and ports; whoever wants it stopped first stops the child. */
  start(): Promise<void>;
}

export async function startTemporal(options: TemporalOptions): Promise<RunningTemporal> {
  const given = process.env['TEMPORAL_ADDRESS'];
  if (given !== undefined && given !== '') return useTemporal(given);
  const binary = await findTemporalBinary(options.say);
  let child = await startServer(binary, options);
  return {
    address: `127.0.0.1:${options.port}`,
    uiUrl: `http://127.0.0.1:${options.uiPort}`,
    get child() {
      return child;
    },
    async start() {
      child = await startServer(binary, options);
    },
  };
}

/** One that runs already, and is not ours to start or stop. */
export function useTemporal(address: string): RunningTemporal {
  return {
    address,
    uiUrl: null,
    child: null,
    start: () => Promise.reject(new Error(`the Temporal at ${address} is not started from here`)),
  };
}

async function startServer(binary: string, options: TemporalOptions): Promise<Child> {
  const attributes = Object.values(SEARCH_ATTRIBUTES).flatMap((name) => ['--search-attribute', `${name}=Keyword`]);
  const dynamicConfig = [
    ...(options.fast ? ['history.timerProcessorMaxTimeShift="10ms"'] : []),
    ...(options.dynamicConfig ?? []),
  ];
  const child = await startChild({
    name: 'temporal',
    command: [
      binary,
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--log-level', 'warn', '--ui-disable-news-fetch'],
      ...['--port', String(options.port), '--ui-port', String(options.uiPort)],
      ...['--metrics-port', String(options.metricsPort)],
      ...(options.databaseFile === null ? [] : ['--db-filename', options.databaseFile]),
      ...attributes,
      ...dynamicConfig.flatMap((entry) => ['--dynamic-config-value', entry]),
    ],
    env: {},
    logFile: options.logFile,
    ready: /Server:|Temporal Server/,
  });
  await waitForPort(options.port);
  return child;
}

async function waitForPort(port: number): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`temporal does not listen on port ${port}`);
}
