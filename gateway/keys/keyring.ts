/**
 * The workload keys by their access key id: each bound to one store and one policy. An access key id that is not in it is nobody,
 * and nobody may do anything; a key that has expired or was revoked is nobody too, from one request to the next.
 *
 * - A key rotates by a second secret, in a list of two references or on a second line of what one reference holds: both are valid
 *   while both stand. One access key id has one entry, or which store a request goes to would depend on which is found first.
 * - A revocation holds in memory, until the key has other secrets or the process ends: it bridges the time until the key is taken
 *   out of the configuration, and a reload that still has the same key does not bring it back.
 * - Looking up costs one access to a hash table whether the key is known or not; `verifyRequest` does the rest of the work for
 *   unknown keys as well.
 */
import { createHash } from 'node:crypto';
import type { BlockList } from 'node:net';
import type { SecretRef, WorkloadKey } from '../../config/config.ts';
import { toBlockList } from '../../config/network.ts';
import { WaybillError } from '../../core/failures.ts';
import type { Credentials } from '../../sigv4/types.ts';
import type { AccessKey } from './access.ts';
import type { Policy } from './policy.ts';

export interface KeyringEntry extends AccessKey {
  /** As the configuration calls it; for logs and metrics. */
  readonly name: string;
  readonly accessKeyId: string;
  /** One, or two while the key rotates. */
  readonly credentials: readonly Credentials[];
  readonly store: string;
  readonly policy: Policy;
  readonly allowUnsignedPayload: boolean;
  /** May call POST /upload. */
  readonly upload: boolean;
  /** May call POST /session. */
  readonly session: boolean;
  /** May call POST /sign, and its sessions may. */
  readonly sign: boolean;
  readonly expiresAt: Date | null;
  /** Null: every address. */
  readonly sourceNetworks: BlockList | null;
  /** Tells this key from another of the same name after a reload. */
  readonly fingerprint: string;
}

export interface Keyring {
  /** Of the keys that are valid now. */
  readonly find: (accessKeyId: string) => KeyringEntry | undefined;
  /** The same by its bearer token, which only POST /upload and its like take. */
  readonly findByBearer: (token: string) => KeyringEntry | undefined;
  /** The same by the name that the configuration gives it. */
  readonly findByName: (name: string) => KeyringEntry | undefined;
  /** All that are configured, valid or not, in their order. */
  readonly entries: () => readonly KeyringEntry[];
  readonly isRevoked: (entry: KeyringEntry) => boolean;
}

export interface KeyringOptions {
  readonly now: () => Date;
  /** Fingerprints; the caller's, so that it outlives a reload. */
  readonly revoked: ReadonlySet<string>;
}

const SHA256 = /^[0-9a-f]{64}$/;
/** More than two would be a habit, not a rotation. */
const SECRETS_PER_KEY_MAX = 2;
/** What a header can carry without being cut or quoted; also keeps the parts of a credential scope apart. */
const ACCESS_KEY_ID = /^[A-Za-z0-9._~+=:@-]{1,128}$/;

/**
 * Resolves the references of the configured keys.
 * @throws invalid_config when a reference does not resolve, holds no usable value, or two entries have one access key id
 */
export async function loadKeyring(
  keys: readonly WorkloadKey[],
  resolveSecret: (ref: SecretRef) => Promise<string>,
  { now, revoked }: KeyringOptions = { now: () => new Date(), revoked: new Set() },
): Promise<Keyring> {
  const byId = new Map<string, KeyringEntry>();
  const byBearer = new Map<string, KeyringEntry>();
  for (const key of keys) {
    const entry = await loadEntry(key, resolveSecret);
    await addBearer(byBearer, key, entry, resolveSecret);
    const other = byId.get(entry.accessKeyId);
    if (other !== undefined) {
      throw new WaybillError('invalid_config', 'two workload keys have one access key id', {
        key: key.name,
        other: other.name,
      });
    }
    byId.set(entry.accessKeyId, entry);
  }
  const byName = new Map([...byId.values()].map((entry) => [entry.name, entry]));
  const ifValid = (entry: KeyringEntry | undefined): KeyringEntry | undefined =>
    entry === undefined ||
    (entry.expiresAt !== null && now().getTime() >= entry.expiresAt.getTime()) ||
    revoked.has(entry.fingerprint)
      ? undefined
      : entry;
  return {
    find: (accessKeyId) => ifValid(byId.get(accessKeyId)),
    findByBearer: (token) => ifValid(byBearer.get(createHash('sha256').update(token).digest('hex'))),
    findByName: (name) => ifValid(byName.get(name)),
    entries: () => [...byId.values()],
    isRevoked: (entry) => revoked.has(entry.fingerprint),
  };
}

async function addBearer(
  byBearer: Map<string, KeyringEntry>,
  key: WorkloadKey,
  entry: KeyringEntry,
  resolveSecret: (ref: SecretRef) => Promise<string>,
): Promise<void> {
  const given = key.bearerSha256 ?? null;
  if (given === null) return;
  const sha256 = SHA256.test(given) ? given : (await resolveSecret(given as SecretRef)).trim();
  if (!SHA256.test(sha256) || byBearer.has(sha256)) {
    throw new WaybillError(
      'invalid_config',
      'bearer_sha256 is 64 hex digits in lower case, of a token of this key alone',
      {
        key: key.name,
      },
    );
  }
  byBearer.set(sha256, entry);
}

async function loadEntry(key: WorkloadKey, resolveSecret: (ref: SecretRef) => Promise<string>): Promise<KeyringEntry> {
  const accessKeyId = (await resolveSecret(key.accessKeyId)).trim();
  if (!ACCESS_KEY_ID.test(accessKeyId)) {
    throw new WaybillError('invalid_config', 'an access key id is 1-128 of A-Z a-z 0-9 . _ ~ + = : @ -', {
      key: key.name,
    });
  }
  const texts: string[] = [];
  for (const ref of key.secretAccessKeys) texts.push(await resolveSecret(ref));
  const secrets = parseSecrets(key.name, texts);
  return {
    name: key.name,
    accessKeyId,
    credentials: secrets.map((secretAccessKey) => ({ accessKeyId, secretAccessKey })),
    store: key.store,
    policy: { operations: new Set(key.operations), buckets: key.buckets, prefixes: key.prefixes },
    allowUnsignedPayload: key.allowUnsignedPayload,
    upload: key.upload,
    session: key.session,
    sign: key.sign ?? false,
    expiresAt: key.expiresAt,
    sourceNetworks: key.sourceNetworks.length === 0 ? null : toBlockList(key.sourceNetworks),
    fingerprint: createHash('sha256')
      .update(JSON.stringify([key.name, accessKeyId, secrets]))
      .digest('hex'),
  };
}

function parseSecrets(key: string, texts: readonly string[]): string[] {
  const secrets = texts
    .flatMap((text) => text.split('\n'))
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (secrets.length === 0 || secrets.length > SECRETS_PER_KEY_MAX) {
    throw new WaybillError('invalid_config', 'a workload key has one secret, or two while it rotates', {
      key,
      secrets: secrets.length,
    });
  }
  return secrets;
}
