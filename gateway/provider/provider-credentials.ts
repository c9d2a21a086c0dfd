/**
 * The provider's credentials as they are now: explicit ones resolved once at start, or those of a profile or the AWS SDK's default
 * chain (environment, web identity, container, instance), kept until shortly before they expire and fetched once for all who wait.
 *
 * They live here and in the signature's making, nowhere else. A failure to get them names the store and never quotes the chain's
 * own message, which may have what a credential process printed.
 */
import type { ProviderStore, SecretRef } from '../../config/config.ts';
import { WaybillError } from '../../core/failures.ts';
import type { Credentials } from '../../sigv4/types.ts';

export interface ProviderCredentials {
  /** Ready at once unless they have to be fetched. @throws bad_credentials */
  current(): Credentials | Promise<Credentials>;
}

/** What the SDK's providers return. */
interface Fetched {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly expiration?: Date | undefined;
}

/** IMDS and STS hand out the next credentials at least this long before the old ones expire. */
const REFRESH_BEFORE_MS = 5 * 60 * 1000;
/** After a failed refresh of credentials that still hold, wait before asking again. */
const RETRY_AFTER_MS = 30 * 1000;

/** @throws invalid_config when a reference does not resolve; a chain is not asked before the first request */
export async function loadProviderCredentials(
  store: Pick<ProviderStore, 'name' | 'credentials'>,
  resolveSecret: (ref: SecretRef) => Promise<string>,
): Promise<ProviderCredentials> {
  const { credentials } = store;
  if (credentials === 'default-chain' || 'profile' in credentials) {
    // Loaded on demand: it is large, and most gateways have explicit keys.
    const sdk = await import('@aws-sdk/credential-providers');
    const provider =
      credentials === 'default-chain' ? sdk.fromNodeProviderChain() : sdk.fromIni({ profile: credentials.profile });
    return createRefreshing(store.name, provider);
  }
  const sessionToken =
    credentials.sessionToken === null ? null : (await resolveSecret(credentials.sessionToken)).trim();
  const fixed: Credentials = {
    accessKeyId: (await resolveSecret(credentials.accessKeyId)).trim(),
    secretAccessKey: (await resolveSecret(credentials.secretAccessKey)).trim(),
    ...(sessionToken === null ? {} : { sessionToken }),
  };
  return { current: () => fixed };
}

/** Keeps what `fetch` returns until shortly before it expires; `now` is in milliseconds since the epoch. */
export function createRefreshing(
  store: string,
  fetch: () => Promise<Fetched>,
  now: () => number = Date.now,
): ProviderCredentials {
  let held: Credentials | null = null;
  let expiresMs = 0;
  let refreshMs = 0;
  let pending: Promise<Credentials> | null = null;

  const refresh = async (): Promise<Credentials> => {
    try {
      const { accessKeyId, secretAccessKey, sessionToken, expiration } = await fetch();
      held = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
      expiresMs = expiration?.getTime() ?? Infinity;
      // Credentials that live less than the margin would be fetched for every request: half their life is theirs.
      refreshMs = expiresMs - Math.min(REFRESH_BEFORE_MS, (expiresMs - now()) / 2);
      return held;
    } catch (cause) {
      if (held !== null && now() < expiresMs) {
        refreshMs = now() + RETRY_AFTER_MS;
        return held;
      }
      const name = cause instanceof Error ? cause.name : 'unknown';
      throw new WaybillError('bad_credentials', 'no credentials could be found for the store', {
        store,
        cause: name,
        s3Code: 'InternalError',
      });
    } finally {
      pending = null;
    }
  };

  return {
    current() {
      if (held !== null && now() < refreshMs) return held;
      pending ??= refresh();
      return pending;
    },
  };
}
