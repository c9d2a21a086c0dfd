import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toSourcePartLayout } from '../../activities/copy/source-part-layout.ts';
import { GiB, MiB } from '../../core/limits.ts';
import { toPartLayout } from '../../core/part-layout.ts';

const HEX = 'd41d8cd98f00b204e9800998ecf8427e';
const cut = (parts: number, sizeBytes: number, partBytesMax = 16 * MiB) =>
  toSourcePartLayout(`${HEX}-${parts}`, sizeBytes, partBytesMax);

test('an object is cut as its source was, where ETag and size tell how', () => {
  for (const partMib of [5, 6, 8, 16]) {
    const sizeBytes = 40 * partMib * MiB + 12_345;
    assert.deepEqual(cut(41, sizeBytes), { sizeBytes, partSizeBytes: partMib * MiB, parts: 41 });
  }
  assert.equal(cut(4, 20 * MiB + 12_345).partSizeBytes, 6 * MiB);
  assert.equal(cut(1, 9 * MiB).parts, 1);
  assert.equal(cut(2, 12 * MiB).partSizeBytes, 8 * MiB, 'the commonest of several');
});

test('an object is cut by its size alone where its ETag says nothing, says what cannot be, or asks for parts beyond the memory', () => {
  for (const etag of [HEX, `${HEX}-0`, `${HEX}-10001`, `${HEX}-x`, '', `W/"${HEX}-3"`]) {
    assert.deepEqual(toSourcePartLayout(etag, 20 * MiB, 16 * MiB), toPartLayout(20 * MiB), etag);
  }
  assert.deepEqual(cut(3000, 20 * MiB), toPartLayout(20 * MiB), 'parts below the minimum');
  assert.deepEqual(cut(10, GiB), toPartLayout(GiB), 'parts of 103 MiB');
});
