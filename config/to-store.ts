/** One entry of `stores:` with its defaults applied. */
import { resolve } from 'node:path';
import { parseAccelMetadata, parseAccelPrefix } from './accel-settings.ts';
import type { AccelSettings, Egress, KeyPairRef, ProviderStore, StoreConfig } from './config.ts';
import { S3_STANDARD_PRICES } from './default-prices.ts';
import { toAbsoluteRef } from './file-reference.ts';
import type { ConfigPath, Problems } from './problems.ts';
import type { RawStore } from './schema.ts';

const PROVIDER_FIELDS = [
  'addressing',
  'credentials',
  'unsigned_payload',
  'signed_chunks',
  'traffic',
  'unsafe_direct_writes',
  'egress',
  'egress_credentials',
  'ca_file',
  'tls_min_version',
  'allow_private_addresses',
  'encryption',
  'kms_endpoint',
] as const;

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
    for (const field of PROVIDER_FIELDS) {
      if (raw[field] !== undefined) problems.add([...path, field], 'a directory has no such field', 'key');
    }
    const accel = toAccel(path, raw, problems);
    return {
      ...common,
      kind: 'directory',
      directory: resolve(directory, raw.directory),
      fsync: raw.fsync ?? true,
      ...(accel !== null && { accel }),
    };
  }
  for (const field of ['fsync', 'accel_redirect', 'accel_metadata'] as const) {
    if (raw[field] !== undefined) problems.add([...path, field], 'only a directory has this field', 'key');
  }
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
    signedChunks: raw.signed_chunks ?? true,
    traffic: toTraffic(path, raw, problems),
    unsafeDirectWrites: raw.unsafe_direct_writes ?? false,
    egress: toEgress(path, raw, directory, problems),
    tls: {
      caFile: raw.ca_file === undefined ? null : resolve(directory, raw.ca_file),
      minVersion: raw.tls_min_version ?? 'TLSv1.2',
    },
    allowPrivateAddresses: raw.allow_private_addresses ?? false,
    encryption: toEncryption(path, raw.encryption, problems),
    kmsEndpoint: toKmsEndpoint(path, raw.kms_endpoint, problems),
  };
}

function toAccel(path: ConfigPath, raw: RawStore, problems: Problems): AccelSettings | null {
  const { accel_redirect: location, accel_metadata: names = [] } = raw;
  if (location === undefined) {
    if (names.length > 0) problems.add([...path, 'accel_metadata'], 'expected accel_redirect beside it', 'key');
    return null;
  }
  const prefix = parseAccelPrefix(location);
  if (prefix === null) problems.add([...path, 'accel_redirect'], 'expected a path such as /.waybill/');
  const metadata = names.map((text, index) => {
    const name = parseAccelMetadata(text);
    if (name === null) problems.add([...path, 'accel_metadata', index], 'expected a name such as md5');
    return name ?? '';
  });
  return { prefix: prefix ?? '/', metadata };
}

/** Whoever may not reach a store but through a proxy of the gateway's cannot be sent there. */
function toTraffic(path: ConfigPath, raw: RawStore, problems: Problems): 'proxied' | 'direct' {
  if (raw.traffic === 'direct' && raw.egress !== undefined) {
    problems.add(
      [...path, 'traffic'],
      'expected proxied beside egress: workers would go straight, and the proxy is the way of the gateway alone',
    );
  }
  if (raw.unsafe_direct_writes === true && raw.traffic !== 'direct') {
    problems.add([...path, 'unsafe_direct_writes'], 'expected traffic: direct beside it', 'key');
  }
  return raw.traffic ?? 'proxied';
}

const EGRESS = /^(https?|socks5h?):\/\/(\[[0-9a-f:.]+\]|[a-z0-9._-]+):(\d{1,5})\/?$/i;

/** The proxy's port has no default: 1080, 3128 and 8080 are all common, and a wrong guess is hard to see. */
function toEgress(path: ConfigPath, raw: RawStore, directory: string, problems: Problems): Egress | null {
  const { egress, egress_credentials: credentials } = raw;
  if (egress === undefined) {
    if (credentials !== undefined) problems.add([...path, 'egress_credentials'], 'expected egress beside it', 'key');
    return null;
  }
  const [, scheme = '', host = '', port = ''] = EGRESS.exec(egress) ?? [];
  if (scheme === '' || Number(port) < 1 || Number(port) > 65_535) {
    problems.add(
      [...path, 'egress'],
      'expected http[s]://HOST:PORT or socks5://HOST:PORT, without a user: that belongs in egress_credentials',
    );
    return null;
  }
  return {
    kind: scheme.toLowerCase().startsWith('socks') ? 'socks5' : 'connect',
    secure: scheme.toLowerCase() === 'https',
    host: host.replace(/^\[|\]$/g, '').toLowerCase(),
    port: Number(port),
    credentials:
      credentials === undefined
        ? null
        : {
            username: toAbsoluteRef(credentials.username, directory),
            password: toAbsoluteRef(credentials.password, directory),
          },
  };
}

function toEncryption(path: ConfigPath, raw: RawStore['encryption'], problems: Problems): ProviderStore['encryption'] {
  if (raw === undefined) return null;
  if (raw.kms_key_id !== undefined && raw.algorithm !== 'aws:kms') {
    problems.add([...path, 'encryption', 'kms_key_id'], 'expected algorithm aws:kms beside a KMS key');
  }
  return { algorithm: raw.algorithm, kmsKeyId: raw.kms_key_id ?? null };
}

function toKmsEndpoint(path: ConfigPath, raw: string | undefined, problems: Problems): string | null {
  if (raw === undefined) return null;
  const endpoint = parseEndpoint(raw);
  if (endpoint === null) problems.add([...path, 'kms_endpoint'], 'expected http[s]://HOST[:PORT]');
  return endpoint?.origin ?? null;
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
