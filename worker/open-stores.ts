/** The worker's way to the stores: through the gateway, signed with its own workload keys. It holds no provider's secret. */
import type { ActivityDeps, StoreFacts } from '../activities/runtime.ts';
import type { Config, WorkerConfig } from '../config/config.ts';
import { resolveSecret } from '../config/resolve-secret.ts';
import { WaybillError } from '../core/failures.ts';
import type { Credentials } from '../sigv4/types.ts';
import { createHttpTransport } from '../stores/s3/http-transport.ts';
import { createS3Store } from '../stores/s3/s3-store.ts';

/** Enough for the copies in flight of one process; the gateway is near. */
const CONNECTIONS_MAX = 64;

export interface OpenedStores {
  readonly openStore: ActivityDeps['openStore'];
  readonly storeFacts: ActivityDeps['storeFacts'];
  close(): Promise<void>;
}

/** @throws invalid_config when a store has no workload key, or a key's reference does not resolve */
export async function openStores(config: Config, worker: WorkerConfig): Promise<OpenedStores> {
  const { gateway } = config;
  if (gateway === null)
    throw new WaybillError('invalid_config', 'gateway: is missing: the worker needs its workload keys');
  const credentials = new Map<string, Credentials>();
  for (const [store, keyName] of Object.entries(worker.keys)) {
    const key = gateway.keys.find(({ name }) => name === keyName);
    if (key === undefined)
      throw new WaybillError('invalid_config', `worker.keys.${store}: gateway.keys has no ${keyName}`);
    const [secretRef = 'env:'] = key.secretAccessKeys;
    // While a key rotates there are two, in a list or on two lines; the first is the one to sign with.
    const [secretAccessKey = ''] = (await resolveSecret(secretRef)).split('\n', 1);
    credentials.set(store, {
      accessKeyId: (await resolveSecret(key.accessKeyId)).trim(),
      secretAccessKey: secretAccessKey.trim(),
    });
  }
  const transport = createHttpTransport({ connectionsMax: CONNECTIONS_MAX, requestLimitMs: worker.requestLimitMs });

  const findStore = (name: string) => {
    const store = config.stores.get(name);
    if (store === undefined) throw new WaybillError('invalid_config', `stores: has no ${name}`);
    return store;
  };
  return {
    openStore(name, onTraffic) {
      const store = findStore(name);
      const keys = credentials.get(name);
      if (keys === undefined) throw new WaybillError('invalid_config', `worker.keys: has no key for the store ${name}`);
      return createS3Store({
        name,
        endpoint: worker.gatewayEndpoint,
        region: gateway.region,
        addressing: 'path',
        credentials: () => keys,
        onTraffic,
        requestLimitMs: worker.requestLimitMs,
        connectionsMax: CONNECTIONS_MAX,
        etags: store.etags,
        transport,
      });
    },
    storeFacts(name): StoreFacts {
      const { etags, conditionalWrites, prices } = findStore(name);
      return { etags, conditionalWrites, ...prices };
    },
    close: () => transport.close(),
  };
}
