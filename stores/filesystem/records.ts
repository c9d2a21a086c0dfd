/**
 * The values of the index, as JSON. Only what a listing or a HEAD reads stands in an ObjectRecord. What a field was added for may
 * be absent in a record that was written before.
 */
import type { ObjectChecksum } from '../../core/checksums.ts';
import type { ETag } from '../../core/ids.ts';
import type { ObjectHeaders, ObjectInfo, UploadChecksum } from '../store.ts';
import { packChecksum, unpackChecksum } from './packed-checksum.ts';

/** Where the bytes are: in the index itself, in one file, or in the files of several parts. */
export interface DataRef {
  readonly kind: 'inline' | 'file' | 'segments';
  readonly id: string;
}

export interface ObjectRecord {
  readonly sizeBytes: number;
  readonly etag: ETag;
  /** Whole seconds, as S3 tells them. */
  readonly modifiedMs: number;
  readonly data: DataRef;
  readonly checksum: ObjectChecksum | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

export interface BucketRecord {
  readonly createdMs: number;
}
/** One file of an object made of parts, in order: up to 10,000 of them in one record. */
export interface SegmentRecord {
  readonly id: string;
  readonly sizeBytes: number;
  /** The part's number; absent where it is one more than that of the segment before, the first being 1. */
  readonly n?: number;
  /** The part's checksum, packed. */
  readonly c?: string;
}
export interface UploadRecord {
  readonly key: string;
  readonly uploadId: string;
  readonly initiatedMs: number;
  readonly headers: ObjectHeaders;
  readonly tags: Readonly<Record<string, string>>;
  readonly checksum?: UploadChecksum;
}
export interface PartRecord {
  readonly id: string;
  readonly sizeBytes: number;
  readonly etag: ETag;
  /** Packed, like the next: the part's checksum of the upload's algorithm, and one of another that its body brought. */
  readonly c?: string;
  readonly b?: string;
  readonly modifiedMs?: number;
}
export interface CompletedRecord {
  readonly bucket: string;
  readonly key: string;
  readonly etag: ETag;
  readonly completedMs: number;
  /** Packed. */
  readonly c?: string;
}
export interface FormatRecord {
  readonly format: number;
}

/** Reads a record that this store wrote. */
export const parseRecord = <Shape>(text: string): Shape => JSON.parse(text) as Shape;
export const printRecord = (record: object): string => JSON.stringify(record);

/** An ObjectRecord on disk: short names, and nothing for what is empty, since a million of them are kept and paged through. */
interface Packed {
  readonly z: number;
  readonly e: string;
  readonly m: number;
  readonly d: string;
  readonly c?: string;
  readonly h?: Readonly<Record<string, string>>;
  readonly u?: Readonly<Record<string, string>>;
  readonly t?: Readonly<Record<string, string>>;
}

const KINDS: Readonly<Record<string, DataRef['kind']>> = { i: 'inline', f: 'file', s: 'segments' };
const NONE: Readonly<Record<string, string>> = Object.freeze({});

export function printObjectRecord(record: ObjectRecord): string {
  const { checksum, headers, metadata, tags } = record;
  const packed: Packed = {
    z: record.sizeBytes,
    e: record.etag,
    m: record.modifiedMs / 1000,
    d: record.data.kind.charAt(0) + record.data.id,
    ...(checksum === undefined ? {} : { c: packChecksum(checksum) }),
    ...(isEmpty(headers) ? {} : { h: headers }),
    ...(isEmpty(metadata) ? {} : { u: metadata }),
    ...(isEmpty(tags) ? {} : { t: tags }),
  };
  return JSON.stringify(packed);
}

export function parseObjectRecord(text: string): ObjectRecord {
  const packed = JSON.parse(text) as Packed;
  return {
    sizeBytes: packed.z,
    etag: packed.e as ETag,
    modifiedMs: packed.m * 1000,
    data: { kind: KINDS[packed.d.charAt(0)] ?? 'inline', id: packed.d.slice(1) },
    checksum: unpackChecksum(packed.c),
    headers: packed.h ?? NONE,
    metadata: packed.u ?? NONE,
    tags: packed.t ?? NONE,
  };
}

export function buildObjectRecord(
  content: { readonly headers: ObjectHeaders; readonly tags?: Readonly<Record<string, string>> | undefined },
  state: Pick<ObjectRecord, 'sizeBytes' | 'etag' | 'data' | 'checksum'>,
  nowMs: number,
): ObjectRecord {
  const { metadata, ...given } = content.headers;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === 'string') {
      headers[name] = value;
    }
  }
  return { ...state, modifiedMs: Math.floor(nowMs / 1000) * 1000, headers, metadata, tags: content.tags ?? NONE };
}

export function toObjectInfo(record: ObjectRecord): ObjectInfo {
  return {
    ...record.headers,
    metadata: record.metadata,
    sizeBytes: record.sizeBytes,
    etag: record.etag,
    lastModifiedMs: record.modifiedMs,
    tagCount: Object.keys(record.tags).length,
    etagIsContentHash: true,
    ...(record.checksum === undefined ? {} : { checksum: record.checksum }),
    // The ETag of an object that was made of parts ends in how many they were.
    ...(record.data.kind === 'segments' ? { partCount: Number(record.etag.slice(record.etag.indexOf('-') + 1)) } : {}),
  };
}

function isEmpty(record: Readonly<Record<string, string>>): boolean {
  for (const _name in record) {
    return false;
  }
  return true;
}
