/** PUT, DELETE and the tags of an object. */
import { PUT_RULE } from '../rules/body-checksum.ts';
import { checkWriteConditions } from '../rules/conditions.ts';
import { checkKey } from '../rules/object-key.ts';
import { checkPutRequest, checkTags } from '../rules/put-request.ts';
import { noSuchKey } from '../rules/refusals.ts';
import type { Store, WriteConditions } from '../store.ts';
import { requireBucket, toDisposal } from './engine.ts';
import type { Disposal, Engine } from './engine.ts';
import type { View } from './group-commit.ts';
import { objectKey } from './index-keys.ts';
import type { Change } from './object-index.ts';
import { discardBody, keepBody, receiveBody } from './receive-body.ts';
import { buildObjectRecord, parseObjectRecord, printObjectRecord } from './records.ts';
import type { ObjectRecord } from './records.ts';

interface Place {
  readonly bucket: string;
  readonly key: string;
}

export function findObject(view: Pick<View, 'read'>, { bucket, key }: Place): ObjectRecord | undefined {
  const text = view.read(objectKey(bucket, key));
  return text === undefined ? undefined : parseObjectRecord(text);
}

/** Checks bucket and conditions. @returns what stands at the key now. @throws no_such_bucket, no_such_key, precondition_failed */
function checkPlace(view: Pick<View, 'read'>, place: Place, conditions: WriteConditions): ObjectRecord | undefined {
  requireBucket(view, place.bucket);
  const before = findObject(view, place);
  checkWriteConditions(conditions, place.bucket, place.key, before?.etag);
  return before;
}

/** Inside a transaction: puts the record at its key, in place of what was there. */
export function toReplacement(
  view: Pick<View, 'read'>,
  place: Place,
  conditions: WriteConditions,
  record: ObjectRecord,
): Disposal {
  const before = checkPlace(view, place, conditions);
  const disposal = before === undefined ? undefined : toDisposal(view, before.data);
  const change: Change = { key: objectKey(place.bucket, place.key), value: printObjectRecord(record) };
  return { changes: [change, ...(disposal?.changes ?? [])], files: disposal?.files ?? [] };
}

export function createObjectWrites(engine: Engine): Pick<Store, 'put' | 'delete' | 'getTags' | 'putTags'> {
  const { index, commits, files, now } = engine;
  return {
    put: async (request, body) => {
      checkPutRequest(request);
      // Evaluated again when it counts; here it saves the writing of what is going to be refused.
      checkPlace(index, request, request);
      const { signal } = request;
      const received = await receiveBody(engine, body, { signal, rule: PUT_RULE, place: 'inline-if-small' });
      const { etag, kept: checksum } = received;
      try {
        const record = buildObjectRecord(
          request,
          { sizeBytes: received.sizeBytes, etag, data: received.data, checksum },
          now(),
        );
        const unwanted = await commits.commit((view) => {
          signal?.throwIfAborted();
          const { changes, files: before } = toReplacement(view, request, request, record);
          return { changes: [received.change, ...changes], result: before };
        });
        keepBody(engine, received);
        files.release(unwanted);
      } catch (error) {
        discardBody(engine, received);
        throw error;
      }
      return { etag, ...(checksum && { checksum }) };
    },
    delete: async (place) => {
      checkKey(place.key);
      const conditions = place.ifMatch === undefined ? {} : { ifMatch: place.ifMatch };
      if (checkPlace(index, place, conditions) === undefined) {
        // No fsync for what is not there. A put that is under way is concurrent, so before it is a right moment too.
        return;
      }
      const unwanted = await commits.commit<readonly string[]>((view) => {
        const before = checkPlace(view, place, conditions);
        if (before === undefined) {
          return { changes: [], result: [] };
        }
        const disposal = toDisposal(view, before.data);
        const gone: Change = { key: objectKey(place.bucket, place.key), value: undefined };
        return { changes: [gone, ...disposal.changes], result: disposal.files };
      });
      files.release(unwanted);
    },
    getTags: async (place) => {
      checkKey(place.key);
      requireBucket(index, place.bucket);
      const record = findObject(index, place);
      if (record === undefined) {
        throw noSuchKey(place.bucket, place.key);
      }
      return record.tags;
    },
    putTags: async (place, tags) => {
      checkKey(place.key);
      checkTags(tags);
      await commits.commit((view) => {
        requireBucket(view, place.bucket);
        const record = findObject(view, place);
        if (record === undefined) {
          throw noSuchKey(place.bucket, place.key);
        }
        const value = printObjectRecord({ ...record, tags: { ...tags } });
        return { changes: [{ key: objectKey(place.bucket, place.key), value }], result: undefined };
      });
    },
  };
}
