/** What every operation of the directory store works with. */
import { noSuchBucket } from '../rules/refusals.ts';
import type { DataFiles } from './data-files.ts';
import type { DataIds } from './data-id.ts';
import type { GroupCommit, View } from './group-commit.ts';
import { bucketKey, dataKey, inlineKey, segmentsKey } from './index-keys.ts';
import type { Change, ObjectIndex } from './object-index.ts';
import { parseRecord } from './records.ts';
import type { DataRef, SegmentRecord } from './records.ts';

export interface Engine {
  readonly index: ObjectIndex;
  readonly commits: GroupCommit;
  readonly files: DataFiles;
  readonly ids: DataIds;
  readonly now: () => number;
  /** Aborted when the store is being closed: bodies that are still arriving fail. */
  readonly closing: AbortSignal;
}

/** @throws no_such_bucket */
export function requireBucket(view: Pick<View, 'read'>, bucket: string): void {
  if (view.read(bucketKey(bucket)) === undefined) {
    throw noSuchBucket(bucket);
  }
}

/** What has to happen so that data is gone: changes for the same batch, files to release once that is on disk. */
export interface Disposal {
  readonly changes: readonly Change[];
  readonly files: readonly string[];
}

export function toDisposal(view: Pick<View, 'read'>, data: DataRef): Disposal {
  switch (data.kind) {
    case 'inline':
      return { changes: [{ key: inlineKey(data.id), value: undefined }], files: [] };
    case 'file':
      return { changes: [{ key: dataKey(data.id), value: undefined }], files: [data.id] };
    case 'segments': {
      const files = parseRecord<SegmentRecord[]>(view.read(segmentsKey(data.id)) ?? '[]').map(({ id }) => id);
      const changes = files.map((id) => ({ key: dataKey(id), value: undefined }));
      return { changes: [{ key: segmentsKey(data.id), value: undefined }, ...changes], files };
    }
  }
}
