/** Ids of uploads sort by when their uploads began, whatever the clock does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createUploadIds } from '../../stores/rules/upload-id.ts';

const assertAscending = (ids: readonly string[]): void => {
  assert.deepEqual([...ids].sort(), ids);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/);
};

test('ids of one millisecond keep their order, more of them than have room in it too', () => {
  const next = createUploadIds();
  assertAscending(Array.from({ length: 70_000 }, () => next(1_760_000_000_000)));
});

test('ids go on when the clock goes back, and follow it when it goes on', () => {
  const next = createUploadIds();
  const times = [1_760_000_000_000, 1_759_999_000_000, 0, 1_760_000_000_000.5, 1_760_000_000_001, 1_760_000_100_000];
  assertAscending(times.map(next));
});

test('ids of two stores differ', () => {
  assert.notEqual(createUploadIds()(1_760_000_000_000), createUploadIds()(1_760_000_000_000));
});
