/** The bearer tokens that the API accepts, as the SHA-256 of each. The tokens themselves are kept nowhere. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ApiToken } from '../config/config.ts';
import { resolveSecret } from '../config/resolve-secret.ts';
import { WaybillError } from '../core/failures.ts';
import { isSha256Hex } from '../core/ids.ts';

export type Role = ApiToken['role'];

export interface Principal {
  readonly name: string;
  readonly role: Role;
}

export interface TokenHash extends Principal {
  readonly sha256: Buffer;
}

/** @throws invalid_config for a reference that leads nowhere, or not to 64 hex digits */
export async function loadTokens(tokens: readonly ApiToken[]): Promise<readonly TokenHash[]> {
  return Promise.all(
    tokens.map(async ({ name, role, sha256 }) => {
      const hex = isSha256Hex(sha256) ? sha256 : (await resolveSecret(sha256)).trim().toLowerCase();
      if (!isSha256Hex(hex)) {
        throw new WaybillError('invalid_config', 'sha256 of the token leads to something else than 64 hex digits', {
          name,
        });
      }
      return { name, role, sha256: Buffer.from(hex, 'hex') };
    }),
  );
}

/** Looks at every token, whichever fits, and compares hashes in constant time. */
export function findPrincipal(tokens: readonly TokenHash[], token: string): Principal | null {
  const sha256 = createHash('sha256').update(token).digest();
  let found: Principal | null = null;
  for (const known of tokens) {
    if (timingSafeEqual(known.sha256, sha256)) found = { name: known.name, role: known.role };
  }
  return found;
}
