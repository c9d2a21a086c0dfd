/** One Store, served as S3 to the owners of its keys: what `waybill store` runs, and tests and the development stack in process. */
import { readFile } from 'node:fs/promises';
import type { ListenAddress } from '../config/config.ts';
import { isLoopbackHost } from '../config/listen-address.ts';
import { WaybillError } from '../core/failures.ts';
import { nodeCrypto } from '../sigv4/node-crypto.ts';
import type { Store } from '../stores/store.ts';
import type { Accel } from './accel.ts';
import { allowEverything, type AccessKey } from './access.ts';
import { createDirectoryBackend } from './directory-backend.ts';
import type { RequestRecord } from './exchange.ts';
import { createGatewayServer } from './listener.ts';
import type { Log } from './listener-options.ts';

export interface StoreServerOptions {
  readonly store: Store;
  readonly keys: readonly AccessKey[];
  readonly listen: ListenAddress;
  readonly region: string;
  readonly requestLimitMs: number;
  readonly logger: Log;
  readonly onRequest: (record: RequestRecord) => void;
  readonly now?: () => Date;
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Plain HTTP beyond loopback: signed requests can be read and replayed within fifteen minutes. */
  readonly allowInsecureHttp: boolean;
  readonly accel?: Accel | undefined;
}

export interface StoreServer {
  readonly url: string;
  readonly port: number;
  close(graceMs?: number): Promise<void>;
}

/** The store stays the caller's to close. @throws invalid_config, port_in_use */
export async function startStoreServer(options: StoreServerOptions): Promise<StoreServer> {
  checkTransport(options.listen, options.tls !== undefined, options.allowInsecureHttp);
  const keys = new Map(options.keys.map((key) => [key.credentials[0]?.accessKeyId ?? '', key]));
  const backend = createDirectoryBackend({ store: options.store, region: options.region, accel: options.accel });
  const server = createGatewayServer({
    findKey: (accessKeyId) => keys.get(accessKeyId),
    authorize: allowEverything,
    route: () => backend,
    crypto: nodeCrypto,
    region: options.region,
    now: options.now ?? (() => new Date()),
    limits: { requestLimitMs: options.requestLimitMs },
    logger: options.logger,
    onRequest: options.onRequest,
    ...(options.tls && { tls: await loadTls(options.tls) }),
  });
  const { url, port } = await server.listen(options.listen);
  return { url, port, close: (graceMs) => server.close(graceMs) };
}

/** @throws invalid_config */
export function checkTransport(listen: ListenAddress, hasTls: boolean, allowInsecureHttp: boolean): void {
  if (hasTls || allowInsecureHttp || isLoopbackHost(listen.host)) return;
  throw new WaybillError(
    'invalid_config',
    'plain HTTP beyond loopback is refused, since signed requests can be replayed: give a certificate, or allow insecure HTTP',
    { host: listen.host },
  );
}

/** @throws invalid_config when a file cannot be read */
export async function loadTls(tls: { certFile: string; keyFile: string }): Promise<{ cert: Buffer; key: Buffer }> {
  try {
    const [cert, key] = await Promise.all([readFile(tls.certFile), readFile(tls.keyFile)]);
    return { cert, key };
  } catch (cause) {
    throw new WaybillError('invalid_config', 'the TLS certificate or its key cannot be read', { ...tls }, { cause });
  }
}
