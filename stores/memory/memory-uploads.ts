/** Multipart uploads of the memory store. What a completed upload returned is remembered, so that completing again returns it. */
import { randomBytes } from 'node:crypto';
import type { ETag } from '../../core/ids.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import { toMultipartEtag } from '../rules/multipart-etag.ts';
import { checkPartNumber, chooseParts, toNamedParts } from '../rules/part-list.ts';
import { checkPutRequest } from '../rules/put-request.ts';
import { noSuchUpload } from '../rules/refusals.ts';
import type { OpenUpload, PutRequest, Store, UploadRef, WriteConditions } from '../store.ts';
import { readBody } from './read-body.ts';

interface Upload extends OpenUpload {
  readonly request: PutRequest;
  readonly parts: Map<number, { partNumber: number; etag: ETag; sizeBytes: number; bytes: Uint8Array }>;
}

interface Surroundings {
  readonly commit: (request: PutRequest, conditions: WriteConditions, bytes: Uint8Array, etag: ETag) => void;
  readonly requireBucket: (bucket: string) => void;
  readonly now: () => number;
}

type UploadOperations = Pick<Store, 'createUpload' | 'uploadPart' | 'completeUpload' | 'abortUpload' | 'listParts'>;

export interface MemoryUploads {
  readonly operations: UploadOperations;
  list(bucket: string, prefix: string): OpenUpload[];
  /** Drops all uploads of a bucket that is being deleted. */
  forget(bucket: string): void;
}

export function createMemoryUploads({ commit, requireBucket, now }: Surroundings): MemoryUploads {
  const open = new Map<string, Upload>();
  const completed = new Map<string, { bucket: string; key: string; etag: ETag }>();

  const find = ({ bucket, key, uploadId }: UploadRef): Upload => {
    requireBucket(bucket);
    const upload = open.get(uploadId);
    if (upload?.request.bucket !== bucket || upload.key !== key) {
      throw noSuchUpload(bucket, key, uploadId);
    }
    return upload;
  };

  const operations: UploadOperations = {
    createUpload: async (request) => {
      checkPutRequest(request);
      requireBucket(request.bucket);
      const uploadId = randomBytes(16).toString('hex');
      open.set(uploadId, { key: request.key, uploadId, initiatedMs: now(), request, parts: new Map() });
      return { uploadId };
    },
    uploadPart: async (ref, partNumber, body) => {
      checkPartNumber(partNumber);
      find(ref);
      const { bytes, etag } = await readBody(body, ref.signal);
      find(ref).parts.set(partNumber, { partNumber, etag, sizeBytes: bytes.byteLength, bytes });
      return { etag };
    },
    completeUpload: async (ref, parts) => {
      requireBucket(ref.bucket);
      const named = toNamedParts(parts);
      const etag = toMultipartEtag(named.map((part) => part.etag));
      const before = completed.get(ref.uploadId);
      if (before?.bucket === ref.bucket && before.key === ref.key && before.etag === etag) {
        return { etag };
      }
      const upload = find(ref);
      const chosen = chooseParts(named, (partNumber) => upload.parts.get(partNumber));
      commit(upload.request, ref, Buffer.concat(chosen.map((part) => part.bytes)), etag);
      open.delete(ref.uploadId);
      completed.set(ref.uploadId, { bucket: ref.bucket, key: ref.key, etag });
      return { etag };
    },
    abortUpload: async (ref) => {
      find(ref);
      open.delete(ref.uploadId);
    },
    listParts: async (ref) =>
      [...find(ref).parts.values()]
        .map(({ partNumber, etag, sizeBytes }) => ({ partNumber, etag, sizeBytes }))
        .sort((a, b) => a.partNumber - b.partNumber),
  };
  return {
    operations,
    list: (bucket, prefix) =>
      [...open.values()]
        .filter((upload) => upload.request.bucket === bucket && upload.key.startsWith(prefix))
        .map(({ key, uploadId, initiatedMs }) => ({ key, uploadId, initiatedMs }))
        .sort((a, b) => compareUtf8(a.key, b.key) || a.initiatedMs - b.initiatedMs),
    forget: (bucket) => {
      for (const upload of open.values()) {
        if (upload.request.bucket === bucket) {
          open.delete(upload.uploadId);
        }
      }
    },
  };
}
