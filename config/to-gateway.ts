/** The section `gateway:` with its defaults applied. */
import { resolve } from 'node:path';
import { MiB } from '../core/limits.ts';
import type { GatewayConfig, GatewayLimits, ListenAddress, WorkloadKey, SecretRef } from './config.ts';
import { checkBucketName } from './bucket-name.ts';
import { toAbsoluteRef } from './file-reference.ts';
import { isLoopbackHost, parseListenAddress } from './listen-address.ts';
import { isNetwork } from './network.ts';
import { parseDurationMs } from './parse-duration.ts';
import { parseInstant } from './parse-instant.ts';
import { parseSizeBytes } from './parse-size.ts';
import type { ConfigPath, Problems } from './problems.ts';
import type { RawGateway } from './schema.ts';

const LISTEN: ListenAddress = { host: '127.0.0.1', port: 9000 };
/** A whole object of 5 GiB at 6 MB/s; one that brings nothing for a while is cut by `idle_limit` long before. */
const REQUEST_LIMIT_MS = 15 * 60_000;

export const DEFAULT_LIMITS: GatewayLimits = {
  /** Beside as many to the providers it stays far below the files that a process may usually open. */
  connectionsMax: 4096,
  /** A worker has 64; a whole cluster of them may sit behind one address. */
  connectionsPerAddressMax: 1024,
  memoryBytes: 256 * MiB,
  idleLimitMs: 60_000,
};

export function toGateway(
  raw: RawGateway,
  stores: ReadonlySet<string>,
  directory: string,
  problems: Problems,
): GatewayConfig {
  const path = ['gateway'];
  const listen = toListen([...path, 'listen'], raw.listen, problems) ?? LISTEN;
  const allowInsecureHttp = raw.allow_insecure_http ?? false;
  if (!isLoopbackHost(listen.host) && raw.tls === undefined && !allowInsecureHttp) {
    problems.add(
      [...path, 'listen'],
      'expected tls, or allow_insecure_http: true, to listen beyond loopback: signed requests can be replayed',
    );
  }
  const adminListen = toListen([...path, 'admin_listen'], raw.admin_listen, problems);
  const adminTls = raw.admin_tls ?? false;
  if (adminTls && raw.tls === undefined) problems.add([...path, 'admin_tls'], 'expected tls beside it');
  if (raw.admin_token !== undefined && adminListen !== null && !isLoopbackHost(adminListen.host)) {
    if (!adminTls && !allowInsecureHttp) {
      problems.add(
        [...path, 'admin_token'],
        'expected admin_tls: true, or allow_insecure_http: true, beyond loopback: a bearer token can be read and used again',
      );
    }
  }
  checkNetworks([...path, 'trusted_proxies'], raw.trusted_proxies, problems);
  return {
    listen,
    adminListen,
    adminToken: raw.admin_token === undefined ? null : toAbsoluteRef(raw.admin_token, directory),
    adminTls,
    allowInsecureHttp,
    tls:
      raw.tls === undefined
        ? null
        : { certFile: resolve(directory, raw.tls.cert_file), keyFile: resolve(directory, raw.tls.key_file) },
    region: raw.region ?? 'us-east-1',
    keys: toKeys(raw, stores, directory, problems),
    uploadBytesMax: raw.upload_size_max === undefined ? 64 * MiB : parseSizeBytes(raw.upload_size_max),
    requestLimitMs: raw.request_limit === undefined ? REQUEST_LIMIT_MS : parseDurationMs(raw.request_limit),
    limits: toLimits(raw.limits ?? {}),
    accessLog: raw.access_log ?? 'all',
    explain: raw.explain ?? false,
    trustedProxies: raw.trusted_proxies ?? [],
    sessionSecret: raw.session_secret === undefined ? null : toAbsoluteRef(raw.session_secret, directory),
  };
}

function toLimits(raw: NonNullable<RawGateway['limits']>): GatewayLimits {
  return {
    connectionsMax: raw.connections_max ?? DEFAULT_LIMITS.connectionsMax,
    connectionsPerAddressMax: raw.connections_per_address_max ?? DEFAULT_LIMITS.connectionsPerAddressMax,
    memoryBytes: raw.memory === undefined ? DEFAULT_LIMITS.memoryBytes : parseSizeBytes(raw.memory),
    idleLimitMs: raw.idle_limit === undefined ? DEFAULT_LIMITS.idleLimitMs : parseDurationMs(raw.idle_limit),
  };
}

function checkNetworks(path: ConfigPath, networks: readonly string[] | undefined, problems: Problems): void {
  for (const [index, network] of (networks ?? []).entries()) {
    if (!isNetwork(network)) {
      problems.add([...path, index], 'expected an IPv4 or IPv6 address or a CIDR block such as 10.0.0.0/8');
    }
  }
}

/** Null when absent or not an address, which `problems` then tells. */
export function toListen(path: ConfigPath, raw: string | undefined, problems: Problems): ListenAddress | null {
  if (raw === undefined) return null;
  const address = parseListenAddress(raw);
  if (address === null) problems.add(path, 'expected HOST:PORT, [IPV6]:PORT, with a port of 0 to 65535');
  return address;
}

function toKeys(raw: RawGateway, stores: ReadonlySet<string>, directory: string, problems: Problems): WorkloadKey[] {
  const seen = new Set<string>();
  return Object.entries(raw.keys ?? {}).map(([name, key]) => {
    const path = ['gateway', 'keys', name];
    if (!stores.has(key.store)) {
      problems.add(
        [...path, 'store'],
        `expected the name of a store of this file: ${[...stores].join(', ') || 'it has none'}`,
      );
    }
    const accessKeyId = toAbsoluteRef(key.access_key_id, directory);
    if (seen.has(accessKeyId)) {
      problems.add(
        [...path, 'access_key_id'],
        'expected an access key id of its own: it decides which store a request goes to',
      );
    }
    seen.add(accessKeyId);
    for (const [index, bucket] of (key.buckets ?? []).entries()) {
      const expected = checkBucketName(bucket);
      if (expected !== null) problems.add([...path, 'buckets', index], expected);
    }
    if (key.session === true && raw.session_secret === undefined) {
      problems.add([...path, 'session'], 'expected gateway.session_secret beside it, which seals session tokens');
    }
    checkNetworks([...path, 'source_networks'], key.source_networks, problems);
    const expiresAt = key.expires === undefined ? null : parseInstant(key.expires);
    if (key.expires !== undefined && expiresAt === null) {
      problems.add([...path, 'expires'], 'expected an instant with its zone, such as 2027-01-31T00:00:00Z');
    }
    const secrets = typeof key.secret_access_key === 'string' ? [key.secret_access_key] : key.secret_access_key;
    return {
      name,
      accessKeyId,
      secretAccessKeys: secrets.map((ref) => toAbsoluteRef(ref, directory)),
      store: key.store,
      operations: [...new Set(key.operations)],
      buckets: key.buckets ?? [],
      prefixes: key.prefixes ?? [],
      allowUnsignedPayload: key.allow_unsigned_payload ?? false,
      upload: key.upload ?? false,
      bearerSha256: toBearerSha256(key.bearer_sha256, directory),
      sign: key.sign ?? false,
      session: key.session ?? false,
      expiresAt,
      sourceNetworks: key.source_networks ?? [],
    };
  });
}

/** The hash itself, or a reference to it. */
function toBearerSha256(text: string | undefined, directory: string): string | null {
  if (text === undefined || !text.includes(':')) return text ?? null;
  return toAbsoluteRef(text as SecretRef, directory);
}
