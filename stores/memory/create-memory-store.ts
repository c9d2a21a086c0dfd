/**
 * The model of the Store port: objects in a map, every rule in its plainest form, no concern for speed. The other adapters are
 * compared with it under random sequences of operations, so what it does is what the port means. For tests and for scratch
 * work in one process; a listing sorts the whole bucket.
 */
import type { ObjectChecksum } from '../../core/checksums.ts';
import type { ETag } from '../../core/ids.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import { PUT_RULE } from '../rules/body-checksum.ts';
import { checkBucketName } from '../rules/bucket-name.ts';
import { toByteRange } from '../rules/byte-range.ts';
import { checkReadConditions, checkWriteConditions } from '../rules/conditions.ts';
import { toPartRange } from '../rules/object-parts.ts';
import { checkKey, checkText } from '../rules/object-key.ts';
import { checkPutRequest, checkTags } from '../rules/put-request.ts';
import { noSuchBucket, noSuchKey, noSuchVersion, refused } from '../rules/refusals.ts';
import { WholeBody } from '../rules/whole-body.ts';
import type { ObjectInfo, ObjectPart, ObjectRequest, PutRequest, Store, WriteConditions } from '../store.ts';
import { buildListPage } from './build-list-page.ts';
import { createMemoryUploads } from './memory-uploads.ts';
import { readBody } from './read-body.ts';

export interface StoredObject {
  readonly bytes: Uint8Array;
  readonly info: ObjectInfo;
  /** Of an object that was made of parts. */
  readonly parts: readonly ObjectPart[] | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/** What an object is, beside what its request says of it. */
export interface Content {
  readonly bytes: Uint8Array;
  readonly etag: ETag;
  readonly checksum: ObjectChecksum | undefined;
  readonly parts?: readonly ObjectPart[];
}

export interface MemoryBucket {
  readonly createdMs: number;
  readonly objects: Map<string, StoredObject>;
}

/** @param now milliseconds since the epoch; by default the clock */
export function createMemoryStore(now: () => number = Date.now): Store {
  const buckets = new Map<string, MemoryBucket>();

  const find = (name: string): MemoryBucket => {
    const bucket = buckets.get(name);
    if (bucket === undefined) {
      throw noSuchBucket(name);
    }
    return bucket;
  };
  const findObject = (bucket: string, key: string): StoredObject => {
    checkKey(key);
    const object = find(bucket).objects.get(key);
    if (object === undefined) {
      throw noSuchKey(bucket, key);
    }
    return object;
  };
  const read = (request: ObjectRequest): StoredObject => {
    const object = findObject(request.bucket, request.key);
    if (request.versionId !== undefined && request.versionId !== 'null') {
      throw noSuchVersion(request.bucket, request.key);
    }
    checkReadConditions(request, request.bucket, request.key, object.info.etag);
    return object;
  };
  const check = (request: { bucket: string; key: string } & WriteConditions): void =>
    checkWriteConditions(
      request,
      request.bucket,
      request.key,
      find(request.bucket).objects.get(request.key)?.info.etag,
    );

  /** The moment when an object becomes visible: conditions and effect in one step. */
  const commit = (request: PutRequest, conditions: WriteConditions, content: Content): void => {
    const { bucket, key } = request;
    check({ bucket, key, ...conditions });
    find(bucket).objects.set(key, toStored(request, content, now()));
  };
  const uploads = createMemoryUploads({ commit, requireBucket: (name) => void find(name), now });

  return {
    listBuckets: async () =>
      [...buckets].map(([name, { createdMs }]) => ({ name, createdMs })).sort((a, b) => compareUtf8(a.name, b.name)),
    headBucket: async (bucket) => void find(bucket),
    createBucket: async (name) => {
      checkBucketName(name);
      if (buckets.has(name)) {
        throw refused('BucketAlreadyOwnedByYou', 409, 'the bucket exists', { bucket: name });
      }
      buckets.set(name, { createdMs: now(), objects: new Map() });
    },
    deleteBucket: async (name) => {
      if (find(name).objects.size > 0) {
        throw refused('BucketNotEmpty', 409, 'the bucket holds objects', { bucket: name });
      }
      buckets.delete(name);
      uploads.forget(name);
    },
    list: async (request) => buildListPage(find(request.bucket), request),
    head: async (request) => {
      const { info, parts } = read(request);
      return request.withParts === true && parts !== undefined ? { ...info, parts } : info;
    },
    get: async (request) => {
      const { info, bytes, parts } = read(request);
      const range =
        request.partNumber === undefined
          ? toByteRange(request.range, info.sizeBytes)
          : toPartRange(parts, info.sizeBytes, request.partNumber);
      return { info, range, body: new WholeBody(bytes.slice(range.first, range.first + range.lengthBytes)) };
    },
    put: async (request, body) => {
      checkPutRequest(request);
      check(request);
      const { bytes, etag, kept: checksum } = await readBody(body, PUT_RULE, request.signal);
      commit(request, request, { bytes, etag, checksum });
      return { etag, checksum };
    },
    delete: async ({ bucket, key, ifMatch }) => {
      checkKey(key);
      check({ bucket, key, ...(ifMatch === undefined ? {} : { ifMatch }) });
      find(bucket).objects.delete(key);
    },
    ...uploads.operations,
    listUploads: async ({ bucket, prefix }) => {
      checkText('prefix', prefix);
      find(bucket);
      return uploads.list(bucket, prefix);
    },
    getTags: async ({ bucket, key }) => findObject(bucket, key).tags,
    putTags: async ({ bucket, key }, tags) => {
      checkTags(tags);
      const object = findObject(bucket, key);
      const info = { ...object.info, tagCount: Object.keys(tags).length };
      find(bucket).objects.set(key, { ...object, info, tags: { ...tags } });
    },
    close: async () => undefined,
  };
}

function toStored(request: PutRequest, { bytes, etag, checksum, parts }: Content, nowMs: number): StoredObject {
  const tags = { ...request.tags };
  const info: ObjectInfo = {
    ...request.headers,
    metadata: { ...request.headers.metadata },
    sizeBytes: bytes.byteLength,
    etag,
    lastModifiedMs: Math.floor(nowMs / 1000) * 1000,
    tagCount: Object.keys(tags).length,
    etagIsContentHash: true,
    ...(checksum && { checksum }),
    ...(parts && { partCount: parts.length }),
  };
  return { bytes, info, parts, tags };
}
