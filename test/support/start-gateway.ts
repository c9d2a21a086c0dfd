/** A gateway in this process on a free port, wired as `waybill gateway` wires it, with its whole log kept. */
import { format } from 'node:util';
import { DEFAULT_LIMITS } from '../../config/to-gateway.ts';
import { S3_STANDARD_PRICES } from '../../config/default-prices.ts';
import type { Config, GatewayConfig, ProviderStore, SecretRef, StoreConfig, WorkloadKey } from '../../config/config.ts';
import type { Log } from '../../gateway/listener/listener-options.ts';
import { runGateway } from '../../gateway/run-gateway.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { PROVIDER_CREDENTIALS } from './start-fake-provider.ts';
import type { StartedStore } from './start-store.ts';

export interface StartedGateway {
  readonly url: string;
  readonly adminUrl: string | null;
  /** For signed-request.ts: whoever signs with this key. */
  readonly caller: (key: string) => StartedStore;
  /** Every line, at every level, with errors and their causes in full. */
  readonly logged: string[];
  /** With other stores or settings, and the same keys. */
  reload(change: Partial<Pick<StartGatewayOptions, 'stores' | 'gateway'>>): Promise<void>;
  close(): Promise<void>;
}

export interface StartGatewayOptions {
  readonly stores: readonly StoreConfig[];
  readonly keys: readonly (Partial<WorkloadKey> & { readonly name: string })[];
  readonly gateway?: Partial<GatewayConfig>;
  /** What `env:NAME` stands for, beside the keys and PROVIDER_CREDENTIALS. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly now?: () => Date;
}

export const toCallerCredentials = (key: string): Credentials => ({
  accessKeyId: `AKID${key.toUpperCase()}`,
  secretAccessKey: `secret-of-${key}`,
});

export function providerStore(endpoint: string, more: Partial<ProviderStore> = {}): ProviderStore {
  return {
    name: 'cloud',
    kind: 'provider',
    region: 'eu-west-1',
    conditionalWrites: true,
    etags: 'md5',
    prices: S3_STANDARD_PRICES,
    endpoint,
    addressing: 'path',
    credentials: { accessKeyId: 'env:PROVIDER_ID', secretAccessKey: 'env:PROVIDER_SECRET', sessionToken: null },
    unsignedPayload: false,
    signedChunks: true,
    egress: null,
    tls: { caFile: null, minVersion: 'TLSv1.2' },
    allowPrivateAddresses: false,
    encryption: null,
    kmsEndpoint: null,
    ...more,
  };
}

export async function startGateway(options: StartGatewayOptions): Promise<StartedGateway> {
  const secrets: Record<string, string> = {
    PROVIDER_ID: PROVIDER_CREDENTIALS.accessKeyId,
    PROVIDER_SECRET: PROVIDER_CREDENTIALS.secretAccessKey,
    ...options.secrets,
  };
  const keys = options.keys.map((key): WorkloadKey => {
    const { accessKeyId, secretAccessKey } = toCallerCredentials(key.name);
    secrets[`${key.name}_ID`] = accessKeyId;
    secrets[`${key.name}_SECRET`] ??= secretAccessKey;
    return {
      accessKeyId: `env:${key.name}_ID`,
      secretAccessKeys: [`env:${key.name}_SECRET`],
      store: options.stores[0]?.name ?? '',
      operations: ['list', 'read', 'write', 'delete', 'admin'],
      buckets: [],
      prefixes: [],
      allowUnsignedPayload: false,
      upload: false,
      session: false,
      expiresAt: null,
      sourceNetworks: [],
      ...key,
    };
  });
  const logged: string[] = [];
  const gateway = await runGateway(toConfig(options, keys), {
    logger: createFullLog(logged),
    resolveSecret: async (ref: SecretRef) => secrets[ref.slice('env:'.length)] ?? '',
    ...(options.now && { now: options.now }),
  });
  const port = Number(new URL(gateway.url).port);
  return {
    url: gateway.url,
    adminUrl: gateway.adminUrl,
    caller: (key) => ({ port, region: 'us-east-1', credentials: toCallerCredentials(key) }) as unknown as StartedStore,
    logged,
    reload: (change) => gateway.reload(toConfig({ ...options, ...change }, keys)),
    close: () => gateway.close(200),
  };
}

function toConfig(options: StartGatewayOptions, keys: readonly WorkloadKey[]): Config {
  return {
    stores: new Map(options.stores.map((store) => [store.name, store])),
    pipelines: new Map(),
    pipelineRetentionMs: new Map(),
    gateway: {
      listen: { host: '127.0.0.1', port: 0 },
      adminListen: null,
      adminToken: null,
      adminTls: false,
      allowInsecureHttp: false,
      tls: null,
      region: 'us-east-1',
      keys,
      uploadBytesMax: 4 * 1024 * 1024,
      requestLimitMs: 30_000,
      limits: DEFAULT_LIMITS,
      accessLog: 'all',
      trustedProxies: [],
      sessionSecret: null,
      ...options.gateway,
    },
    worker: null,
    api: null,
    database: null,
    temporal: { address: '', namespace: '', taskQueue: '' },
  };
}

/** More than pino would print: whatever a log could show must be free of secrets. */
function createFullLog(logged: string[]): Log {
  const keep = (fields: object, message: string): void => {
    logged.push(format('%s %o', message, fields));
  };
  return { debug: keep, info: keep, warn: keep, error: keep };
}
