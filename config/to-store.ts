/** One entry of `stores:` with its defaults applied. */
import { resolve } from 'node:path';
import type { KeyPairRef, ProviderStore, StoreConfig } from './config.ts';
import { S3_STANDARD_PRICES } from './default-prices.ts';
import { toAbsoluteRef } from './file-reference.ts';
import type { ConfigPath, Problems } from './problems.ts';
import type { RawStore } from './schema.ts';

/** Null when something is wrong with it, which `problems` then tells. */
export function toStore(name: string, raw: RawStore, directory: string, problems: Problems): StoreConfig | null {
  const path = ['stores', name];
  const { prices } = raw;
  const common = {
    name,
    region: raw.region ?? 'us-east-1',
    conditionalWrites: raw.conditional_writes ?? true,
    etags: raw.etags ?? 'md5',
    prices: {
      currency: prices?.currency ?? S3_STANDARD_PRICES.currency,
      perThousandWrites: prices?.per_thousand_writes ?? S3_STANDARD_PRICES.perThousandWrites,
      perThousandReads: prices?.per_thousand_reads ?? S3_STANDARD_PRICES.perThousandReads,
      perGibOut: prices?.per_gib_out ?? S3_STANDARD_PRICES.perGibOut,
    },
  } as const;
  if ((raw.endpoint === undefined) === (raw.directory === undefined)) {
    problems.add(path, 'expected either endpoint or directory, one of the two', 'key');
    return null;
  }
  if (raw.directory !== undefined) {
    for (const field of ['addressing', 'credentials', 'unsigned_payload'] as const) {
      if (raw[field] !== undefined) problems.add([...path, field], 'a directory has no such field', 'key');
    }
    return { ...common, kind: 'directory', directory: resolve(directory, raw.directory), fsync: raw.fsync ?? true };
  }
  if (raw.fsync !== undefined) problems.add([...path, 'fsync'], 'only a directory has this field', 'key');
  const endpoint = parseEndpoint(raw.endpoint ?? '');
  if (endpoint === null) {
    problems.add(
      [...path, 'endpoint'],
      'expected the URL of an S3-compatible service, http[s]://HOST[:PORT], without path, query or user',
    );
    return null;
  }
  return {
    ...common,
    kind: 'provider',
    endpoint: endpoint.origin,
    addressing: raw.addressing ?? (/(^|\.)amazonaws\.com(\.cn)?$/.test(endpoint.hostname) ? 'virtual' : 'path'),
    credentials: toCredentials([...path, 'credentials'], raw.credentials, directory, problems),
    unsignedPayload: raw.unsigned_payload ?? false,
  };
}

function toCredentials(
  path: ConfigPath,
  raw: RawStore['credentials'],
  directory: string,
  problems: Problems,
): ProviderStore['credentials'] {
  if (raw === undefined) return 'default-chain';
  const { access_key_id: id, secret_access_key: secret, session_token: token, profile } = raw;
  if (profile !== undefined && id === undefined && secret === undefined && token === undefined) return { profile };
  if (profile !== undefined || id === undefined || secret === undefined) {
    problems.add(path, 'expected access_key_id and secret_access_key, or profile alone', 'key');
    return 'default-chain';
  }
  return {
    accessKeyId: toAbsoluteRef(id, directory),
    secretAccessKey: toAbsoluteRef(secret, directory),
    sessionToken: token === undefined ? null : toAbsoluteRef(token, directory),
  } satisfies KeyPairRef;
}

/** Null for anything but `http[s]://HOST[:PORT]`. */
export function parseEndpoint(text: string): URL | null {
  if (!/^https?:\/\/[^/?#@\s]+\/?$/i.test(text) || !URL.canParse(text)) return null;
  return new URL(text);
}
