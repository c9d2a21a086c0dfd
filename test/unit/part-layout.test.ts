import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GiB, MiB, OBJECT_BYTES_MAX, PARTS_MAX, PART_BYTES_DEFAULT, SINGLE_PUT_BYTES_MAX } from '../../core/limits.ts';
import { toPartLayout, toPartRange } from '../../core/part-layout.ts';

test('part size is max(8 MiB, size / 10,000 rounded up to a MiB)', () => {
  assert.equal(toPartLayout(9 * MiB).partSizeBytes, PART_BYTES_DEFAULT);
  assert.equal(toPartLayout(78 * GiB).partSizeBytes, 8 * MiB);
  assert.equal(toPartLayout(79 * GiB).partSizeBytes, 9 * MiB);
  assert.equal(toPartLayout(OBJECT_BYTES_MAX).partSizeBytes, 525 * MiB);
});

test('the parts of any size cover it once, in order, within S3’s limits', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: OBJECT_BYTES_MAX }), (sizeBytes) => {
      const layout = toPartLayout(sizeBytes);
      assert.ok(layout.parts >= 1 && layout.parts <= PARTS_MAX);
      assert.ok(layout.partSizeBytes <= SINGLE_PUT_BYTES_MAX);
      const [first, last] = [toPartRange(layout, 1), toPartRange(layout, layout.parts)];
      assert.equal(first.offset, 0);
      assert.equal(last.offset + last.lengthBytes, sizeBytes);
      assert.ok(last.lengthBytes >= 1 && last.lengthBytes <= layout.partSizeBytes);
      if (layout.parts > 1) {
        const before = toPartRange(layout, layout.parts - 1);
        assert.equal(before.offset + before.lengthBytes, last.offset);
        assert.equal(before.lengthBytes, layout.partSizeBytes);
      }
    }),
  );
});
