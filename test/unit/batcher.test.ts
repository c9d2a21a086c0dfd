import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action } from '../../activities/plan/action.ts';
import { packActions, unpackActions } from '../../activities/plan/action.ts';
import { Batcher, type ActionBatch } from '../../activities/plan/batcher.ts';
import { BATCH_BYTES, BATCH_OBJECTS_MAX, LARGE_OBJECT_BYTES, MiB } from '../../core/limits.ts';

const copy = (key: string, sizeBytes: number): Action => ({
  op: 'copy',
  key,
  sizeBytes,
  etag: 'e',
  expected: { absent: true },
});

function cut(actions: readonly Action[], concurrency = 4): ActionBatch[] {
  const batcher = new Batcher(concurrency);
  const batches = actions.flatMap((action) => [...batcher.add(action)]);
  batches.push(...batcher.flush());
  assert.equal(batcher.count, batches.length);
  return batches;
}

const sizesOf = (objects: number, concurrency?: number): number[] =>
  cut(
    Array.from({ length: objects }, (_, index) => copy(`k${index}`, 1)),
    concurrency,
  ).map((batch) => batch.objects);

test('every object is in one batch, in order', () => {
  const actions = Array.from({ length: 10 * BATCH_OBJECTS_MAX + 1 }, (_, index) => copy(`k${index}`, 1));
  const batches = cut(actions);
  assert.deepEqual(
    batches.map(({ ordinal }) => ordinal),
    Array.from({ length: batches.length }, (_, index) => index),
  );
  assert.deepEqual(
    batches.flatMap(({ json }) => unpackActions(packActions(json))),
    actions,
  );
});

test('few objects are cut evenly into about a thousand each, at most as many as are in flight', () => {
  assert.deepEqual(sizesOf(1), [1]);
  assert.deepEqual(sizesOf(1499), [1499]);
  assert.deepEqual(sizesOf(2500), [834, 834, 832]);
  assert.deepEqual(sizesOf(4000), [1000, 1000, 1000, 1000]);
  assert.deepEqual(sizesOf(10_000), [2500, 2500, 2500, 2500]);
});

test('no batch is left alone at the end: of more objects there are twice as many batches, and large ones before them', () => {
  assert.deepEqual(sizesOf(12_500), [1563, 1563, 1563, 1563, 1563, 1563, 1563, 1559]);
  assert.deepEqual(sizesOf(20_000), Array<number>(8).fill(2500));
  assert.deepEqual(sizesOf(20_004), [...Array<number>(4).fill(2500), ...Array<number>(7).fill(1251), 1247]);
  const many = sizesOf(100_123);
  assert.equal(many.length % 4, 0);
  assert.equal(Math.max(...many), BATCH_OBJECTS_MAX);
});

test('what is in flight at once is asked of the pipeline', () => {
  assert.deepEqual(sizesOf(10_000, 1), [2500, 2500, 2500, 2500]);
  assert.deepEqual(sizesOf(4000, 1), [1000, 1000, 1000, 1000]);
  assert.deepEqual(sizesOf(12_500, 5), Array<number>(5).fill(2500));
  assert.deepEqual(sizesOf(10_000, 64), Array<number>(10).fill(1000));
});

test('actions of long keys are not held back', () => {
  const batcher = new Batcher(4);
  let given = 0;
  let most = 0;
  for (let index = 0; index < 20_000; index++) {
    for (const { objects } of batcher.add(copy(`${'k'.repeat(1000)}${index}`, 1))) given += objects;
    most = Math.max(most, index + 1 - given);
  }
  assert.ok(most < 10_000, `${String(most)} were held`);
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
