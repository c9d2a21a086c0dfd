/**
 * The sessions of workload keys. A session is its key, narrowed: what it may do is allowed by its own policy and by its key's of this
 * moment, so a key that loses a right, that to sessions too, expires or is revoked takes its sessions along. It may not call /upload
 * nor ask for another session.
 */
import type { Keyring, KeyringEntry } from './keyring.ts';
import { authorize } from './policy.ts';
import type { Decision } from './policy.ts';
import type { OpenedSession, SessionSealer } from './session-token.ts';
import type { Target } from '../backend.ts';

/** A workload key, or a session of one. */
export interface ValidKey extends KeyringEntry {
  /** The key that it is a session of; a workload key itself has none. */
  readonly parent?: KeyringEntry;
}

/** @param sealer null where no session is known */
export function findKey(
  keyring: Keyring,
  sealer: SessionSealer | null,
  accessKeyId: string,
  sessionToken: string | null,
): ValidKey | undefined {
  const session = sessionToken === null ? null : (sealer?.open(accessKeyId, sessionToken) ?? null);
  if (session === null) return keyring.find(accessKeyId);
  const { claims, credentials } = session;
  const parent = keyring.findByName(claims.key);
  const before = found.get(session);
  if (before !== undefined && before.parent === parent) return before;
  const isBacked = parent?.credentials.some((one) => sealer?.toSecretMark(one.secretAccessKey) === claims.secretMark);
  if (parent?.session !== true || isBacked !== true) return undefined;
  const key: ValidKey = {
    ...parent,
    accessKeyId,
    credentials: [credentials],
    policy: { operations: new Set(claims.operations), buckets: claims.buckets, prefixes: claims.prefixes },
    upload: false,
    session: false,
    expiresAt: new Date(claims.expiresAtMs),
    run: claims.run,
    parent,
  };
  found.set(session, key);
  return key;
}

/** Each request asks twice. An entry of a keyring never changes, so what was found holds as long as the same one is valid. */
const found = new WeakMap<OpenedSession, ValidKey>();

/** What its own policy allows, and its key's as well. */
export function authorizeKey(key: ValidKey, target: Target): Decision {
  const own = authorize(key.policy, target);
  return own.ok && key.parent !== undefined ? authorize(key.parent.policy, target) : own;
}
