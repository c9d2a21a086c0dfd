/** HEAD and GET. A body that lives in the index is returned whole; one in files is read as it is iterated. */
import { toByteRange } from '../rules/byte-range.ts';
import { checkReadConditions } from '../rules/conditions.ts';
import { checkKey } from '../rules/object-key.ts';
import { bodyCorrupt, noSuchKey, noSuchVersion } from '../rules/refusals.ts';
import { WholeBody } from '../rules/whole-body.ts';
import type { GetRequest, GetResult, ObjectRequest, Store } from '../store.ts';
import { requireBucket } from './engine.ts';
import type { Engine } from './engine.ts';
import { inlineKey, segmentsKey } from './index-keys.ts';
import { findObject } from './object-writes.ts';
import { parseRecord, toObjectInfo } from './records.ts';
import type { ObjectRecord, SegmentRecord } from './records.ts';
import { SegmentBody, toStretches } from './segment-body.ts';

/** Replacing an object between two reads of a get is rare; being replaced this often in a row means that the index is damaged. */
const TRIES = 100;

export function createObjectReads(engine: Engine): Pick<Store, 'head' | 'get'> {
  const read = (request: ObjectRequest): ObjectRecord => {
    checkKey(request.key);
    requireBucket(engine.index, request.bucket);
    const record = findObject(engine.index, request);
    if (record === undefined) {
      throw noSuchKey(request.bucket, request.key);
    }
    if (request.versionId !== undefined && request.versionId !== 'null') {
      throw noSuchVersion(request.bucket, request.key);
    }
    checkReadConditions(request, request.bucket, request.key, record.etag);
    return record;
  };
  return {
    head: async (request) => toObjectInfo(read(request)),
    get: async (request) => {
      // A batch is applied on another thread, so the second record may be gone although the first was there: then look again.
      for (let tries = 0; tries < TRIES; tries++) {
        const record = read(request);
        const result = openObject(engine, request, record);
        if (result !== undefined) {
          return result;
        }
      }
      throw bodyCorrupt('the index names bytes that it does not hold', { bucket: request.bucket, key: request.key });
    },
  };
}

/** Undefined when the object was replaced since its record was read. */
function openObject(engine: Engine, request: GetRequest, record: ObjectRecord): GetResult | undefined {
  const { data, sizeBytes } = record;
  const range = toByteRange(request.range, sizeBytes);
  const info = toObjectInfo(record);
  if (data.kind === 'inline') {
    const bytes = engine.index.readBytes(inlineKey(data.id));
    return bytes && { info, range, body: new WholeBody(bytes.subarray(range.first, range.first + range.lengthBytes)) };
  }
  const segments = data.kind === 'file' ? [{ id: data.id, sizeBytes }] : loadSegments(engine, data.id);
  return segments && { info, range, body: new SegmentBody(engine.files, toStretches(segments, range), request.signal) };
}

function loadSegments(engine: Engine, id: string): SegmentRecord[] | undefined {
  const text = engine.index.read(segmentsKey(id));
  return text === undefined ? undefined : parseRecord<SegmentRecord[]>(text);
}
