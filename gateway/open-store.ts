/** Opens what a gateway needs to serve one store of the configuration. */
import type { ServerResponse } from 'node:http';
import type { DirectoryStore, Egress, ProviderStore, SecretRef, StoreConfig } from '../config/config.ts';
import type { SigningKeyCache } from '../sigv4/types.ts';
import { createFilesystemStore } from '../stores/filesystem/create-filesystem-store.ts';
import { createAccel } from './directory/accel.ts';
import type { Backend } from './backend.ts';
import { createDirectoryBackend } from './directory/directory-backend.ts';
import { createHasKmsAlias } from './provider/kms-aliases.ts';
import type { HasKmsAlias } from './provider/kms-aliases.ts';
import { createProviderBackend } from './provider/provider-backend.ts';
import { createProviderConnection, PROVIDER_LIMITS } from './provider/provider-connection.ts';
import type { ProviderConnection } from './provider/provider-connection.ts';
import { createProviderConnector } from './provider/provider-connector.ts';
import type { OpenEgress } from './provider/provider-connector.ts';
import { loadProviderCredentials } from './provider/provider-credentials.ts';
import { createStoreSigner } from './sign/store-signer.ts';
import type { StoreSigner } from './sign/store-signer.ts';
import { createSendUpload } from './upload/send-upload.ts';
import type { SendUpload } from './upload/send-upload.ts';
import type { AddressRule, ResolveAll } from '../stores/s3/store-addresses.ts';
import { loadStoreTls } from '../stores/s3/store-tls.ts';
import { toUploadRule } from './provider/upload-rule.ts';

export interface OpenStoreOptions {
  readonly resolveSecret: (ref: SecretRef) => Promise<string>;
  readonly keyCache: SigningKeyCache;
  /** The region that callers sign for, which a directory gives as its own. */
  readonly region: string;
  readonly now: () => Date;
  /** Instead of the system's resolver; for tests. */
  readonly resolveAll?: ResolveAll;
}

export interface OpenedProvider {
  readonly store: ProviderStore;
  readonly send: SendUpload;
  /** Null where the store's traffic is proxied: nothing is signed for others then. */
  readonly signer: StoreSigner | null;
  /** Has it stay open until the response closes; absent where nothing closes it before. */
  readonly keep?: (response: ServerResponse) => void;
  /** Null where no KMS of the store is known. */
  readonly hasKmsAlias: HasKmsAlias | null;
}

export interface OpenedStore {
  readonly backend: Backend;
  /** Null for a directory: it has no URL that POST /upload could name. */
  readonly provider: OpenedProvider | null;
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
  const { resolveSecret, resolveAll } = options;
  const egress = await openEgress(store.egress, resolveSecret);
  const tls = await loadStoreTls(store);
  const credentials = await loadProviderCredentials(store, resolveSecret);
  const connect = (addresses: AddressRule): ProviderConnection => {
    const timeoutMs = PROVIDER_LIMITS.connectTimeoutMs;
    const more = resolveAll === undefined ? {} : { resolveAll };
    const connector = createProviderConnector({ store: store.name, egress, tls, addresses, timeoutMs, ...more });
    return createProviderConnection(store.name, connector);
  };
  const connection = connect('configured');
  const { keyCache, now, region: callerRegion } = options;
  const parts = { store, credentials, connection, keyCache, now, callerRegion };
  const backend = createProviderBackend(parts);
  // Of its own, for a kept connection was opened under the rule of whoever asked first.
  const uploads = toUploadRule(store) === 'public' && egress === null ? connect('public') : connection;
  return {
    backend,
    provider: {
      store,
      send: createSendUpload({ ...parts, connection: uploads }),
      // Whatever made the configuration: where the gateway itself may not go straight, nobody is sent.
      signer: store.traffic === 'direct' && egress === null ? createStoreSigner(parts) : null,
      hasKmsAlias: createHasKmsAlias(parts),
    },
    close: async () => {
      await backend.close();
      if (uploads !== connection) await uploads.close();
    },
  };
}

/** @throws invalid_config when a reference does not resolve */
async function openEgress(
  egress: Egress | null,
  resolveSecret: OpenStoreOptions['resolveSecret'],
): Promise<OpenEgress | null> {
  if (egress === null) return null;
  const { credentials } = egress;
  if (credentials === null) return { ...egress, credentials };
  const username = (await resolveSecret(credentials.username)).trim();
  const password = (await resolveSecret(credentials.password)).trim();
  return { ...egress, credentials: { username, password } };
}
