/**
 * Session tokens that carry their own meaning: what a session may do is sealed into its token, and its secret is derived from it.
 * Gateways that share a session secret so know each other's sessions without a store between them, and none of them keeps a list.
 *
 * - The token is AES-256-GCM over the claims, bound to its access key id: nobody without the session secret reads or changes one.
 * - The secret is HMAC-SHA256 of id and token under another key, so that it stands nowhere and a token alone signs nothing.
 * - Both keys come from the configured secret by HKDF. While that is being replaced there are two: the first seals, both open.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { WaybillError } from '../../core/failures.ts';
import type { GatewayOperation } from '../../config/config.ts';
import type { Credentials } from '../../sigv4/types.ts';

export interface SessionClaims {
  /** The name of the workload key that asked for it. */
  readonly key: string;
  /** `toSecretMark` of the secret that signed the request for it: a session ends with that secret. */
  readonly secretMark: string;
  readonly run: string;
  readonly expiresAtMs: number;
  readonly operations: readonly GatewayOperation[];
  readonly buckets: readonly string[];
  readonly prefixes: readonly string[];
}

export interface SessionCredentials extends Credentials {
  readonly sessionToken: string;
}

export interface OpenedSession {
  readonly claims: SessionClaims;
  readonly credentials: SessionCredentials;
}

export interface SessionSealer {
  issue(claims: SessionClaims): SessionCredentials;
  /** Null for what this gateway, or one that shares its secret, has not made; expired ones open. */
  open(accessKeyId: string, sessionToken: string): OpenedSession | null;
  /** Stands for a secret in the claims; says nothing about it. */
  toSecretMark(secretAccessKey: string): string;
}

/** No workload key is looked for under such an id when the request has a token. */
const ID_PREFIX = 'WBSESSION';
const VERSION = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** With a presigned URL's other parameters it still passes through 16 KiB of headers and most proxies' 8 KiB. */
const TOKEN_CHARACTERS_MAX = 4096;
const SECRET_CHARACTERS_MIN = 32;
const SECRETS_MAX = 2;
/** Sessions in use at once: 4 KiB each at most. */
const OPENED_MAX = 1_000;

/**
 * @param text one secret, or two on two lines
 * @throws invalid_config when one of them could be guessed
 */
export function createSessionSealer(text: string): SessionSealer {
  const secrets = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (
    secrets.length === 0 ||
    secrets.length > SECRETS_MAX ||
    secrets.some((secret) => secret.length < SECRET_CHARACTERS_MIN)
  ) {
    throw new WaybillError(
      'invalid_config',
      `session_secret is ${SECRET_CHARACTERS_MIN} characters or more, for instance of openssl rand -base64 32; two lines while it is replaced`,
    );
  }
  /** What was opened lately, by token: each request of a run brings the same one, and asks for it twice. */
  const opened = new Map<string, OpenedSession>();
  const rings = secrets.map(deriveKeys);
  const [first] = rings as [Keys, ...Keys[]];
  return {
    issue(claims) {
      const accessKeyId = `${ID_PREFIX}${randomBytes(10).toString('hex').toUpperCase()}`;
      const sessionToken = seal(first, accessKeyId, claims);
      if (sessionToken.length > TOKEN_CHARACTERS_MAX) {
        throw new WaybillError('invalid_request', 'the buckets and prefixes of a session are too long together', {
          s3Code: 'InvalidRequest',
        });
      }
      return { accessKeyId, secretAccessKey: toSecret(first, accessKeyId, sessionToken), sessionToken };
    },
    open(accessKeyId, sessionToken) {
      if (!accessKeyId.startsWith(ID_PREFIX) || sessionToken.length > TOKEN_CHARACTERS_MAX) return null;
      const before = opened.get(sessionToken);
      if (before !== undefined) return before.credentials.accessKeyId === accessKeyId ? before : null;
      for (const keys of rings) {
        const claims = unseal(keys, accessKeyId, sessionToken);
        if (claims === null) continue;
        const secretAccessKey = toSecret(keys, accessKeyId, sessionToken);
        const session = { claims, credentials: { accessKeyId, secretAccessKey, sessionToken } };
        // Only what we made gets in, so nobody can fill it with what he likes.
        if (opened.size >= OPENED_MAX) opened.clear();
        opened.set(sessionToken, session);
        return session;
      }
      return null;
    },
    // Not under the session secret: a session lives on while that is being replaced.
    toSecretMark: (secretAccessKey) =>
      createHmac('sha256', secretAccessKey).update('waybill session secret mark').digest('base64url').slice(0, 22),
  };
}

interface Keys {
  readonly sealing: Buffer;
  readonly signing: Buffer;
}

function deriveKeys(secret: string): Keys {
  const derive = (info: string): Buffer => Buffer.from(hkdfSync('sha256', secret, 'waybill', info, 32));
  return { sealing: derive('session token'), signing: derive('session secret') };
}

function seal(keys: Keys, accessKeyId: string, claims: SessionClaims): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keys.sealing, iv).setAAD(Buffer.from(accessKeyId));
  const sealed = Buffer.concat([cipher.update(JSON.stringify(claims), 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.of(VERSION), iv, sealed, cipher.getAuthTag()]).toString('base64url');
}

function unseal(keys: Keys, accessKeyId: string, sessionToken: string): SessionClaims | null {
  const bytes = Buffer.from(sessionToken, 'base64url');
  // Only the one way to write it: a token is part of what is signed, and two texts for one token would be two requests.
  if (bytes.toString('base64url') !== sessionToken || bytes[0] !== VERSION) return null;
  if (bytes.length <= 1 + IV_BYTES + TAG_BYTES) return null;
  const decipher = createDecipheriv('aes-256-gcm', keys.sealing, bytes.subarray(1, 1 + IV_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(accessKeyId)).setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    const text = Buffer.concat([decipher.update(bytes.subarray(1 + IV_BYTES, -TAG_BYTES)), decipher.final()]);
    return JSON.parse(text.toString('utf8')) as SessionClaims;
  } catch {
    return null;
  }
}

function toSecret(keys: Keys, accessKeyId: string, sessionToken: string): string {
  return createHmac('sha256', keys.signing).update(`${accessKeyId}\n${sessionToken}`).digest('base64');
}
