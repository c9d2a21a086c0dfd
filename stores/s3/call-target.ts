/**
 * Where a call goes: origin, host and target of the request, each encoded once. A key is never read as a path: `..`, `.` and `//`
 * go over the wire as they are.
 *
 * An empty key or bucket is refused here, for it would turn an operation on an object into one on its bucket: DELETE of the key ''
 * is DeleteBucket.
 */
import { encodeComponent, encodePath } from '../../sigv4/encode.ts';
import { printQuery } from '../../sigv4/canonical-query.ts';
import { checkKey } from '../rules/object-key.ts';
import { refused } from '../rules/refusals.ts';
import type { S3Call } from './s3-call.ts';

export type Addressing = 'path' | 'virtual';

export interface Endpoint {
  readonly protocol: string;
  /** With the port, where it is not the protocol's own. */
  readonly host: string;
  /** '' or a path without its last slash, for a store that is served below one. */
  readonly basePath: string;
  readonly addressing: Addressing;
}

export interface CallTarget {
  readonly origin: string;
  readonly host: string;
  readonly path: string;
  /** Without '?'. */
  readonly query: string;
}

// What may stand before the endpoint in a host name.
const HOST_LABELS = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/** @throws store_refused for what is no URL, or one with a query or credentials in it */
export function parseEndpoint(endpoint: string, addressing: Addressing): Endpoint {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '' || url.hash !== '') {
    throw refused('InvalidEndpoint', 400, 'the endpoint of a store is http(s)://HOST[:PORT] with nothing else in it');
  }
  return { protocol: url.protocol, host: url.host, basePath: url.pathname.replace(/\/$/, ''), addressing };
}

/** @throws store_refused for a bucket or a key that cannot be addressed */
export function buildTarget(endpoint: Endpoint, call: Pick<S3Call, 'bucket' | 'key' | 'query'>): CallTarget {
  const { bucket, key } = call;
  if (bucket === '' || bucket.includes('/'))
    throw refused('InvalidBucketName', 400, 'the bucket has no usable name', { bucket });
  if (key !== undefined) checkKey(key);
  const query = call.query === undefined ? '' : printQuery(call.query);
  const keyPath = key === undefined ? '' : encodePath(key);
  if (endpoint.addressing === 'path') {
    const path = `${endpoint.basePath}/${encodeComponent(bucket)}${key === undefined ? '' : '/'}${keyPath}`;
    return { origin: `${endpoint.protocol}//${endpoint.host}`, host: endpoint.host, path, query };
  }
  if (!HOST_LABELS.test(bucket)) {
    throw refused('InvalidBucketName', 400, 'the bucket cannot be part of a host name: use addressing: path', {
      bucket,
    });
  }
  const host = `${bucket}.${endpoint.host}`;
  return { origin: `${endpoint.protocol}//${host}`, host, path: `${endpoint.basePath}/${keyPath}`, query };
}
