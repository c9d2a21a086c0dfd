/**
 * The signing key: four HMACs from the secret over date, region, service and terminator. It is good for one UTC day, so a caller
 * with many signatures keeps it: deriving takes four of the five HMACs of a signature.
 *
 * The cache belongs to the caller, never to this module. It holds secrets in its keys and signing keys in its values, in a
 * closure where neither printing nor serialising it can reach them.
 */
import { TERMINATOR } from './string-to-sign.ts';
import type { Crypto, Scope, SigningKeyCache } from './types.ts';

const KEYS_MAX_DEFAULT = 1_000;

/** Derives the signing key of 32 bytes, or finds it in the cache. */
export function deriveSigningKey(crypto: Crypto, secret: string, scope: Scope, cache?: SigningKeyCache): Uint8Array {
  const known = cache?.get(secret, scope);
  if (known !== undefined) return known;
  const dateKey = crypto.hmacSha256('AWS4' + secret, scope.date);
  const regionKey = crypto.hmacSha256(dateKey, scope.region);
  const serviceKey = crypto.hmacSha256(regionKey, scope.service);
  const signingKey = crypto.hmacSha256(serviceKey, TERMINATOR);
  cache?.set(secret, scope, signingKey);
  return signingKey;
}

/** Creates a cache of at most `keysMax` signing keys; the one that was added first makes room. */
export function createSigningKeyCache(keysMax: number = KEYS_MAX_DEFAULT): SigningKeyCache {
  const keys = new Map<string, Uint8Array>();
  // A date has eight digits, and a region or a service no '/': with the secret last, two different inputs never share an id.
  const idOf = (secret: string, scope: Scope): string => `${scope.date}/${scope.region}/${scope.service}/${secret}`;
  return {
    get: (secret, scope) => keys.get(idOf(secret, scope)),
    set: (secret, scope, signingKey) => {
      if (keys.size >= keysMax) {
        for (const oldest of keys.keys()) {
          keys.delete(oldest);
          break;
        }
      }
      keys.set(idOf(secret, scope), signingKey);
    },
  };
}
