/**
 * The four ways in: a store and a gateway before another store, each over http and https. What arrived is looked at in the
 * store itself, past the endpoint. Unsigned modes are opted in, as most clients need over TLS.
 */
import type { RequestRecord } from '../../gateway/listener/exchange.ts';
import type { Credentials } from '../../sigv4/types.ts';
import type { Store } from '../../stores/store.ts';
import type { Certificate } from '../support/create-certificate.ts';
import { PROVIDER_CREDENTIALS } from '../support/start-fake-provider.ts';
import { providerStore, startGateway, toCallerCredentials } from '../support/start-gateway.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

export interface Endpoint {
  readonly name: string;
  readonly url: string;
  /** Null for plain http. */
  readonly caFile: string | null;
  readonly region: string;
  readonly credentials: Credentials;
  readonly bucket: string;
  /** Where its objects end. */
  readonly store: Store;
  /** What the store was asked since the last `reset`, by whoever is before it. */
  readonly records: () => readonly RequestRecord[];
  readonly reset: () => void;
  close(): Promise<void>;
}

export const BUCKET = 'clients';

export type EndpointKind = 'store' | 'gateway';

export async function startEndpoint(kind: EndpointKind, certificate: Certificate | null): Promise<Endpoint> {
  const scheme = certificate === null ? 'http' : 'https';
  const common = {
    name: `${kind} ${scheme}`,
    caFile: certificate?.caFile ?? null,
    region: 'us-east-1',
    bucket: BUCKET,
  };
  if (kind === 'store') {
    const store = await startStore({
      buckets: [BUCKET],
      allowUnsignedPayload: true,
      ...(certificate !== null && { tls: certificate }),
    });
    return {
      ...common,
      url: store.endpoint,
      credentials: store.credentials,
      ...observe(store),
      close: () => store.close(),
    };
  }
  const provider = await startStore({ buckets: [BUCKET], region: 'eu-west-1', keys: [PROVIDER_CREDENTIALS] });
  const gateway = await startGateway({
    stores: [providerStore(provider.endpoint)],
    keys: [{ name: 'client', allowUnsignedPayload: true }],
    ...(certificate !== null && { gateway: { tls: certificate } }),
  });
  return {
    ...common,
    url: gateway.url,
    credentials: toCallerCredentials('client'),
    ...observe(provider),
    close: async () => {
      await gateway.close();
      await provider.close();
    },
  };
}

function observe(started: StartedStore): Pick<Endpoint, 'store' | 'records' | 'reset'> {
  return { store: started.store, records: () => started.adminCounts().records, reset: started.resetCounts };
}
