/**
 * The workload keys by their access key id: each bound to one store and one policy. Read once at start; an access key id that is
 * not in it is nobody, and nobody may do anything.
 *
 * A key rotates by a second line in what its secret's reference holds: both secrets are valid while both lines stand. One access
 * key id has one entry, or which store a request goes to would depend on which entry is found first.
 */
import type { SecretRef, WorkloadKey } from '../config/config.ts';
import { WaybillError } from '../core/failures.ts';
import type { Credentials } from '../sigv4/types.ts';
import type { Policy } from './policy.ts';

export interface KeyringEntry {
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
}

export interface Keyring {
  readonly find: (accessKeyId: string) => KeyringEntry | undefined;
}

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
): Promise<Keyring> {
  const entries = new Map<string, KeyringEntry>();
  for (const key of keys) {
    const accessKeyId = (await resolveSecret(key.accessKeyId)).trim();
    const secrets = parseSecrets(key.name, await resolveSecret(key.secretAccessKey));
    if (!ACCESS_KEY_ID.test(accessKeyId)) {
      throw new WaybillError('invalid_config', 'an access key id is 1-128 of A-Z a-z 0-9 . _ ~ + = : @ -', {
        key: key.name,
      });
    }
    const other = entries.get(accessKeyId);
    if (other !== undefined) {
      throw new WaybillError('invalid_config', 'two workload keys have one access key id', {
        key: key.name,
        other: other.name,
      });
    }
    entries.set(accessKeyId, {
      name: key.name,
      accessKeyId,
      credentials: secrets.map((secretAccessKey) => ({ accessKeyId, secretAccessKey })),
      store: key.store,
      policy: { operations: new Set(key.operations), buckets: key.buckets, prefixes: key.prefixes },
      allowUnsignedPayload: key.allowUnsignedPayload,
      upload: key.upload,
    });
  }
  return { find: (accessKeyId) => entries.get(accessKeyId) };
}

function parseSecrets(key: string, text: string): string[] {
  const secrets = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (secrets.length === 0 || secrets.length > SECRETS_PER_KEY_MAX) {
    throw new WaybillError('invalid_config', 'a workload key has one secret, or two on two lines while it rotates', {
      key,
      secrets: secrets.length,
    });
  }
  return secrets;
}
