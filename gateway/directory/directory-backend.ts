/**
 * Serves a Store as S3: for `waybill store`, and for the gateway's stores that are directories. One file an operation group in
 * `directory/`. What is not in the table is not offered; the listener has checked signature, policy and body before.
 */
import type { ServerResponse } from 'node:http';
import type { Operation } from '../../core/traffic.ts';
import type { Store } from '../../stores/store.ts';
import type { Accel } from './accel.ts';
import type { Backend, VerifiedRequest } from '../backend.ts';
import { getObjectAttributes } from './attributes.ts';
import {
  createBucket,
  deleteBucket,
  getBucketLocation,
  getBucketVersioning,
  headBucket,
  listBuckets,
} from './buckets.ts';
import { copyObject } from './copy-object.ts';
import { uploadPartCopy } from './copy-part.ts';
import { deleteObject } from './delete-object.ts';
import { deleteObjects } from './delete-objects.ts';
import { listObjects } from './list-objects.ts';
import { listObjectsV2 } from './list-objects-v2.ts';
import { abortUpload, completeUpload, createUpload, uploadPart } from './multipart.ts';
import { listParts } from './list-parts.ts';
import { listUploads } from './list-uploads.ts';
import { listVersions } from './list-versions.ts';
import { checkExpectedOwner } from './owner.ts';
import { putObject } from './put-object.ts';
import { getObject, headObject } from './read-object.ts';
import { deleteTagging, getTagging, putTagging } from './tagging.ts';

export interface HandlerContext {
  readonly store: Store;
  readonly region: string;
  /** Hands objects over to the nginx in front; absent: none. */
  readonly accel?: Accel | undefined;
}

export type Handler = (context: HandlerContext, request: VerifiedRequest, response: ServerResponse) => Promise<void>;

const HANDLERS: Readonly<Record<Operation, Handler>> = {
  ListBuckets: listBuckets,
  HeadBucket: headBucket,
  CreateBucket: createBucket,
  DeleteBucket: deleteBucket,
  GetBucketLocation: getBucketLocation,
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  HeadObject: headObject,
  GetObject: getObject,
  PutObject: putObject,
  DeleteObject: deleteObject,
  DeleteObjects: deleteObjects,
  CreateMultipartUpload: createUpload,
  UploadPart: uploadPart,
  CompleteMultipartUpload: completeUpload,
  AbortMultipartUpload: abortUpload,
  ListMultipartUploads: listUploads,
  ListParts: listParts,
  GetObjectTagging: getTagging,
  PutObjectTagging: putTagging,
  DeleteObjectTagging: deleteTagging,
  CopyObject: copyObject,
  UploadPartCopy: uploadPartCopy,
  GetObjectAttributes: getObjectAttributes,
  GetBucketVersioning: getBucketVersioning,
  ListObjectVersions: listVersions,
};

/** The store stays the caller's: closing the backend does not close it. */
export function createDirectoryBackend(context: HandlerContext): Backend {
  return {
    keepsUploads: true,
    handle: async (request, response) => {
      checkExpectedOwner(request);
      await HANDLERS[request.target.operation](context, request, response);
    },
    close: async () => undefined,
  };
}
