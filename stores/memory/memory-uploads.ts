/** Multipart uploads of the memory store. What a completed upload returned is remembered, so that completing again returns it. */
import { compareUtf8 } from '../../core/utf8-order.ts';
import { toPartRule } from '../rules/body-checksum.ts';
import { toMultipartEtag } from '../rules/multipart-etag.ts';
import { checkPartNumber, chooseParts, toKeptParts, toNamedParts } from '../rules/part-list.ts';
import type { StoredPart } from '../rules/part-list.ts';
import { checkPutRequest } from '../rules/put-request.ts';
import { noSuchUpload } from '../rules/refusals.ts';
import { buildMultipartChecksum, checkCompletion, checkUploadChecksum } from '../rules/upload-checksum.ts';
import { createUploadIds } from '../rules/upload-id.ts';
import type {
  CreateUploadRequest,
  ObjectPart,
  OpenUpload,
  PutRequest,
  PutResult,
  Store,
  UploadRef,
  UploadedPart,
  WriteConditions,
} from '../store.ts';
import type { Content } from './create-memory-store.ts';
import { readBody } from './read-body.ts';

interface Upload extends OpenUpload {
  readonly request: CreateUploadRequest;
  readonly parts: Map<number, StoredPart & { readonly bytes: Uint8Array }>;
}

interface Surroundings {
  readonly commit: (request: PutRequest, conditions: WriteConditions, content: Content) => void;
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
  const nextUploadId = createUploadIds();
  const open = new Map<string, Upload>();
  const completed = new Map<string, { bucket: string; key: string; result: PutResult }>();

  const find = ({ bucket, key, uploadId }: UploadRef): Upload => {
    requireBucket(bucket);
    const upload = open.get(uploadId);
    if (upload?.request.bucket !== bucket || upload.key !== key) {
      throw noSuchUpload(bucket, key, uploadId);
    }
    return upload;
  };

  const findCompleted = ({ bucket, key, uploadId }: UploadRef, etag: string): PutResult | undefined => {
    const before = completed.get(uploadId);
    return before?.bucket === bucket && before.key === key && before.result.etag === etag ? before.result : undefined;
  };

  const operations: UploadOperations = {
    createUpload: async (request) => {
      checkPutRequest(request);
      checkUploadChecksum(request.checksum);
      requireBucket(request.bucket);
      const initiatedMs = now();
      const uploadId = nextUploadId(initiatedMs);
      const { key, checksum } = request;
      open.set(uploadId, {
        key,
        uploadId,
        initiatedMs,
        request,
        parts: new Map(),
        ...(checksum && { checksum }),
      });
      return { uploadId };
    },
    uploadPart: async (ref, partNumber, body) => {
      checkPartNumber(partNumber);
      const rule = toPartRule(find(ref).checksum);
      const { bytes, etag, kept, beside } = await readBody(body, rule, ref.signal);
      find(ref).parts.set(partNumber, {
        partNumber,
        etag,
        sizeBytes: bytes.byteLength,
        bytes,
        checksum: { algorithm: kept.algorithm, value: kept.value },
        ...(beside && { beside: { algorithm: beside.algorithm, value: beside.value } }),
        lastModifiedMs: Math.floor(now() / 1000) * 1000,
      });
      return { etag, checksum: beside ?? kept };
    },
    completeUpload: async (ref, parts) => {
      requireBucket(ref.bucket);
      const named = toNamedParts(parts);
      const etag = toMultipartEtag(named.map((part) => part.etag));
      const before = findCompleted(ref, etag);
      if (before !== undefined) {
        return before;
      }
      const upload = find(ref);
      const chosen = chooseParts(named, (partNumber) => upload.parts.get(partNumber));
      const bytes = Buffer.concat(chosen.map((part) => part.bytes));
      const checksum = await buildMultipartChecksum(upload.checksum, chosen);
      // While that was computed the same completion, or an abort, may have come first.
      const meanwhile = findCompleted(ref, etag);
      if (meanwhile !== undefined) {
        return meanwhile;
      }
      find(ref);
      checkCompletion(ref, bytes.byteLength, checksum);
      const kept = toKeptParts(upload.checksum, chosen).map(toObjectPart);
      commit(upload.request, ref, { bytes, etag, checksum, parts: kept });
      open.delete(ref.uploadId);
      const result: PutResult = { etag, ...(checksum && { checksum }) };
      completed.set(ref.uploadId, { bucket: ref.bucket, key: ref.key, result });
      return result;
    },
    abortUpload: async (ref) => {
      find(ref);
      open.delete(ref.uploadId);
    },
    listParts: async (ref) =>
      [...find(ref).parts.values()]
        .map(({ bytes: _bytes, beside: _beside, ...part }): UploadedPart => part)
        .sort((a, b) => a.partNumber - b.partNumber),
  };
  return {
    operations,
    list: (bucket, prefix) =>
      [...open.values()]
        .filter((upload) => upload.request.bucket === bucket && upload.key.startsWith(prefix))
        .map(({ request: { headers }, parts: _parts, ...upload }): OpenUpload => ({
          ...upload,
          ...(headers.storageClass !== undefined && { storageClass: headers.storageClass }),
        }))
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

const toObjectPart = ({ partNumber, sizeBytes, checksum }: UploadedPart): ObjectPart => ({
  partNumber,
  sizeBytes,
  ...(checksum && { checksum }),
});
