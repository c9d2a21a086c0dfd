/** The section `gateway:` with its defaults applied. */
import { resolve } from 'node:path';
import { MiB } from '../core/limits.ts';
import type { GatewayConfig, ListenAddress, WorkloadKey } from './config.ts';
import { checkBucketName } from './bucket-name.ts';
import { toAbsoluteRef } from './file-reference.ts';
import { isLoopbackHost, parseListenAddress } from './listen-address.ts';
import { parseDurationMs } from './parse-duration.ts';
import { parseSizeBytes } from './parse-size.ts';
import type { ConfigPath, Problems } from './problems.ts';
import type { RawGateway } from './schema.ts';

const LISTEN: ListenAddress = { host: '127.0.0.1', port: 9000 };

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
  return {
    listen,
    adminListen: toListen([...path, 'admin_listen'], raw.admin_listen, problems),
    allowInsecureHttp,
    tls:
      raw.tls === undefined
        ? null
        : { certFile: resolve(directory, raw.tls.cert_file), keyFile: resolve(directory, raw.tls.key_file) },
    region: raw.region ?? 'us-east-1',
    keys: toKeys(raw, stores, directory, problems),
    uploadBytesMax: raw.upload_size_max === undefined ? 64 * MiB : parseSizeBytes(raw.upload_size_max),
    requestLimitMs: raw.request_limit === undefined ? 30_000 : parseDurationMs(raw.request_limit),
  };
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
    return {
      name,
      accessKeyId,
      secretAccessKey: toAbsoluteRef(key.secret_access_key, directory),
      store: key.store,
      operations: [...new Set(key.operations)],
      buckets: key.buckets ?? [],
      prefixes: key.prefixes ?? [],
      allowUnsignedPayload: key.allow_unsigned_payload ?? false,
      upload: key.upload ?? false,
    };
  });
}
