/** Answers put together from their pieces: in given memory, in lent memory, and without any. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JoinedBytes, LentBytes, ObjectBytes, type AnswerBytes } from '../../stores/s3/answer-bytes.ts';

const PIECE_BYTES = 100_000;
const toPiece = (index: number, bytes = PIECE_BYTES): Buffer => Buffer.alloc(bytes, index + 1);

/** @param readInto pieces that come in the memory itself, as a socket reads them */
function feed(answer: AnswerBytes, pieces: readonly Buffer[], readInto: ReadonlySet<number> = new Set()): void {
  let at = 0;
  for (const [index, piece] of pieces.entries()) {
    const { memory } = answer;
    if (readInto.has(index) && memory !== undefined) {
      const place = Buffer.from(memory.buffer, memory.byteOffset + at, piece.byteLength);
      place.set(piece);
      answer.take(place, at);
    } else {
      answer.take(Buffer.from(piece), at);
    }
    at += piece.byteLength;
  }
}

test('an answer in chunks that outgrows what was lent keeps all its bytes, and what it outgrew is lent again', () => {
  const answer = new LentBytes(0);
  const outgrown = answer.memory;
  const pieces = Array.from({ length: 25 }, (_, index) => toPiece(index));
  feed(answer, pieces);
  const { body, giveBack } = answer.finish();
  assert.ok(Buffer.concat(pieces).equals(body));
  assert.equal(new LentBytes(0).memory, outgrown);
  assert.notEqual(body.buffer, outgrown.buffer);
  giveBack?.();
});

test('pieces that were read into place and pieces that were not are one answer', () => {
  const pieces = Array.from({ length: 4 }, (_, index) => toPiece(index));
  const all = Buffer.concat(pieces);
  const lent = new LentBytes(all.byteLength);
  feed(lent, pieces, new Set([0, 2]));
  assert.ok(all.equals(lent.finish().body));

  const told: Buffer[] = [];
  const memory = Buffer.alloc(all.byteLength);
  const given = new ObjectBytes(all.byteLength, { memory, onBytes: (bytes) => told.push(Buffer.from(bytes)) });
  feed(given, pieces, new Set([1, 3]));
  assert.equal(given.finish().body, memory);
  assert.ok(all.equals(memory));
  assert.ok(Buffer.concat(told).equals(all));
  assert.equal(told.length, pieces.length);
});

test('an object that comes in one piece is that piece, and one of nothing is empty', () => {
  const whole = new ObjectBytes(10);
  const piece = toPiece(0, 10);
  whole.take(piece, 0);
  assert.equal(whole.finish().body, piece);
  for (const answer of [new ObjectBytes(0), new LentBytes(0), new JoinedBytes()]) {
    assert.equal(answer.finish().body.byteLength, 0);
  }
});

test('an answer without memory of its own is its one piece, or its pieces joined', () => {
  const one = new JoinedBytes();
  const piece = toPiece(0);
  one.take(piece);
  assert.equal(one.finish().body, piece);
  const pieces = [toPiece(1, 3), toPiece(2, 5)];
  const two = new JoinedBytes();
  feed(two, pieces);
  assert.ok(Buffer.concat(pieces).equals(two.finish().body));
});
