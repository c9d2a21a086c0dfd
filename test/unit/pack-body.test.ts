import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { MALLOC_MMAP_BYTES, MiB } from '../../core/limits.ts';
import { packBody, unpackBody } from '../../manifest/pack-body.ts';

test('a body comes out of its packing as it went in', () => {
  for (const text of ['', 'x', '{"bucket":"b"}'.repeat(10_000)]) {
    const packed = packBody(Buffer.from(text));
    assert.equal(Buffer.from(unpackBody(packed)).toString(), text);
  }
});

test('rows of format 1, raw deflate, stay readable', () => {
  const row = Buffer.concat([Buffer.of(1), deflateRawSync('kept for years', { level: 9 })]);
  assert.equal(Buffer.from(unpackBody(row)).toString(), 'kept for years');
});

test('a row that is empty, of another format, cut or damaged is refused', () => {
  const packed = packBody(Buffer.from('some body that is long enough to be cut'));
  const refused = { type: 'body_corrupt' };
  assert.throws(() => unpackBody(Buffer.alloc(0)), refused);
  assert.throws(() => unpackBody(Buffer.concat([Buffer.of(9), packed.subarray(1)])), refused);
  assert.throws(() => unpackBody(packed.subarray(0, packed.length - 4)), refused);
  assert.throws(() => unpackBody(Buffer.of(1, 255, 255, 255)), refused);
});

test('a body is unpacked into one buffer, which is large enough for what a listing makes', () => {
  const lines = Array.from(
    { length: 10_000 },
    (_, index) =>
      `{"bucket":"b","etag":"${createHash('md5').update(String(index)).digest('hex')}","key":"k/${String(index)}","size":1}`,
  );
  const unpacked = unpackBody(packBody(Buffer.from(lines.join(','))));
  // Pieces that were copied together would have a buffer of exactly their length.
  assert.ok(unpacked.buffer.byteLength >= MALLOC_MMAP_BYTES && unpacked.buffer.byteLength > unpacked.byteLength);
});

test('a body that outgrows its buffer, and one that outgrows what a row may hold', () => {
  const long = Buffer.alloc(16 * MiB, 'x');
  assert.ok(Buffer.from(unpackBody(packBody(long))).equals(long));
  assert.throws(() => unpackBody(packBody(Buffer.alloc(128 * MiB + 1))), { type: 'body_corrupt' });
});
