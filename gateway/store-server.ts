/** One Store, served as S3 to the owners of its keys: what `waybill store` runs, and tests and the development stack in process. */
import type { ListenAddress } from '../config/config.ts';
import { isLoopbackHost } from '../config/listen-address.ts';
import { WaybillError } from '../core/failures.ts';
import { nodeCrypto } from '../sigv4/node-crypto.ts';
import type { Store } from '../stores/store.ts';
import type { Accel } from './directory/accel.ts';
import { allowEverything, type AccessKey } from './keys/access.ts';
import { createDirectoryBackend } from './directory/directory-backend.ts';
import type { RequestRecord } from './listener/exchange.ts';
import { createGatewayServer, type ListenerStats } from './listener/listener.ts';
import type { ListenerLimits, Log } from './listener/listener-options.ts';
import type { MemoryBudget } from './listener/memory-budget.ts';
import { openTls, type TlsFiles } from './listener/tls-files.ts';

export interface StoreServerOptions {
  readonly store: Store;
  readonly keys: readonly AccessKey[];
  readonly listen: ListenAddress;
  readonly region: string;
  readonly requestLimitMs: number;
  readonly logger: Log;
  readonly onRequest: (record: RequestRecord) => void;
  readonly now?: () => Date;
  /** Looked at every few seconds: a new pair is used from the next handshake on. */
  readonly tls?: TlsFiles;
  readonly tlsLookEveryMs?: number;
  /** Default: the listener's. */
  readonly limits?: Omit<ListenerLimits, 'requestLimitMs'>;
  /** What bodies that are held whole may take. Default: no limit. */
  readonly memory?: MemoryBudget;
  /** Plain HTTP beyond loopback: signed requests can be read and replayed within fifteen minutes. */
  readonly allowInsecureHttp: boolean;
  readonly accel?: Accel | undefined;
}

export interface StoreServer {
  readonly url: string;
  readonly port: number;
  stats(): ListenerStats;
  /** Looks at the certificate's files now rather than a few seconds later. */
  lookAtTls(): Promise<void>;
  close(graceMs?: number): Promise<void>;
}

/** The store stays the caller's to close. @throws invalid_config, port_in_use */
export async function startStoreServer(options: StoreServerOptions): Promise<StoreServer> {
  checkTransport(options.listen, options.tls !== undefined, options.allowInsecureHttp);
  const tls = options.tls && (await openTls(options.tls));
  const keys = new Map(options.keys.map((key) => [key.credentials[0]?.accessKeyId ?? '', key]));
  const backend = createDirectoryBackend({ store: options.store, region: options.region, accel: options.accel });
  const server = createGatewayServer({
    findKey: (accessKeyId) => keys.get(accessKeyId),
    authorize: allowEverything,
    route: () => backend,
    crypto: nodeCrypto,
    region: options.region,
    now: options.now ?? (() => new Date()),
    limits: { requestLimitMs: options.requestLimitMs, ...options.limits },
    logger: options.logger,
    onRequest: options.onRequest,
    ...(options.memory && { memory: options.memory }),
    ...(tls && { tls: tls.pair }),
  });
  const { url, port } = await server.listen(options.listen);
  const watch = tls?.watch((pair) => server.setTls(pair), options.logger, options.tlsLookEveryMs);
  return {
    url,
    port,
    stats: () => server.stats(),
    lookAtTls: async () => watch?.look(),
    close: (graceMs) => {
      watch?.stop();
      return server.close(graceMs);
    },
  };
}

/** @throws invalid_config */
export function checkTransport(listen: ListenAddress, hasTls: boolean, allowInsecureHttp: boolean): void {
  if (hasTls || allowInsecureHttp || isLoopbackHost(listen.host)) return;
  throw new WaybillError(
    'invalid_config',
    'plain HTTP beyond loopback is refused, since signed requests can be replayed: give a certificate (--tls-cert and --tls-key), or --allow-insecure-http',
    { host: listen.host },
  );
}
