/** A page of a listing whose objects are made when they are asked for. */
import type { ETag } from '../../core/ids.ts';
import { keyAt, type ObjectColumns } from '../../core/object-columns.ts';
import type { ListedObject, ListPage } from '../store.ts';

export class ColumnPage implements ListPage {
  readonly columns: ObjectColumns;
  readonly commonPrefixes: readonly string[] = [];
  declare readonly nextContinuationToken?: string;
  #objects: readonly ListedObject[] | undefined;

  declare readonly giveBack?: () => void;

  constructor(columns: ObjectColumns, more: Pick<ListPage, 'nextContinuationToken' | 'giveBack'>) {
    this.columns = columns;
    Object.assign(this, more);
  }

  get objects(): readonly ListedObject[] {
    return (this.#objects ??= toObjects(this.columns));
  }
}

function toObjects(columns: ObjectColumns): ListedObject[] {
  const { text, ends, sizes, modifiedMs } = columns;
  return Array.from({ length: columns.count }, (_, index) => ({
    key: keyAt(columns, index),
    sizeBytes: sizes[index] ?? 0,
    etag: text.toString('latin1', ends[2 * index], ends[2 * index + 1]) as ETag,
    lastModifiedMs: modifiedMs[index] ?? 0,
  }));
}
