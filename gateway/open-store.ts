/** Opens what a gateway needs to serve one store of the configuration. */
import { createProviderConnection } from './provider-connection.ts';
import type { DirectoryStore, ProviderStore, SecretRef, StoreConfig } from '../config/config.ts';
import type { SigningKeyCache } from '../sigv4/types.ts';
import { createFilesystemStore } from '../stores/filesystem/create-filesystem-store.ts';
import { createAccel } from './accel.ts';
import type { Backend } from './backend.ts';
import { createDirectoryBackend } from './directory-backend.ts';
import { createProviderBackend } from './provider-backend.ts';
import { loadProviderCredentials } from './provider-credentials.ts';
import { createSendUpload } from './send-upload.ts';
import type { SendUpload } from './send-upload.ts';

export interface OpenStoreOptions {
  readonly resolveSecret: (ref: SecretRef) => Promise<string>;
  readonly keyCache: SigningKeyCache;
  /** The region that callers sign for, which a directory gives as its own. */
  readonly region: string;
  readonly now: () => Date;
}

export interface OpenedStore {
  readonly backend: Backend;
  /** Null for a directory: it has no URL that POST /upload could name. */
  readonly provider: { readonly store: ProviderStore; readonly send: SendUpload } | null;
  close(): Promise<void>;
}

/** @throws invalid_config when a secret does not resolve; store_refused, store_error when a directory cannot be opened */
export function openStore(store: StoreConfig, options: OpenStoreOptions): Promise<OpenedStore> {
  return store.kind === 'directory' ? openDirectory(store, options) : openProvider(store, options);
}

async function openDirectory(config: DirectoryStore, options: OpenStoreOptions): Promise<OpenedStore> {
  const store = await createFilesystemStore({
    root: config.directory,
    fsync: config.fsync,
    now: () => options.now().getTime(),
  });
  return {
    backend: createDirectoryBackend({
      store,
      region: options.region,
      accel: config.accel && createAccel(config.accel, store.locateFile),
    }),
    provider: null,
    close: () => store.close(),
  };
}

async function openProvider(store: ProviderStore, options: OpenStoreOptions): Promise<OpenedStore> {
  const parts = {
    store,
    credentials: await loadProviderCredentials(store, options.resolveSecret),
    connection: createProviderConnection(store.name),
    keyCache: options.keyCache,
    now: options.now,
  };
  const backend = createProviderBackend(parts);
  return { backend, provider: { store, send: createSendUpload(parts) }, close: () => backend.close() };
}
