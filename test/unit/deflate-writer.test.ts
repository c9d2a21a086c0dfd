/** What is written as literals and matches is what zlib reads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { LENGTH_SHIFT, toCodeLengths, toCodes } from '../../manifest/deflate-code.ts';
import { DeflateWriter, DISTANCE_MAX, SymbolCounts } from '../../manifest/deflate-writer.ts';

const LAST_BLOCK = Buffer.of(3, 0);
const piece = fc.oneof(
  fc.record({ literals: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({
    length: fc.oneof(fc.integer({ min: 3, max: 20 }), fc.integer({ min: 250, max: 1600 })),
    distance: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: DISTANCE_MAX })),
  }),
);
const writer = new DeflateWriter();

/** A run, and what it says. */
function write(
  pieces: readonly ({ literals: Uint8Array } | { length: number; distance: number })[],
  isCounted: boolean,
): { run: Buffer; said: Buffer } {
  const said: number[] = [];
  const counts = new SymbolCounts();
  counts.reset(0, 255);
  for (const each of isCounted ? pieces : []) {
    if ('literals' in each) counts.addLiterals(each.literals, 0, each.literals.length);
    else counts.addMatch(each.length, each.distance);
  }
  writer.start(Buffer.alloc(0), 100_000);
  writer.startBlock(counts);
  const codes = writer.literalCodes();
  for (const each of pieces) {
    if ('literals' in each) {
      assert.ok(writer.writeLiterals(codes, each.literals, 0, each.literals.length));
      said.push(...each.literals);
    } else if (said.length > 0) {
      const distance = 1 + ((each.distance - 1) % said.length);
      writer.writeMatch(each.length, distance);
      for (let left = each.length; left > 0; left--) said.push(said[said.length - distance] ?? 0);
    }
  }
  return { run: writer.finish(Buffer.alloc(0)), said: Buffer.from(said) };
}

test('literals and matches of any length and distance are read as they were said', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.boolean(), (pieces, isCounted) => {
      const { run, said } = write(pieces, isCounted);
      assert.deepEqual(inflateRawSync(Buffer.concat([run, LAST_BLOCK])), said);
    }),
    { numRuns: 500 },
  );
});

test('a match reaches as far back as deflate does', () => {
  const noise = Uint8Array.from({ length: DISTANCE_MAX }, (_, at) => (at * at) >>> 7);
  const { run, said } = write([{ literals: noise }, { length: 258, distance: DISTANCE_MAX }], true);
  assert.deepEqual(inflateRawSync(Buffer.concat([run, LAST_BLOCK])), said);
});

test('one run may follow another', () => {
  const one = write([{ literals: Buffer.from('a run, ') }, { length: 14, distance: 7 }], true);
  const other = write([{ literals: Buffer.from('and another') }], false);
  const joined = Buffer.concat([one.run, other.run, one.run, LAST_BLOCK]);
  assert.deepEqual(inflateRawSync(joined), Buffer.concat([one.said, other.said, one.said]));
});

test('what was not said to be possible is not written, though it was counted', () => {
  const counts = new SymbolCounts();
  counts.reset(0x20, 0x7f);
  counts.addLiterals(Buffer.from('line\n'), 0, 5);
  writer.start(Buffer.alloc(0), 1000);
  writer.startBlock(counts);
  assert.equal(writer.writeLiterals(writer.literalCodes(), Buffer.from('line\n'), 0, 5), false);
});

test('code lengths are 15 at most and use up all codes, whatever the counts', () => {
  const fibonacci = [1, 1];
  while (fibonacci.length < 40) fibonacci.push((fibonacci.at(-1) ?? 0) + (fibonacci.at(-2) ?? 0));
  const counts = fc.array(fc.oneof(fc.nat({ max: 9 }), fc.nat({ max: 1_000_000 }), fc.constantFrom(...fibonacci)), {
    minLength: 2,
    maxLength: 286,
  });
  const check = (of: readonly number[]): void => {
    const lengths = toCodeLengths(Uint32Array.from(of));
    const space = lengths.reduce((sum, length) => sum + (length === 0 ? 0 : 2 ** -length), 0);
    assert.equal(space, 1);
    of.forEach((count, symbol) => assert.equal(count > 0, lengths[symbol] !== 0));
    assert.ok(lengths.every((length) => length <= 15));
    const codes = toCodes(lengths).filter((code) => code !== 0);
    assert.equal(new Set(codes).size, codes.length);
    assert.ok(codes.every((code) => (code & 0xffff) < 2 ** (code >>> LENGTH_SHIFT)));
  };
  check(fibonacci);
  fc.assert(
    fc.property(
      counts.filter((of) => of.filter((count) => count > 0).length > 1),
      check,
    ),
    { numRuns: 1000 },
  );
});
