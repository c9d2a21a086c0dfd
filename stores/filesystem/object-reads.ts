/** HEAD and GET. A body that lives in the index is returned whole; one in files is read as it is iterated. */
import { toByteRange } from '../rules/byte-range.ts';
import { checkReadConditions } from '../rules/conditions.ts';
import { checkKey } from '../rules/object-key.ts';
import { toPartRange } from '../rules/object-parts.ts';
import { bodyCorrupt, noSuchKey, noSuchVersion } from '../rules/refusals.ts';
import { WholeBody } from '../rules/whole-body.ts';
import type { GetRequest, GetResult, ObjectInfo, ObjectRequest, Store } from '../store.ts';
import { requireBucket } from './engine.ts';
import type { Engine } from './engine.ts';
import { inlineKey, segmentsKey } from './index-keys.ts';
import { findObject } from './object-writes.ts';
import { toObjectInfo } from './records.ts';
import type { ObjectRecord } from './records.ts';
import { SegmentBody, toStretches } from './segment-body.ts';
import { parseSegments, toObjectParts } from './segments.ts';
import type { Segment } from './segments.ts';

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
  /** A batch is applied on another thread, so a second record may be gone although the first was there: then it looks again. */
  const readWhole = <Request extends ObjectRequest, Result>(
    request: Request,
    open: (record: ObjectRecord) => Result | undefined,
  ): Result => {
    for (let tries = 0; tries < TRIES; tries++) {
      const result = open(read(request));
      if (result !== undefined) {
        return result;
      }
    }
    throw bodyCorrupt('the index names bytes that it does not hold', { bucket: request.bucket, key: request.key });
  };
  return {
    head: async (request) =>
      request.withParts === true
        ? readWhole(request, (record) => describeWithParts(engine, record))
        : toObjectInfo(read(request)),
    get: async (request) => readWhole(request, (record) => openObject(engine, request, record)),
  };
}

/** Undefined, as below, when the object was replaced since its record was read. */
function describeWithParts(engine: Engine, record: ObjectRecord): ObjectInfo | undefined {
  const info = toObjectInfo(record);
  if (record.data.kind !== 'segments') {
    return info;
  }
  const segments = loadSegments(engine, record.data.id);
  return segments && { ...info, parts: toObjectParts(segments) };
}

function openObject(engine: Engine, request: GetRequest, record: ObjectRecord): GetResult | undefined {
  const { data, sizeBytes } = record;
  const info = toObjectInfo(record);
  const segments = data.kind === 'segments' ? loadSegments(engine, data.id) : undefined;
  if (data.kind === 'segments' && segments === undefined) {
    return undefined;
  }
  const range =
    request.partNumber === undefined
      ? toByteRange(request.range, sizeBytes)
      : toPartRange(segments, sizeBytes, request.partNumber);
  if (data.kind === 'inline') {
    const bytes = engine.index.readBytes(inlineKey(data.id));
    return bytes && { info, range, body: new WholeBody(bytes.subarray(range.first, range.first + range.lengthBytes)) };
  }
  const stretches = toStretches(segments ?? [{ id: data.id, sizeBytes }], range);
  return { info, range, body: new SegmentBody(engine.files, stretches, request.signal) };
}

function loadSegments(engine: Engine, id: string): Segment[] | undefined {
  const text = engine.index.read(segmentsKey(id));
  return text === undefined ? undefined : parseSegments(text);
}
