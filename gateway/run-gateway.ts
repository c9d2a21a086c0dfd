/**
 * The one place where the gateway is wired: configuration → keys → stores → listener. Everything that can be wrong is found before
 * the first request is taken, and what was opened is closed again when a later step fails.
 *
 * The access key that signs a request decides the store. Only stores that some key is bound to are opened: their secrets are
 * resolved here and nowhere else.
 */
import { readFile } from 'node:fs/promises';
import type { Config, GatewayConfig, SecretRef } from '../config/config.ts';
import { isLoopbackHost } from '../config/listen-address.ts';
import { WaybillError } from '../core/failures.ts';
import { nodeCrypto } from '../sigv4/node-crypto.ts';
import { createSigningKeyCache } from '../sigv4/signing-key.ts';
import { startAdminListener } from './admin-listener.ts';
import type { RequestRecord } from './exchange.ts';
import { createGatewayMetrics } from './gateway-metrics.ts';
import { loadKeyring } from './keyring.ts';
import type { Keyring, KeyringEntry } from './keyring.ts';
import type { Log } from './listener-options.ts';
import { createGatewayServer } from './listener.ts';
import { openStore } from './open-store.ts';
import type { OpenedStore } from './open-store.ts';
import { authorize } from './policy.ts';
import { createUpload } from './upload.ts';

export interface RunGatewayOptions {
  readonly logger: Log;
  readonly resolveSecret: (ref: SecretRef) => Promise<string>;
  readonly now?: () => Date;
}

export interface RunningGateway {
  readonly url: string;
  /** Null when the configuration has no admin_listen. */
  readonly adminUrl: string | null;
  /** Names of the stores that it serves, in order. */
  readonly stores: readonly string[];
  /** Takes no more requests, lets what is in flight end, closes the stores. */
  close(graceMs?: number): Promise<void>;
}

/** @throws invalid_config, port_in_use; store_refused, store_error when a directory cannot be opened */
export async function runGateway(config: Config, options: RunGatewayOptions): Promise<RunningGateway> {
  const { gateway } = config;
  if (gateway === null) throw new WaybillError('invalid_config', 'the configuration has no section gateway');
  checkTransport(gateway);
  const now = options.now ?? (() => new Date());
  const tls = gateway.tls === null ? null : await loadTls(gateway.tls);
  const keyring = await loadKeyring(gateway.keys, options.resolveSecret);
  const keyCache = createSigningKeyCache();
  const opened = new Map<string, OpenedStore>();
  const closers: (() => Promise<void>)[] = [];
  let isReady = false;

  const close = async (): Promise<void> => {
    isReady = false;
    for (const closer of closers.splice(0).reverse()) await closer();
  };

  try {
    for (const name of new Set(gateway.keys.map((key) => key.store))) {
      const store = config.stores.get(name);
      if (store === undefined)
        throw new WaybillError('invalid_config', 'a key is bound to an unknown store', { store: name });
      const { resolveSecret } = options;
      const openedStore = await openStore(store, { resolveSecret, keyCache, region: gateway.region, now });
      opened.set(name, openedStore);
      closers.push(() => openedStore.close());
    }
    const metrics = createGatewayMetrics();
    const backendOf = (key: KeyringEntry): OpenedStore => {
      const store = opened.get(key.store);
      if (store === undefined) throw new WaybillError('invalid_config', 'the store is not open', { store: key.store });
      return store;
    };
    const server = createGatewayServer<KeyringEntry>({
      findKey: keyring.find,
      authorize: (key, target) => authorize(key.policy, target),
      route: (key) => backendOf(key).backend,
      crypto: nodeCrypto,
      region: gateway.region,
      now,
      limits: { requestLimitMs: gateway.requestLimitMs },
      logger: options.logger,
      onRequest: (record) => {
        metrics.count(record);
        logRequest(options.logger, keyring, record);
      },
      ...(tls === null ? {} : { tls }),
      outside: createUpload({
        keyring,
        providers: new Map(
          [...opened].flatMap(([name, { provider }]) => (provider === null ? [] : [[name, provider]])),
        ),
        region: gateway.region,
        uploadBytesMax: gateway.uploadBytesMax,
        keyCache,
        now,
        logger: options.logger,
      }),
    });
    let adminUrl: string | null = null;
    if (gateway.adminListen !== null) {
      const admin = await startAdminListener(gateway.adminListen, {
        isReady: () => isReady,
        registry: metrics.registry,
      });
      adminUrl = admin.url;
      closers.push(() => admin.close());
    }
    const { url } = await server.listen(gateway.listen);
    let graceMs: number | undefined;
    closers.push(() => server.close(graceMs));
    isReady = true;
    return {
      url,
      adminUrl,
      stores: [...opened.keys()],
      close: (grace) => {
        graceMs = grace;
        return close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The configuration's reader checks this too; a configuration may also be made by a program. */
function checkTransport(gateway: GatewayConfig): void {
  if (gateway.tls === null && !gateway.allowInsecureHttp && !isLoopbackHost(gateway.listen.host)) {
    throw new WaybillError(
      'invalid_config',
      'plain HTTP beyond loopback needs allow_insecure_http: true, since signed requests can be replayed',
      { host: gateway.listen.host },
    );
  }
}

/** Refusals are worth a line, for somebody should look at them; what went well is for debugging. */
function logRequest(logger: Log, keyring: Keyring, record: RequestRecord): void {
  const fields = { ...record, key: keyring.find(record.accessKeyId)?.name ?? '' };
  if (record.status === 401 || record.status === 403) logger.info(fields, 'refused');
  else logger.debug(fields, 'request');
}

async function loadTls(files: NonNullable<GatewayConfig['tls']>): Promise<{ cert: Buffer; key: Buffer }> {
  try {
    return { cert: await readFile(files.certFile), key: await readFile(files.keyFile) };
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new WaybillError('invalid_config', 'the TLS certificate or its key cannot be read', { code });
  }
}
