/**
 * Multipart uploads. A part is a data file from the start; completing makes the files of the parts the segments of the object, so
 * it copies nothing and costs O(parts). What a completed upload returned is kept for a week, so that completing again, after an
 * answer that got lost, returns it.
 */
import { compareUtf8 } from '../../core/utf8-order.ts';
import { toPartRule } from '../rules/body-checksum.ts';
import { toMultipartEtag } from '../rules/multipart-etag.ts';
import { checkKey, checkText } from '../rules/object-key.ts';
import { checkPartNumber, chooseParts, toKeptParts, toNamedParts } from '../rules/part-list.ts';
import { checkPutRequest } from '../rules/put-request.ts';
import { noSuchUpload } from '../rules/refusals.ts';
import { buildMultipartChecksum, checkCompletion, checkUploadChecksum } from '../rules/upload-checksum.ts';
import { createUploadIds } from '../rules/upload-id.ts';
import type { OpenUpload, PutResult, Store, UploadRef, UploadedPart } from '../store.ts';
import { requireBucket } from './engine.ts';
import type { Engine } from './engine.ts';
import type { View } from './group-commit.ts';
import { completedKey, dataKey, partKey, segmentsKey, uploadKey, uploadsOf } from './index-keys.ts';
import { toReplacement } from './object-writes.ts';
import { packChecksum, unpackChecksum } from './packed-checksum.ts';
import { discardBody, keepBody, receiveBody } from './receive-body.ts';
import { buildObjectRecord, parseRecord, printRecord } from './records.ts';
import type { CompletedRecord, DataRef, PartRecord, UploadRecord } from './records.ts';
import { printSegments } from './segments.ts';
import { loadParts, toUploadDisposal } from './upload-parts.ts';

const UPLOAD_ID = /^[0-9a-f]{32}$/;

type UploadOperations = Pick<
  Store,
  'createUpload' | 'uploadPart' | 'completeUpload' | 'abortUpload' | 'listParts' | 'listUploads'
>;

/** @throws no_such_bucket, no_such_upload */
function findUpload(view: Pick<View, 'read'>, { bucket, key, uploadId }: UploadRef): UploadRecord {
  checkKey(key);
  requireBucket(view, bucket);
  const text = UPLOAD_ID.test(uploadId) ? view.read(uploadKey(bucket, key, uploadId)) : undefined;
  if (text === undefined) {
    throw noSuchUpload(bucket, key, uploadId);
  }
  return parseRecord<UploadRecord>(text);
}

const toWholeSeconds = (ms: number): number => Math.floor(ms / 1000) * 1000;

export function createUploads(engine: Engine): UploadOperations {
  const { index, commits, files, now, ids } = engine;
  const nextUploadId = createUploadIds();
  return {
    createUpload: async (request) => {
      checkPutRequest(request);
      checkUploadChecksum(request.checksum);
      const { bucket, key, headers, tags = {}, checksum } = request;
      const initiatedMs = now();
      const uploadId = nextUploadId(initiatedMs);
      const record: UploadRecord = { key, uploadId, initiatedMs, headers, tags, ...(checksum && { checksum }) };
      await commits.commit((view) => {
        requireBucket(view, bucket);
        return {
          changes: [{ key: uploadKey(bucket, key, uploadId), value: printRecord(record) }],
          result: undefined,
        };
      });
      return { uploadId };
    },
    uploadPart: async (upload, partNumber, body) => {
      checkPartNumber(partNumber);
      const rule = toPartRule(findUpload(index, upload).checksum);
      const received = await receiveBody(engine, body, { signal: upload.signal, rule, place: 'file' });
      const { etag, kept, beside } = received;
      try {
        const part: PartRecord = {
          id: received.data.id,
          sizeBytes: received.sizeBytes,
          etag,
          modifiedMs: toWholeSeconds(now()),
          ...(kept && { c: packChecksum(kept) }),
          ...(beside && { b: packChecksum(beside) }),
        };
        const unwanted = await commits.commit<readonly string[]>((view) => {
          findUpload(view, upload);
          const key = partKey(upload.uploadId, partNumber);
          const text = view.read(key);
          const before = text === undefined ? [] : [parseRecord<PartRecord>(text).id];
          const gone = before.map((id) => ({ key: dataKey(id), value: undefined }));
          return { changes: [received.change, { key, value: printRecord(part) }, ...gone], result: before };
        });
        keepBody(engine, received);
        files.release(unwanted);
      } catch (error) {
        discardBody(engine, received);
        throw error;
      }
      const checksum = beside ?? kept;
      return { etag, ...(checksum && { checksum }) };
    },
    completeUpload: async (upload, parts) => {
      const { bucket, key, uploadId } = upload;
      const named = toNamedParts(parts);
      const etag = toMultipartEtag(named.map((part) => part.etag));
      const objectId = ids.create();
      const { result, unwanted } = await commits.commit<Completion>(async (view) => {
        requireBucket(view, bucket);
        const before = findCompleted(view, upload, etag);
        if (before !== undefined) {
          return { changes: [], result: { result: before, unwanted: [] } };
        }
        const record = findUpload(view, upload);
        const uploaded = new Map((await loadParts(view, uploadId)).map((part) => [part.partNumber, part]));
        const chosen = chooseParts(named, (partNumber) => uploaded.get(partNumber));
        const sizeBytes = chosen.reduce((sum, part) => sum + part.sizeBytes, 0);
        const checksum = await buildMultipartChecksum(record.checksum, chosen);
        checkCompletion(upload, sizeBytes, checksum);
        const data: DataRef = { kind: 'segments', id: objectId };
        const object = buildObjectRecord(record, { sizeBytes, etag, data, checksum }, now());
        const replacement = toReplacement(view, upload, upload, object);
        const kept = new Set(chosen.map(({ id }) => id));
        const disposal = await toUploadDisposal(view, uploadKey(bucket, key, uploadId), uploadId, kept);
        const c = checksum && packChecksum(checksum);
        const completed: CompletedRecord = { bucket, key, etag, completedMs: now(), ...(c !== undefined && { c }) };
        return {
          changes: [
            ...replacement.changes,
            ...disposal.changes,
            { key: segmentsKey(objectId), value: printSegments(toKeptParts(record.checksum, chosen)) },
            { key: completedKey(uploadId), value: printRecord(completed) },
          ],
          result: {
            result: { etag, ...(checksum && { checksum }) },
            unwanted: [...replacement.files, ...disposal.files],
          },
        };
      });
      files.release(unwanted);
      return result;
    },
    abortUpload: async (upload) => {
      const unwanted = await commits.commit(async (view) => {
        findUpload(view, upload);
        const key = uploadKey(upload.bucket, upload.key, upload.uploadId);
        const disposal = await toUploadDisposal(view, key, upload.uploadId, new Set());
        return { changes: disposal.changes, result: disposal.files };
      });
      files.release(unwanted);
    },
    listParts: async (upload) => {
      findUpload(index, upload);
      const parts = await commits.commit(async (view) => ({
        changes: [],
        result: await loadParts(view, upload.uploadId),
      }));
      return parts.map(({ id: _id, beside: _beside, ...part }): UploadedPart => part);
    },
    listUploads: async ({ bucket, prefix }) => {
      checkText('prefix', prefix);
      requireBucket(index, bucket);
      const found: UploadRecord[] = [];
      for await (const [, value] of index.scanPrefix(uploadsOf(bucket, prefix))) {
        found.push(parseRecord<UploadRecord>(value));
      }
      return found
        .map(({ key, uploadId, initiatedMs, checksum, headers }): OpenUpload => ({
          key,
          uploadId,
          initiatedMs,
          ...(checksum && { checksum }),
          ...(headers.storageClass !== undefined && { storageClass: headers.storageClass }),
        }))
        .sort((a, b) => compareUtf8(a.key, b.key) || a.initiatedMs - b.initiatedMs);
    },
  };
}

interface Completion {
  readonly result: PutResult;
  readonly unwanted: readonly string[];
}

/** What this upload returned when it was completed before with the same parts. */
function findCompleted(view: View, { bucket, key, uploadId }: UploadRef, etag: string): PutResult | undefined {
  const text = UPLOAD_ID.test(uploadId) ? view.read(completedKey(uploadId)) : undefined;
  const completed = text === undefined ? undefined : parseRecord<CompletedRecord>(text);
  if (completed?.bucket !== bucket || completed.key !== key || completed.etag !== etag) {
    return undefined;
  }
  const checksum = unpackChecksum(completed.c);
  return { etag: completed.etag, ...(checksum && { checksum }) };
}
