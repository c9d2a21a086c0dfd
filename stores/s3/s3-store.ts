/**
 * The Store port over S3's HTTP API: a thin client of our own for everything that runs often (docs/decisions/s3-client.md), the AWS
 * SDK for what runs rarely. It signs every request, follows no redirect and never retries, but for what reads and met a kept connection
 * that the store had closed.
 */
import type { TrafficListener } from '../../core/traffic.ts';
import type { Credentials } from '../../sigv4/types.ts';
import type { Store } from '../store.ts';
import { parseEndpoint } from './call-target.ts';
import type { Addressing } from './call-target.ts';
import { copyFrom, createGrantRead } from './copy-from.ts';
import { copyPart, measureFirstPart } from './copy-part.ts';
import { createControlPlane } from './control-plane.ts';
import type { HttpTransport } from './http-transport.ts';
import { listObjects } from './list-objects.ts';
import { LocalSigner } from './local-signer.ts';
import { listParts, listUploads } from './multipart-listing.ts';
import { abortUpload, completeUpload, createUpload, uploadPart } from './multipart.ts';
import { getObject, headObject } from './read-object.ts';
import type { RequestSigner } from './request-signer.ts';
import { S3Client } from './s3-client.ts';
import { getTags } from './tags.ts';
import { copyObject, deleteObject, putObject } from './write-object.ts';

export interface S3StoreOptions {
  /** As the configuration calls it; in the details of what goes wrong below HTTP. */
  readonly name: string;
  /** http(s)://HOST[:PORT] */
  readonly endpoint: string;
  readonly region: string;
  readonly addressing: Addressing;
  /** Asked before every request; whoever provides them refreshes and caches them. */
  readonly credentials: () => Promise<Credentials> | Credentials;
  /** Exactly once for each request that was sent. */
  readonly onTraffic?: TrafficListener;
  /** From the start of a request to the last byte of its answer. */
  readonly requestLimitMs: number;
  /** The longest silence within a body that is still alive. Default: 30 s. */
  readonly idleLimitMs?: number;
  readonly connectionsMax: number;
  readonly now?: () => Date;
  /** UNSIGNED-PAYLOAD for bodies of objects and parts. Default: false. */
  readonly unsignedPayload?: boolean;
  /** 'opaque' where ETags are never the MD5 of the bytes. */
  readonly etags: 'md5' | 'opaque';
  /** Connections shared with other stores of the same gateway, whose owner closes them. */
  readonly transport?: HttpTransport;
  /**
   * Instead of the credentials, for all but the rare operations of the control plane (buckets, writing tags): those go to the endpoint
   * with the credentials, and the others where this says.
   */
  readonly signer?: RequestSigner;
  /** The endpoint is a gateway of ours and the store behind it a provider's: it copies by itself from one such store to another. */
  readonly isRelayed?: boolean;
}

const IDLE_LIMIT_MS = 30_000;

/** @throws store_refused with s3Code InvalidEndpoint */
export function createS3Store(options: S3StoreOptions): Store {
  const onTraffic = options.onTraffic ?? (() => undefined);
  const unsignedPayload = options.unsignedPayload ?? false;
  const reading = { opaqueETags: options.etags === 'opaque' };
  const { region, credentials, now = () => new Date() } = options;
  const endpoint = parseEndpoint(options.endpoint, options.addressing);
  const client = new S3Client({
    ...options,
    signer: options.signer ?? new LocalSigner({ endpoint, region, credentials, now }),
    onTraffic,
    idleLimitMs: options.idleLimitMs ?? IDLE_LIMIT_MS,
  });
  const control = createControlPlane({ ...options, onTraffic });

  return {
    listBuckets: () => control.listBuckets(),
    createBucket: (bucket) => control.createBucket(bucket),
    deleteBucket: (bucket) => control.deleteBucket(bucket),
    async headBucket(bucket, signal) {
      await client.send({ operation: 'HeadBucket', method: 'HEAD', bucket, signal });
    },

    list: (request) => listObjects(client, request),
    head: (request) => headObject(client, request, reading),
    get: (request) => getObject(client, request, reading),
    put: (request, body) => putObject(client, request, body, unsignedPayload),
    copy: (request) => copyObject(client, request),
    ...(options.isRelayed === true && {
      grantRead: createGrantRead({ ...options, endpoint, now, onTraffic }),
      copyFrom: (request) => copyFrom(client, request, onTraffic),
    }),
    delete: (request) => deleteObject(client, request),

    createUpload: (request) => createUpload(client, request),
    uploadPart: (upload, partNumber, body) => uploadPart(client, upload, partNumber, body, unsignedPayload),
    copyPart: (request) => copyPart(client, request),
    measureFirstPart: (request) => measureFirstPart(client, request),
    completeUpload: (upload, parts) => completeUpload(client, upload, parts),
    abortUpload: (upload) => abortUpload(client, upload),
    listParts: (upload) => listParts(client, upload),
    listUploads: (request) => listUploads(client, request),

    getTags: (request) => getTags(client, request),
    putTags: (request, tags) => control.putTags(request, tags),

    async close() {
      await Promise.all([client.close(), control.close()]);
    },
  };
}
