import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { packBody, unpackBody } from '../../manifest/pack-body.ts';

test('a body comes out of its packing as it went in', async () => {
  for (const text of ['', 'x', '{"bucket":"b"}'.repeat(10_000)]) {
    const packed = await packBody(Buffer.from(text));
    assert.equal(Buffer.from(await unpackBody(packed)).toString(), text);
  }
});

test('rows of format 1, raw deflate, stay readable', async () => {
  const row = Buffer.concat([Buffer.of(1), deflateRawSync('kept for years', { level: 9 })]);
  assert.equal(Buffer.from(await unpackBody(row)).toString(), 'kept for years');
});

test('a row that is empty, of another format, cut or damaged is refused', async () => {
  const packed = await packBody(Buffer.from('some body that is long enough to be cut'));
  const refused = { type: 'body_corrupt' };
  await assert.rejects(unpackBody(Buffer.alloc(0)), refused);
  await assert.rejects(unpackBody(Buffer.concat([Buffer.of(9), packed.subarray(1)])), refused);
  await assert.rejects(unpackBody(packed.subarray(0, packed.length - 4)), refused);
  await assert.rejects(unpackBody(Buffer.of(1, 255, 255, 255)), refused);
});
