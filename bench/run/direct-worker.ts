/**
 * A worker that goes straight to the stores and signs in its own process, with the stores' own keys: the shape that is compared with
 * one-shot copiers, which do the same. `waybill worker` itself goes through a gateway, and holds no store's key.
 */
import { pino } from 'pino';
import type { Config } from '../../config/config.ts';
import { loadConfig } from '../../config/load-config.ts';
import { resolveSecret } from '../../config/resolve-secret.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { createHttpTransport } from '../../stores/s3/http-transport.ts';
import { createS3Store } from '../../stores/s3/s3-store.ts';
import type { OpenedStores } from '../../worker/open-stores.ts';
import { runWorker } from '../../worker/run-worker.ts';

const CONNECTIONS_MAX = 64;

async function openDirect(config: Config): Promise<OpenedStores> {
  const credentials = new Map<string, Credentials>();
  for (const [name, store] of config.stores) {
    if (store.kind !== 'provider' || typeof store.credentials !== 'object' || !('accessKeyId' in store.credentials))
      continue;
    const { accessKeyId, secretAccessKey } = store.credentials;
    credentials.set(name, {
      accessKeyId: await resolveSecret(accessKeyId),
      secretAccessKey: await resolveSecret(secretAccessKey),
    });
  }
  const requestLimitMs = config.worker?.requestLimitMs ?? 30_000;
  const transport = createHttpTransport({ connectionsMax: CONNECTIONS_MAX, requestLimitMs });
  return {
    openStore(name, onTraffic) {
      const store = config.stores.get(name);
      const own = credentials.get(name);
      if (store?.kind !== 'provider' || own === undefined)
        throw new Error(`the store ${name} cannot be reached straight`);
      const { endpoint, region, addressing, etags } = store;
      return createS3Store({
        ...{ name, endpoint, region, addressing, etags, onTraffic, requestLimitMs, transport },
        credentials: () => own,
        connectionsMax: CONNECTIONS_MAX,
      });
    },
    storeFacts(name) {
      const store = config.stores.get(name);
      if (store === undefined) throw new Error(`there is no store ${name}`);
      const { etags, conditionalWrites, prices } = store;
      const unsignedPayload = store.kind === 'provider' && store.unsignedPayload;
      return { etags, conditionalWrites, unsignedPayload, ...prices };
    },
    close: () => transport.close(),
  };
}

const config = await loadConfig(process.argv[2] ?? '');
const logger = pino({ level: 'warn' }, pino.destination(2));
const worker = await runWorker(config, logger, openDirect);
process.stdout.write('waybill worker: running\n');
process.once('SIGTERM', () => worker.stop());
await worker.stopped;
