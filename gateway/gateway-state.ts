/**
 * What a gateway serves by: keys, stores, sessions. Made whole from a configuration and then put in the place of the one before in
 * one assignment, so that no request sees half of each. What cannot be made leaves the one before as it was.
 */
import { createHash } from 'node:crypto';
import type { Config, GatewayConfig, SecretRef } from '../config/config.ts';
import { WaybillError } from '../core/failures.ts';
import type { SigningKeyCache } from '../sigv4/types.ts';
import { admitKey } from './keys/admit-key.ts';
import { loadKeyring } from './keys/keyring.ts';
import type { Keyring, KeyringEntry } from './keys/keyring.ts';
import { checkReopening, leaseStore } from './leased-store.ts';
import type { LeasedStore } from './leased-store.ts';
import type { Log } from './listener/listener-options.ts';
import type { MemoryBudget } from './listener/memory-budget.ts';
import { createSessionSealer } from './keys/session-token.ts';
import type { SessionSealer } from './keys/session-token.ts';
import { createSession } from './keys/session.ts';
import type { ServeSession } from './keys/session.ts';
import { createSign } from './sign/sign.ts';
import type { SignedBatch } from './sign/sign.ts';
import { createUpload } from './upload/upload.ts';

export interface GatewayState {
  readonly config: GatewayConfig;
  readonly keyring: Keyring;
  readonly sealer: SessionSealer | null;
  /** By name; those that some key is bound to. Their secrets were resolved for this and nothing else. */
  readonly stores: ReadonlyMap<string, LeasedStore>;
  /** SHA-256 of the admin listener's token. */
  readonly adminTokenHash: Buffer | null;
  /** What is not S3: POST /upload, POST /session and POST /sign. */
  readonly outside: ServeSession;
}

export interface StateParts {
  readonly resolveSecret: (ref: SecretRef) => Promise<string>;
  readonly keyCache: SigningKeyCache;
  readonly now: () => Date;
  readonly logger: Log;
  readonly memory: MemoryBudget;
  readonly revoked: ReadonlySet<string>;
  /** Told of each batch of POST /sign. */
  readonly onSigned: (batch: SignedBatch) => void;
}

/**
 * @param before whose stores are taken over where they are the same; null at the start
 * @throws invalid_config; store_refused, store_error when a directory cannot be opened. What was opened is closed again
 */
export async function createState(
  config: Config,
  parts: StateParts,
  before: GatewayState | null,
): Promise<GatewayState> {
  const { gateway } = config;
  if (gateway === null) throw new WaybillError('invalid_config', 'the configuration has no section gateway');
  const { resolveSecret, keyCache, now, logger, memory, revoked, onSigned } = parts;
  const keyring = await loadKeyring(gateway.keys, resolveSecret, { now, revoked });
  const sealer =
    gateway.sessionSecret === null ? null : createSessionSealer(await resolveSecret(gateway.sessionSecret));
  const adminToken = gateway.adminToken === null ? null : (await resolveSecret(gateway.adminToken)).trim();
  if (adminToken !== null && adminToken.length < ADMIN_TOKEN_CHARACTERS_MIN) {
    throw new WaybillError(
      'invalid_config',
      `admin_token is ${ADMIN_TOKEN_CHARACTERS_MIN} characters or more, for instance of openssl rand -hex 24`,
    );
  }
  const opened: LeasedStore[] = [];
  try {
    const stores = new Map<string, LeasedStore>();
    for (const name of new Set(gateway.keys.map((key) => key.store))) {
      const store = config.stores.get(name);
      if (store === undefined)
        throw new WaybillError('invalid_config', 'a key is bound to an unknown store', { store: name });
      const same = await findSame([...(before?.stores.values() ?? [])], (one) => one.isSame(store, resolveSecret));
      if (same !== null) {
        stores.set(name, same);
        continue;
      }
      for (const one of before?.stores.values() ?? []) checkReopening(one.config, store);
      const lease = await leaseStore(store, { resolveSecret, keyCache, region: gateway.region, now });
      opened.push(lease);
      stores.set(name, lease);
    }
    const providers = [...stores].flatMap(([name, { provider }]) =>
      provider === null ? [] : [[name, provider] as const],
    );
    const common = { keyring, region: gateway.region, keyCache, now, logger };
    const admit = (key: KeyringEntry, caller: { readonly address: string }): void => admitKey(key, caller, now());
    const upload = createUpload({
      ...common,
      providers: new Map(providers),
      uploadBytesMax: gateway.uploadBytesMax,
      admit,
      memory,
    });
    const session = createSession({ ...common, sealer });
    const sign = createSign({
      ...common,
      sealer,
      providers: new Map(providers),
      memory,
      isListed: gateway.accessLog === 'all',
      onSigned,
    });
    return {
      config: gateway,
      keyring,
      sealer,
      stores,
      adminTokenHash: adminToken === null ? null : createHash('sha256').update(adminToken).digest(),
      outside: (request, response, requestId) =>
        upload(request, response, requestId) ??
        session(request, response, requestId) ??
        sign(request, response, requestId),
    };
  } catch (error) {
    for (const lease of opened) await lease.close();
    throw error;
  }
}

/** It opens /keys: no word that a person would choose. */
const ADMIN_TOKEN_CHARACTERS_MIN = 16;

async function findSame<Item>(items: readonly Item[], isSame: (item: Item) => Promise<boolean>): Promise<Item | null> {
  for (const item of items) if (await isSame(item)) return item;
  return null;
}
