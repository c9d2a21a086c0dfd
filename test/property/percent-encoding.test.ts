/** The short ways of `sigv4/encode.ts` against the long one: every byte by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeComponent, decodePercent, encodeComponent, encodePath } from '../../sigv4/encode.ts';
import { recodeComponent, recodePath } from '../../sigv4/encode.ts';

function encodeByteByByte(bytes: Uint8Array, kept: RegExp): string {
  return [...bytes]
    .map((byte) => String.fromCharCode(byte))
    .map((character) => (kept.test(character) ? character : `%${toHex(character.charCodeAt(0))}`))
    .join('');
}
const toHex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0');
const COMPONENT = /[A-Za-z0-9._~-]/;
const PATH = /[A-Za-z0-9._~/-]/;

/** Text with what is kept, what is not, escapes of either case, broken ones, and halves of surrogate pairs. */
const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom('a', 'Z', '0', '-', '_', '~', '/', '=', '+', ' ', '%', '%4', 'ü', '€', '😀', '\ud83d', '\ude00'),
      fc.string({ unit: 'binary', maxLength: 2 }),
      fc.integer({ min: 0, max: 255 }).map((byte) => `%${toHex(byte)}`),
      fc.integer({ min: 0, max: 255 }).map((byte) => `%${toHex(byte).toLowerCase()}`),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(''));

test('text is encoded as its bytes are, one by one', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const bytes = new TextEncoder().encode(text);
      assert.equal(encodeComponent(text), encodeByteByByte(bytes, COMPONENT));
      assert.equal(encodePath(text), encodeByteByByte(bytes, PATH));
    }),
    { numRuns: 2000 },
  );
});

test('what is encoded already is decoded and encoded, also where it is left as it is', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const bytes = decodePercent(text);
      assert.equal(recodeComponent(text), bytes && encodeByteByByte(bytes, COMPONENT));
      assert.equal(recodePath(text), bytes && encodeByteByByte(bytes, PATH));
    }),
    { numRuns: 2000 },
  );
  for (let byte = 0; byte < 256; byte++) {
    const bytes = Uint8Array.of(byte);
    for (const escape of [`%${toHex(byte)}`, `%${toHex(byte).toLowerCase()}`]) {
      assert.equal(recodePath(escape), encodeByteByByte(bytes, PATH), escape);
      assert.equal(recodeComponent(escape), encodeByteByByte(bytes, COMPONENT), escape);
    }
  }
});

test('text is decoded as its bytes are, and what is no UTF-8 is not', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const bytes = decodePercent(text);
      assert.equal(decodeComponent(text), text.includes('%') ? bytes && decodeStrictly(bytes) : text);
    }),
    { numRuns: 2000 },
  );
});

function decodeStrictly(bytes: Uint8Array): string | null {
  const text = Buffer.from(bytes).toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : null;
}
