/**
 * Where a target is at its provider: the origin to connect to, the Host to sign, and the path. The key is encoded here from its
 * decoded form, exactly once, so that what the policy saw is what the provider serves.
 *
 * A bucket becomes part of a host name only when it is one DNS label; any other bucket is addressed by path, which every
 * provider still takes (AWS asks for it where a bucket has dots, since its certificate covers one label).
 */
import type { ProviderStore } from '../../config/config.ts';
import { WaybillError } from '../../core/failures.ts';
import { encodeComponent, encodePath } from '../../sigv4/encode.ts';

export interface ProviderAddress {
  /** scheme://host[:port] */
  readonly origin: string;
  readonly host: string;
  /** Percent-encoded, without query. */
  readonly path: string;
}

export type Addressing = Pick<ProviderStore, 'endpoint' | 'addressing'>;

const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** @throws invalid_request for a key that climbs out of its bucket; S3 refuses it too */
export function toProviderAddress(store: Addressing, bucket: string, key: string): ProviderAddress {
  if (climbs(key)) throw climbing();
  const split = store.endpoint.indexOf('://') + 3;
  const host = store.endpoint.slice(split);
  if (bucket === '') return { origin: store.endpoint, host, path: '/' };
  const keyPath = key === '' ? '' : `/${encodePath(key)}`;
  if (store.addressing === 'virtual' && DNS_LABEL.test(bucket)) {
    const bucketHost = `${bucket}.${host}`;
    return {
      origin: store.endpoint.slice(0, split) + bucketHost,
      host: bucketHost,
      path: keyPath === '' ? '/' : keyPath,
    };
  }
  return { origin: store.endpoint, host, path: `/${encodeComponent(bucket)}${keyPath}` };
}

/**
 * True when some ".." has nothing left to climb from. Keys are opaque to us, but a provider behind a proxy that folds paths would
 * be asked for another bucket. S3's own rule is the same: read from the left, there is never a ".." more than names.
 */
export function climbs(key: string): boolean {
  if (!key.includes('..')) return false;
  let depth = 0;
  for (const segment of key.split('/')) {
    if (segment === '..') depth -= 1;
    else if (segment !== '.' && segment !== '') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}

export const climbing = (): WaybillError =>
  new WaybillError('invalid_request', 'the key has more ".." than names before them', {
    s3Code: 'InvalidURI',
    status: 400,
  });
