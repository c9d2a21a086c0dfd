/**
 * A copy out of one store into another by the gateway that both are reached through (gateway/relay): CopyObject, whose source is a
 * presigned GetObject. The bytes do not come here.
 */
import type { TrafficListener } from '../../core/traffic.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { presignRequest } from '../../sigv4/presign.ts';
import { createSigningKeyCache } from '../../sigv4/signing-key.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { UNSIGNED_PAYLOAD } from '../../sigv4/limits.ts';
import type { AnswerHeaders } from '../../http1/exchange.ts';
import type { CopyFromRequest, PutResult, ReadGrant } from '../store.ts';
import { buildTarget, type Endpoint } from './call-target.ts';
import { printETag } from './etag-text.ts';
import { buildConditions, buildEncryptionHeaders, parseWrittenETag } from './object-headers.ts';
import type { S3Call } from './s3-call.ts';
import type { S3Client } from './s3-client.ts';
import { headerText } from './s3-failure.ts';
import { versionOf } from './write-object.ts';

/** One credential a store, a key a day: enough for a rotation at midnight. */
const SIGNING_KEYS_MAX = 8;

/** Says that the body, which is read elsewhere, need not be signed for. */
const UNSIGNED_NOTHING = { payloadHash: UNSIGNED_PAYLOAD, sizeBytes: 0, content: new Uint8Array(0) };

export interface GrantOptions {
  readonly endpoint: Endpoint;
  readonly region: string;
  readonly credentials: () => Promise<Credentials> | Credentials;
  readonly now: () => Date;
  readonly requestLimitMs: number;
  readonly onTraffic: TrafficListener;
}

/** The grant holds as long as a request may take: nobody begins to write by it when whoever asked has given up. */
export function createGrantRead(options: GrantOptions): (place: { bucket: string; key: string }) => Promise<ReadGrant> {
  const { endpoint, region, credentials, now, onTraffic } = options;
  const keyCache = createSigningKeyCache(SIGNING_KEYS_MAX);
  const expiresSeconds = Math.max(1, Math.floor(options.requestLimitMs / 1000));
  const onRead = (bytes: number): void => onTraffic('GetObject', bytes, 0);
  return async ({ bucket, key }) => {
    const target = buildTarget(endpoint, { bucket, key });
    const held = credentials();
    const presigned = presignRequest(nodeCrypto, {
      request: { method: 'GET', path: target.path, query: '', headers: [['host', target.host]] },
      credentials: held instanceof Promise ? await held : held,
      region,
      service: 's3',
      pathRule: 's3',
      payloadHash: UNSIGNED_PAYLOAD,
      at: now(),
      expiresSeconds,
      keyCache,
    });
    return { source: presigned.target, onRead };
  };
}

/** @throws precondition_failed and no_such_key of either side; store_refused for an object that cannot be copied so */
export async function copyFrom(
  client: S3Client,
  request: CopyFromRequest,
  onTraffic: TrafficListener,
): Promise<PutResult> {
  const { grant } = request;
  const call: S3Call = {
    operation: 'CopyObject',
    method: 'PUT',
    bucket: request.bucket,
    key: request.key,
    headers: [
      ['x-amz-copy-source', grant.source],
      ['x-amz-copy-source-if-match', printETag(request.sourceETag)],
      ['x-amz-tagging-directive', request.withTags ? 'COPY' : 'REPLACE'],
      ...buildEncryptionHeaders(request.encryption ?? null),
      ...buildConditions(request),
    ],
    ...(request.isUnsigned === true && { body: UNSIGNED_NOTHING }),
    signal: request.signal,
    assertMayWrite: request.assertMayWrite,
    onAnswer: (headers) => countRequests(headers, grant, onTraffic),
  };
  const { headers } = await client.send(call);
  // The gateway begins its answer when the copy stands, so its head tells all.
  return { etag: parseWrittenETag(headers), ...versionOf(headers) };
}

/** What the gateway asked of the two stores, and they are paid for, by its own account; without one, as much as it may have asked. */
function countRequests(headers: AnswerHeaders | null, grant: ReadGrant, onTraffic: TrafficListener): void {
  const said = headers === null ? 'GetObject=0, PutObject=0' : (headerText(headers, 'x-waybill-requests') ?? '');
  const read = /(?:^|, )GetObject=(\d{1,15})/.exec(said)?.[1];
  const written = /(?:^|, )PutObject=(\d{1,15})/.exec(said)?.[1];
  if (read !== undefined) grant.onRead(Number(read));
  if (written !== undefined) onTraffic('PutObject', 0, Number(written));
}
