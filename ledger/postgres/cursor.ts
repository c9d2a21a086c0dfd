/** Opaque cursors: where the next page goes on, as base64url of a JSON array of strings and numbers. */
import { WaybillError } from '../../core/failures.ts';

type Position = readonly (string | number)[];

export const printCursor = (position: Position): string => Buffer.from(JSON.stringify(position)).toString('base64url');

/** The position, checked against its shape, e.g. `['number']`; null without a cursor. @throws invalid_request */
export function parseCursor(cursor: string | undefined, shape: readonly ('string' | 'number')[]): Position | null {
  if (cursor === undefined) return null;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    value = null;
  }
  const valid =
    Array.isArray(value) &&
    value.length === shape.length &&
    value.every(
      (item, index) => typeof item === shape[index] && (typeof item !== 'number' || Number.isSafeInteger(item)),
    );
  if (!valid) throw new WaybillError('invalid_request', 'the cursor is none of ours');
  return value as Position;
}

/** Cuts what was fetched with one row more than asked for into a page. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
  toPosition: (row: Row) => Position,
): { items: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { items: shown.map(toItem), nextCursor: more ? printCursor(toPosition(last)) : null };
}
