import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action } from '../../activities/plan/action.ts';
import { packActions, unpackActions } from '../../activities/plan/action.ts';
import { Batcher, toBatchObjects, type ActionBatch } from '../../activities/plan/batcher.ts';
import { BATCH_BYTES, LARGE_OBJECT_BYTES, MiB } from '../../core/limits.ts';

const OBJECTS_MAX = 1000;

const copy = (key: string, sizeBytes: number): Action => ({
  op: 'copy',
  key,
  sizeBytes,
  etag: 'e',
  expected: { absent: true },
});

function cut(actions: readonly Action[]): ActionBatch[] {
  const batcher = new Batcher(OBJECTS_MAX);
  const batches = actions.flatMap((action) => [...batcher.add(action)]);
  batches.push(...batcher.flush());
  assert.equal(batcher.count, batches.length);
  return batches;
}

test('a batch has at most as many objects as it is told, and every object is in one batch, in order', () => {
  const actions = Array.from({ length: 2 * OBJECTS_MAX + 1 }, (_, index) => copy(`k${index}`, 1));
  const batches = cut(actions);
  assert.deepEqual(
    batches.map(({ ordinal, objects }) => [ordinal, objects]),
    [
      [0, OBJECTS_MAX],
      [1, OBJECTS_MAX],
      [2, 1],
    ],
  );
  assert.deepEqual(
    batches.flatMap(({ json }) => unpackActions(packActions(json))),
    actions,
  );
});

test('a batch has at most 512 MiB', () => {
  const batches = cut([copy('a', 256 * MiB), copy('b', 200 * MiB), copy('c', 56 * MiB), copy('d', 1)]);
  assert.deepEqual(
    batches.map(({ objects, sizeBytes }) => [objects, sizeBytes]),
    [
      [3, BATCH_BYTES],
      [1, 1],
    ],
  );
});

test('an object above 256 MiB is a batch of its own, and the order of keys is kept', () => {
  const batches = cut([copy('a', 1), copy('b', LARGE_OBJECT_BYTES + 1), copy('c', 1)]);
  assert.deepEqual(
    batches.map(({ kind, objects }) => [kind, objects]),
    [
      ['objects', 1],
      ['large', 1],
      ['objects', 1],
    ],
  );
});

test('an adopted object weighs nothing, however large it is', () => {
  const adopted: Action = {
    op: 'adopt',
    key: 'a',
    sizeBytes: 10 * BATCH_BYTES,
    etag: 'e',
    targetEtag: 't',
    checksum: 'etag:t',
  };
  assert.deepEqual(
    cut([adopted, copy('b', 1)]).map(({ kind, objects, sizeBytes }) => [kind, objects, sizeBytes]),
    [['objects', 2, 1]],
  );
});

test('no action makes no batch', () => {
  assert.deepEqual(cut([]), []);
});

test('a batch holds a quarter of its run, at least 1,000 objects and at most 2,500', () => {
  const sizes = [0, 1, 4_000, 4_001, 7_999, 10_000, 10_001, 10_000_000].map(toBatchObjects);
  assert.deepEqual(sizes, [1000, 1000, 1000, 1001, 2000, 2500, 2500, 2500]);
});
