/**
 * The worker's way to the stores: through the gateway, for a run signed with a session of that run where `worker.sessions` says so, and
 * with its own workload keys otherwise. Where a store's traffic is direct the gateway signs and the worker goes straight. Between two
 * stores whose traffic is proxied the gateway itself copies what is small. The worker holds no provider's secret.
 */
import type { ActivityDeps, StoreFacts } from '../activities/runtime.ts';
import type { Config, WorkerConfig, WorkloadKey } from '../config/config.ts';
import { WaybillError } from '../core/failures.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Credentials } from '../sigv4/types.ts';
import { createHttpTransport } from '../stores/s3/http-transport.ts';
import { createS3Store } from '../stores/s3/s3-store.ts';
import { askSession, toSessionScope } from './ask-session.ts';
import { openDirectStores } from './direct-stores.ts';
import { resolveWorkloadKey } from './resolve-workload-key.ts';
import { createRunSessions, type RunSessions } from './run-sessions.ts';

/** Enough for the copies in flight of one process; the gateway is near. */
const CONNECTIONS_MAX = 64;
const SESSION_SECONDS = 900;
/** The gateway's own bound. */
const SESSION_SECONDS_MAX = 43_200;

export interface OpenStoresOptions {
  /** What a session says of its run, and what it is narrowed to. */
  readonly ledger: Pick<Ledger, 'loadOrigin'>;
  readonly logger: { warn(fields: object, message: string): void };
  readonly now?: () => Date;
  /** Of a clock that nobody sets. */
  readonly elapsedMs?: () => number;
}

export interface OpenedStores {
  readonly openStore: ActivityDeps['openStore'];
  readonly storeFacts: ActivityDeps['storeFacts'];
  close(): Promise<void>;
}

interface SigningKey extends WorkloadKey {
  readonly credentials: Credentials;
}

/** @throws invalid_config when a store has no workload key, or a key's reference does not resolve */
export async function openStores(
  config: Config,
  worker: WorkerConfig,
  options: OpenStoresOptions,
): Promise<OpenedStores> {
  const { gateway } = config;
  if (gateway === null)
    throw new WaybillError('invalid_config', 'gateway: is missing: the worker needs its workload keys');
  const keys = new Map<string, SigningKey>();
  for (const [store, keyName] of Object.entries(worker.keys)) {
    const key = gateway.keys.find(({ name }) => name === keyName);
    if (key === undefined)
      throw new WaybillError('invalid_config', `worker.keys.${store}: gateway.keys has no ${keyName}`);
    keys.set(store, { ...key, credentials: await resolveWorkloadKey(key) });
  }
  const transport = createHttpTransport({ connectionsMax: CONNECTIONS_MAX, requestLimitMs: worker.requestLimitMs });
  const direct = await openDirectStores(config, worker, {
    connectionsMax: CONNECTIONS_MAX,
    gateway: transport,
    region: gateway.region,
    now: options.now ?? (() => new Date()),
  });
  const findStore = (name: string) => {
    const store = config.stores.get(name);
    if (store === undefined) throw new WaybillError('invalid_config', `stores: has no ${name}`);
    return store;
  };
  const findKey = (store: string): SigningKey => {
    const key = keys.get(store);
    if (key === undefined) throw new WaybillError('invalid_config', `worker.keys: has no key for the store ${store}`);
    return key;
  };
  const sessions = worker.sessions ? openSessions(worker, gateway.region, findKey, options) : null;

  return {
    openStore(name, onTraffic, attemptId) {
      const store = findStore(name);
      const key = findKey(name);
      const straight = direct.get(name);
      const credentials = () =>
        sessions === null || attemptId === null ? key.credentials : sessions.credentials(attemptId, name);
      return createS3Store({
        name,
        endpoint: worker.gatewayEndpoint,
        region: gateway.region,
        addressing: 'path',
        credentials,
        onTraffic,
        requestLimitMs: worker.requestLimitMs,
        connectionsMax: CONNECTIONS_MAX,
        etags: store.etags,
        transport: straight?.transport ?? transport,
        isRelayed: straight === undefined && store.kind === 'provider',
        ...(straight === undefined ? {} : { signer: straight.signer(attemptId, credentials) }),
        ...(options.now === undefined ? {} : { now: options.now }),
      });
    },
    storeFacts(name): StoreFacts {
      const store = findStore(name);
      const { etags, conditionalWrites, prices } = store;
      const unsignedPayload = store.kind === 'provider' && store.unsignedPayload && findKey(name).allowUnsignedPayload;
      return { etags, conditionalWrites, unsignedPayload, ...prices };
    },
    async close() {
      for (const { transport: straight } of direct.values()) await straight.close();
      await transport.close();
    },
  };
}

function openSessions(
  worker: WorkerConfig,
  region: string,
  findKey: (store: string) => SigningKey,
  { ledger, logger, now = () => new Date(), elapsedMs = () => performance.now() }: OpenStoresOptions,
): RunSessions {
  // A request that waited as long as it may has three quarters of a session before it.
  const seconds = Math.max(SESSION_SECONDS, Math.ceil((4 * worker.requestLimitMs) / 1000));
  return createRunSessions({
    async ask(attemptId, store) {
      const { runUuid, spec } = await ledger.loadOrigin(attemptId);
      const { credentials, operations } = findKey(store);
      return askSession({
        endpoint: worker.gatewayEndpoint,
        region,
        credentials,
        store,
        run: runUuid,
        seconds: Math.min(seconds, SESSION_SECONDS_MAX),
        scope: toSessionScope(spec, store, operations),
        at: now(),
        limitMs: worker.requestLimitMs,
      });
    },
    elapsedMs,
    marginMs: worker.requestLimitMs,
    onRenewalFailed: (attempt, store, error) =>
      logger.warn({ attempt, store, cause: String(error) }, 'a session could not be renewed yet'),
  });
}
