/**
 * Stores whose traffic is direct: the gateway signs each request for them, and this worker sends it, over connections that go straight to
 * the store under the settings that the gateway's own would have: the same certificates, and never to a link-local address.
 */
import type { Config, ProviderStore, WorkerConfig } from '../config/config.ts';
import { WaybillError } from '../core/failures.ts';
import type { Credentials } from '../sigv4/types.ts';
import { parseEndpoint } from '../stores/s3/call-target.ts';
import { createCheckedConnector } from '../stores/s3/checked-connector.ts';
import { createHttpTransport } from '../stores/s3/http-transport.ts';
import type { HttpTransport } from '../stores/s3/http-transport.ts';
import type { RequestSigner } from '../stores/s3/request-signer.ts';
import { loadStoreTls } from '../stores/s3/store-tls.ts';
import { createAskSignatures } from './ask-signatures.ts';
import { createRemoteSigner } from './remote-signer.ts';

export interface DirectStore {
  readonly transport: HttpTransport;
  /** The one of this attempt, whose requests so go in common batches. */
  signer(attemptId: string | null, credentials: () => Promise<Credentials> | Credentials): RequestSigner;
}

export interface DirectStoresOptions {
  readonly connectionsMax: number;
  /** To the gateway. */
  readonly gateway: HttpTransport;
  readonly region: string;
  readonly now: () => Date;
}

const CONNECT_LIMIT_MS = 10_000;
/** Attempts end without telling; whoever still holds a signer that was let go keeps it. */
const SIGNERS_MAX = 64;

/** By name: of the stores that the worker has keys for, those whose traffic is direct. @throws invalid_config */
export async function openDirectStores(
  config: Config,
  worker: WorkerConfig,
  options: DirectStoresOptions,
): Promise<ReadonlyMap<string, DirectStore>> {
  const direct = new Map<string, DirectStore>();
  for (const name of Object.keys(worker.keys)) {
    const store = config.stores.get(name);
    if (store?.kind !== 'provider' || store.traffic !== 'direct') continue;
    direct.set(name, await openDirectStore(store, worker, options));
  }
  return direct;
}

async function openDirectStore(
  store: ProviderStore,
  { gatewayEndpoint, requestLimitMs: limitMs }: WorkerConfig,
  { connectionsMax, gateway, region, now }: DirectStoresOptions,
): Promise<DirectStore> {
  if (store.egress !== null) {
    throw new WaybillError('invalid_config', 'a store behind an egress proxy cannot have direct traffic', {
      store: store.name,
    });
  }
  const tls = await loadStoreTls(store);
  const timeoutMs = Math.min(CONNECT_LIMIT_MS, limitMs);
  const connect = createCheckedConnector({ store: store.name, tls, timeoutMs });
  const transport = createHttpTransport({ connectionsMax, requestLimitMs: limitMs, connect });
  const endpoint = parseEndpoint(store.endpoint, store.addressing);
  const signers = new Map<string | null, RequestSigner>();
  return {
    transport,
    signer(attemptId, credentials) {
      const before = signers.get(attemptId);
      if (before !== undefined) return before;
      for (const oldest of signers.keys()) {
        if (signers.size < SIGNERS_MAX) break;
        signers.delete(oldest);
      }
      const common = { store: store.name, region, now, limitMs, transport: gateway };
      const ask = createAskSignatures({ ...common, endpoint: gatewayEndpoint, credentials });
      const signer = createRemoteSigner({ ask, store: store.name, endpoint });
      signers.set(attemptId, signer);
      return signer;
    },
  };
}
