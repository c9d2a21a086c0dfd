import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { MALLOC_MMAP_BYTES, MiB } from '../../core/limits.ts';
import { createBodyPacker, joinPacked, packBody, unpackBody, unpackBodyAside } from '../../manifest/pack-body.ts';

test('a body comes out of its packing as it went in', () => {
  for (const text of ['', 'x', '{"bucket":"b"}'.repeat(10_000)]) {
    const packed = packBody(Buffer.from(text));
    assert.equal(Buffer.from(unpackBody(packed)).toString(), text);
  }
});

test('packed bodies are joined as they are, by commas, and joined ones again', () => {
  const texts = ['{"a":1}', 'x'.repeat(100_000), '', '{"bucket":"b"},'.repeat(5000), '\u{1f600}'];
  const packed = texts.map((text) => packBody(Buffer.from(text)));
  const joined = joinPacked(packed);
  assert.ok(joined);
  assert.equal(Buffer.from(unpackBody(joined)).toString(), texts.join(','));
  const twice = joinPacked([joined, packBody(Buffer.from('last')), joined]);
  assert.ok(twice);
  assert.equal(Buffer.from(unpackBody(twice)).toString(), [...texts, 'last', ...texts].join(','));
  assert.ok(
    joined.length <= packed.reduce((sum, one) => sum + one.length, 0),
    'nothing was packed again, nor unpacked',
  );
  // Other readers of raw deflate read it too.
  assert.equal(inflateRawSync(joined.subarray(1)).toString(), texts.join(','));
  assert.equal(Buffer.from(unpackBody(joinPacked([]) ?? Buffer.alloc(0))).toString(), '');
});

test('a packer packs as a plain call does, in order, whatever comes at once', async () => {
  const packer = createBodyPacker();
  const texts = Array.from({ length: 50 }, (_, index) => `${String(index)} `.repeat(index * 997));
  const packed = await Promise.all(texts.map((text) => packer.pack(Buffer.from(text))));
  for (const [index, body] of packed.entries()) assert.equal(Buffer.from(unpackBody(body)).toString(), texts[index]);
  const noise = randomBytes(3 * MiB);
  assert.deepEqual(Buffer.from(unpackBody(await packer.pack(noise))), noise);
  assert.equal(Buffer.from(unpackBody(joinPacked(packed) ?? Buffer.alloc(0))).toString(), texts.join(','));
  const late = packer.pack(randomBytes(MiB));
  packer.close();
  await assert.rejects(late);
  await assert.rejects(packer.pack(Buffer.from('after the end')));
});

test('bodies that were packed by an older version are not joined', () => {
  const old = Buffer.concat([Buffer.of(1), deflateRawSync('from before', { level: 1 })]);
  assert.equal(joinPacked([packBody(Buffer.from('x')), old]), null);
  for (const body of ['', 'a', 'b'.repeat(70_000)]) {
    assert.equal(joinPacked([Buffer.concat([Buffer.of(1), deflateRawSync(body)])]), null);
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

test('what is unpacked aside is the same and refused alike, however long it was expected to be', async () => {
  const text = '{"bucket":"b"},'.repeat(50_000);
  const packed = packBody(Buffer.from(text));
  for (const expected of [0, 1, text.length, 2 * text.length, 1e12]) {
    assert.equal(Buffer.from(await unpackBodyAside(packed, expected)).toString(), text);
  }
  const refused = { type: 'body_corrupt' };
  await assert.rejects(unpackBodyAside(Buffer.of(9), 0), refused);
  await assert.rejects(unpackBodyAside(packed.subarray(0, packed.length - 4), 0), refused);
  await assert.rejects(unpackBodyAside(packBody(Buffer.alloc(128 * MiB + 1)), 0), refused);
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
