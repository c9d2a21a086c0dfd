import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
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
