/**
 * Where the bytes of an object lie, for a web server that reads the data files itself (gateway/directory/accel.ts). A data file never changes
 * and its name is never used again, so whoever opens one has that object's bytes, whole; nothing pins it for a reader outside of
 * this process, so it may be gone before it is opened.
 */
import { checkKey } from '../rules/object-key.ts';
import type { ObjectInfo, ObjectRequest } from '../store.ts';
import { toDirectoryName } from './data-id.ts';
import type { Engine } from './engine.ts';
import { findObject } from './object-writes.ts';
import { toObjectInfo } from './records.ts';

export interface LocatedFile {
  /** Under the store's `data/`, with `/` between directory and name. */
  readonly path: string;
  readonly info: ObjectInfo;
}

/** Undefined for what is not there, and for an object whose bytes are not all of exactly one file. @throws store_refused */
export type LocateFile = (request: Pick<ObjectRequest, 'bucket' | 'key' | 'versionId'>) => LocatedFile | undefined;

export function createLocateFile(engine: Engine): LocateFile {
  return (request) => {
    checkKey(request.key);
    const record = findObject(engine.index, request);
    if (record?.data.kind !== 'file') return undefined;
    if (request.versionId !== undefined && request.versionId !== 'null') return undefined;
    const { id } = record.data;
    return { path: `${toDirectoryName(id)}/${id}`, info: toObjectInfo(record) };
  };
}
