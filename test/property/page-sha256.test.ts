/** The page's own hashing agrees with Node's, over every length around a block and any bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pageCrypto } from '../../console/explain/sha256.ts';
import { hmacSha256Hex, sha256Hex, toHex } from '../../sigv4/hex.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';

test('the hash of "abc" and of nothing are those of FIPS 180-4', () => {
  assert.equal(sha256Hex(pageCrypto, 'abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  assert.equal(sha256Hex(pageCrypto, ''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});

test('every length up to four blocks', () => {
  for (let length = 0; length <= 256; length++) {
    const bytes = new Uint8Array(length).map((_, index) => (index * 7 + length) & 255);
    assert.equal(sha256Hex(pageCrypto, bytes), sha256Hex(nodeCrypto, bytes), `${length} bytes`);
  }
});

test('any bytes and any text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), fc.string({ unit: 'grapheme', maxLength: 300 }), (bytes, text) => {
      assert.equal(sha256Hex(pageCrypto, bytes), sha256Hex(nodeCrypto, bytes));
      assert.equal(sha256Hex(pageCrypto, text), sha256Hex(nodeCrypto, text));
      // A view into a larger buffer is hashed alone.
      assert.equal(sha256Hex(pageCrypto, bytes.subarray(1, 9)), sha256Hex(nodeCrypto, bytes.subarray(1, 9)));
    }),
    { numRuns: 500 },
  );
});

test('HMAC with any key, longer than a block too', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: 'grapheme' }), (key, text) => {
      assert.equal(hmacSha256Hex(pageCrypto, key, text), hmacSha256Hex(nodeCrypto, key, text));
      const named = `AWS4${toHex(key)}`;
      assert.equal(toHex(pageCrypto.hmacSha256(named, text)), toHex(nodeCrypto.hmacSha256(named, text)));
    }),
    { numRuns: 500 },
  );
});

test('a megabyte', () => {
  const bytes = new Uint8Array(1 << 20).map((_, index) => (index * 31) & 255);
  assert.equal(sha256Hex(pageCrypto, bytes), sha256Hex(nodeCrypto, bytes));
});
