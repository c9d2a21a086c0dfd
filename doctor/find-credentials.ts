/**
 * Which sources of credentials are set, and which of them wins. Names only: no value of a secret leaves this file but into the
 * signature and into the list of what is redacted. The order is that of the AWS clients; where they differ, both are said.
 */
import type { ProviderStore, SecretRef } from '../config/config.ts';
import { resolveSecret } from '../config/resolve-secret.ts';
import { isWaybillError } from '../core/failures.ts';
import type { Credentials } from '../sigv4/types.ts';
import { findProfile } from './read-profiles.ts';
import type { ClientSettings } from './read-client-settings.ts';

export interface FoundCredentials {
  /** A name such as `environment` or `profile default of /home/u/.aws/credentials`; null when there is none. */
  readonly winner: string | null;
  /** Others that are set, in the order in which they would be taken. */
  readonly others: readonly string[];
  /** Exactly as they stand, blanks included; null when they could not be had. */
  readonly raw: Credentials | null;
  readonly expiresAt: Date | null;
  /** Why there are none, or what could not be read. */
  readonly problem: string | null;
}

const set = (env: NodeJS.ProcessEnv, name: string): boolean => (env[name] ?? '') !== '';

export async function findCredentials(
  store: ProviderStore | null,
  env: NodeJS.ProcessEnv,
  settings: ClientSettings,
): Promise<FoundCredentials> {
  const sources = listSources(env, settings);
  if (store !== null && typeof store.credentials === 'object' && 'accessKeyId' in store.credentials) {
    return await fromReferences(store.credentials, sources);
  }
  const profile =
    store !== null && typeof store.credentials === 'object' && 'profile' in store.credentials
      ? store.credentials.profile
      : null;
  const [winner, ...others] = profile === null ? sources : [`profile ${profile}`, ...sources];
  const nothing = { winner: winner ?? null, others, raw: null, expiresAt: null };
  if (winner === undefined && !isMetadataAllowed(env))
    return { ...nothing, problem: 'no source of credentials is set' };
  if (winner === 'environment') {
    const raw = fromPairs(env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY'], env['AWS_SESSION_TOKEN']);
    const at = Date.parse(env['AWS_CREDENTIAL_EXPIRATION'] ?? '');
    return {
      ...nothing,
      raw,
      expiresAt: Number.isNaN(at) ? null : new Date(at),
      problem: raw === null ? 'half a key' : null,
    };
  }
  const named = profile ?? env['AWS_PROFILE'] ?? 'default';
  const inFile = readProfile(settings, named);
  if (inFile !== null) return { ...nothing, winner: winner ?? `profile ${named}`, raw: inFile, problem: null };
  return await askChain(nothing, profile);
}

async function fromReferences(
  refs: { accessKeyId: SecretRef; secretAccessKey: SecretRef; sessionToken: SecretRef | null },
  others: readonly string[],
): Promise<FoundCredentials> {
  const winner = `waybill.yaml (${[refs.accessKeyId, refs.secretAccessKey, refs.sessionToken].filter((ref) => ref !== null).join(', ')})`;
  try {
    const token = refs.sessionToken === null ? undefined : await resolveSecret(refs.sessionToken);
    const raw = fromPairs(await resolveSecret(refs.accessKeyId), await resolveSecret(refs.secretAccessKey), token);
    return { winner, others, raw, expiresAt: null, problem: null };
  } catch (error) {
    return {
      winner,
      others,
      raw: null,
      expiresAt: null,
      problem: isWaybillError(error) ? error.message : 'cannot be read',
    };
  }
}

/** In the order of the AWS clients. */
function listSources(env: NodeJS.ProcessEnv, settings: ClientSettings): string[] {
  const sources: string[] = [];
  if (set(env, 'AWS_ACCESS_KEY_ID') || set(env, 'AWS_SECRET_ACCESS_KEY')) sources.push('environment');
  if (set(env, 'AWS_WEB_IDENTITY_TOKEN_FILE')) sources.push('web identity (AWS_WEB_IDENTITY_TOKEN_FILE)');
  const name = env['AWS_PROFILE'] ?? 'default';
  for (const file of settings.files) {
    if (file.client !== 'aws' && file.client !== 'aws-credentials') continue;
    const profile = findProfile(file.sections, name);
    const keys = [
      'aws_access_key_id',
      'role_arn',
      'sso_session',
      'sso_start_url',
      'credential_process',
      'web_identity_token_file',
    ];
    const found = keys.filter((key) => profile?.has(key) === true);
    if (found.length > 0) sources.push(`profile ${name} of ${file.path} (${found.join(', ')})`);
  }
  for (const variable of ['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'AWS_CONTAINER_CREDENTIALS_FULL_URI'])
    if (set(env, variable)) sources.push(`container (${variable})`);
  return sources;
}

export const isMetadataAllowed = (env: NodeJS.ProcessEnv): boolean =>
  !/^true$/i.test(env['AWS_EC2_METADATA_DISABLED'] ?? '');

function readProfile(settings: ClientSettings, name: string): Credentials | null {
  for (const client of ['aws-credentials', 'aws'] as const) {
    const file = settings.files.find((one) => one.client === client);
    const profile = file === undefined ? null : findProfile(file.sections, name);
    if (profile === null) continue;
    const found = fromPairs(
      profile.get('aws_access_key_id'),
      profile.get('aws_secret_access_key'),
      profile.get('aws_session_token'),
    );
    if (found !== null) return found;
  }
  return null;
}

function fromPairs(id: string | undefined, secret: string | undefined, token: string | undefined): Credentials | null {
  if (!id || !secret) return null;
  return { accessKeyId: id, secretAccessKey: secret, ...(token ? { sessionToken: token } : {}) };
}

/** The AWS SDK's own chain: roles, web identity, SSO, container, instance. */
async function askChain(
  found: Pick<FoundCredentials, 'winner' | 'others'>,
  profile: string | null,
): Promise<FoundCredentials> {
  try {
    const sdk = await import('@aws-sdk/credential-providers');
    const limits = { timeout: 1_000, maxRetries: 0 };
    const fetch = profile === null ? sdk.fromNodeProviderChain(limits) : sdk.fromIni({ profile });
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await fetch();
    const raw = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
    return { ...found, winner: found.winner ?? 'instance metadata', raw, expiresAt: expiration ?? null, problem: null };
  } catch (error) {
    // The chain's own message may quote what a credential process printed.
    const name = error instanceof Error ? error.name : 'unknown';
    return { ...found, raw: null, expiresAt: null, problem: `the chain of the AWS SDK found none (${name})` };
  }
}
