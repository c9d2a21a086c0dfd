/** The configuration of the development stack: what `waybill dev` writes once, for its user to go on with. */
import { stringify } from 'yaml';

export interface StackPorts {
  readonly storeA: number;
  readonly storeB: number;
  readonly storeAAdmin: number;
  readonly storeBAdmin: number;
  readonly gateway: number;
  readonly gatewayAdmin: number;
  readonly workerMetrics: number;
  readonly api: number;
  readonly temporal: number;
  readonly temporalUi: number;
  readonly temporalMetrics: number;
  readonly postgres: number;
}

export const PORT_NAMES = [
  'storeA',
  'storeB',
  'storeAAdmin',
  'storeBAdmin',
  'gateway',
  'gatewayAdmin',
  'workerMetrics',
  'api',
  'temporal',
  'temporalUi',
  'temporalMetrics',
  'postgres',
] as const satisfies readonly (keyof StackPorts)[];

export interface StackConfigOptions {
  readonly ports: StackPorts;
  readonly temporalAddress: string;
  readonly taskQueue?: string;
  /** Where the gateway finds the stores; default: straight. */
  readonly storeAEndpoint?: string;
  readonly storeBEndpoint?: string;
  /** Where the worker finds the gateway; default: straight. */
  readonly gatewayEndpoint?: string;
  /** More fields of store b, as in `waybill.yaml`. */
  readonly storeB?: Readonly<Record<string, unknown>>;
  /** Of the worker's keys; default: false. */
  readonly allowUnsignedPayload?: boolean;
  readonly heartbeatTimeout?: string;
  readonly requestLimit?: string;
  readonly sweepInterval?: string;
  readonly memory?: string;
  readonly workerProcesses?: number;
  /** Of both stores; default: proxied. */
  readonly traffic?: 'proxied' | 'direct';
  /** Where they take any header, as the bench's null store does. */
  readonly unsafeDirectWrites?: boolean;
  readonly accessLog?: 'all' | 'refusals' | 'off';
  /** As in `waybill.yaml`; default: one from bucket `source` of store a to bucket `target` of store b. */
  readonly pipelines?: Readonly<Record<string, unknown>>;
}

const key = (name: string): Record<string, string> => ({
  access_key_id: `env:${name}_ACCESS_KEY_ID`,
  secret_access_key: `env:${name}_SECRET_ACCESS_KEY`,
});

export function buildStackConfig(options: StackConfigOptions): Readonly<Record<string, unknown>> {
  const { ports } = options;
  const local = (port: number): string => `127.0.0.1:${port}`;
  const store = (name: string, endpoint: string) => ({
    endpoint,
    region: 'us-east-1',
    addressing: 'path',
    credentials: key(name),
    ...(options.traffic === undefined ? {} : { traffic: options.traffic }),
    ...(options.unsafeDirectWrites === true ? { unsafe_direct_writes: true } : {}),
  });
  const workloadKey = (name: string, store: string, operations: readonly string[]) => ({
    ...key(name),
    store,
    operations,
    session: true,
    ...(options.traffic === 'direct' ? { sign: true } : {}),
    ...(options.allowUnsignedPayload === true ? { allow_unsigned_payload: true } : {}),
  });
  const requestLimit = options.requestLimit ?? '5s';
  return {
    stores: {
      a: store('STORE_A', options.storeAEndpoint ?? `http://${local(ports.storeA)}`),
      b: { ...store('STORE_B', options.storeBEndpoint ?? `http://${local(ports.storeB)}`), ...options.storeB },
    },
    pipelines: options.pipelines ?? {
      'a-to-b': { source: { store: 'a', bucket: 'source' }, target: { store: 'b', bucket: 'target', prefix: 'copy/' } },
    },
    gateway: {
      listen: local(ports.gateway),
      admin_listen: local(ports.gatewayAdmin),
      request_limit: requestLimit,
      // A run over a million objects would write a gigabyte of lines.
      access_log: options.accessLog ?? 'refusals',
      session_secret: 'env:SESSION_SECRET',
      keys: {
        'worker-a': workloadKey('WORKER_A', 'a', ['list', 'read']),
        'worker-b': workloadKey('WORKER_B', 'b', ['list', 'read', 'write', 'delete']),
      },
    },
    worker: {
      gateway_endpoint: options.gatewayEndpoint ?? `http://${local(ports.gateway)}`,
      keys: { a: 'worker-a', b: 'worker-b' },
      sessions: true,
      // One machine runs all of the stack, and a laptop's user wants it small.
      processes: options.workerProcesses ?? 1,
      metrics_listen: local(ports.workerMetrics),
      heartbeat_timeout: options.heartbeatTimeout ?? '10s',
      request_limit: requestLimit,
      sweep_interval: options.sweepInterval ?? '5s',
      ...(options.memory === undefined ? {} : { memory: options.memory }),
    },
    api: {
      listen: local(ports.api),
      tokens: [{ name: 'dev', sha256: 'env:WAYBILL_API_TOKEN_SHA256', role: 'operator' }],
    },
    database: 'env:WAYBILL_DATABASE_URL',
    temporal: { address: options.temporalAddress, namespace: 'default', task_queue: options.taskQueue ?? 'waybill' },
  };
}

export const printStackConfig = (config: Readonly<Record<string, unknown>>): string =>
  `# The development stack. Edit it as you like: it is written once. Secrets are in secrets.json beside it.\n${stringify(config)}`;
