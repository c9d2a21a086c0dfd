/**
 * Writes raw deflate (RFC 1951) for a writer that knows itself what repeats: literals and matches go in as they are said, in blocks with
 * codes of their own that are made from counts of what is to come. What is written looks back at nothing before it began and ends on a
 * byte, so that it can follow, and be followed by, any other such run (pack-body.ts).
 */
import { LENGTH_SHIFT, toCodeLengths, toCodes } from './deflate-code.ts';

export const MATCH_MIN = 3;
export const MATCH_MAX = 258;
export const DISTANCE_MAX = 32_768;

const END_OF_BLOCK = 256;
const LENGTHS = 29;
const DISTANCES = 30;
/** In this order their lengths are written. */
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/** One code for the lengths of the others, whatever they are: 13 symbols of four bits and 6 of five use up all there are. */
const CODE_LENGTHS = Uint8Array.from({ length: 19 }, (_, symbol) => (symbol >= 2 && symbol <= 14 ? 4 : 5));
const CODE_LENGTH_CODES = toCodes(CODE_LENGTHS);
/** A run of 11 to 138 lengths of 0. */
const ZEROS = 18;
const ZEROS_MIN = 11;
const ZEROS_MAX = 138;

/** How often each symbol will come; what has no count cannot be written. */
export class SymbolCounts {
  /** Literals, the end of the block, lengths of matches. */
  readonly symbols = new Uint32Array(END_OF_BLOCK + 1 + LENGTHS);
  readonly distances = new Uint32Array(DISTANCES);

  /** Once for every match that there can be, and for each of these bytes, so that a sample may miss some. */
  reset(firstByte: number, lastByte: number): void {
    this.symbols
      .fill(1, END_OF_BLOCK)
      .fill(0, 0, END_OF_BLOCK)
      .fill(1, firstByte, lastByte + 1);
    this.distances.fill(1);
  }

  /** Those that there can be: others stay without a code. */
  addLiterals(bytes: Uint8Array, from: number, to: number): void {
    const { symbols } = this;
    for (let at = from; at < to; at++) {
      const byte = bytes[at] ?? 0;
      const count = symbols[byte] ?? 0;
      if (count > 0) symbols[byte] = count + 1;
    }
  }

  addMatch(length: number, distance: number): void {
    const symbol = END_OF_BLOCK + 1 + lengthSymbol(Math.min(length, MATCH_MAX));
    this.symbols[symbol] = (this.symbols[symbol] ?? 0) + 1;
    const place = distanceSymbol(distance);
    this.distances[place] = (this.distances[place] ?? 0) + 1;
  }
}

export class DeflateWriter {
  #bytes = Buffer.alloc(0);
  #at = 0;
  /** Bits that make no byte yet, the first one lowest: fewer than 16. */
  #held = 0;
  #heldBits = 0;
  #symbols: Uint32Array = new Uint32Array(0);
  #distances: Uint32Array = new Uint32Array(0);

  /** Begins anew, over what was written before; `bytesMax` is what may come until `finish`. */
  start(head: Uint8Array, bytesMax: number): void {
    // Beyond it what each block begins and ends with: 3 bits of kind, 14 of counts, 57 and 316 lengths of up to 5.
    const needed = bytesMax + head.length + 512;
    if (this.#bytes.length < needed) this.#bytes = Buffer.allocUnsafeSlow(needed);
    this.#bytes.set(head);
    this.#at = head.length;
    this.#held = 0;
    this.#heldBits = 0;
  }

  /** One for each `start`. */
  startBlock(counts: SymbolCounts): void {
    const symbolLengths = toCodeLengths(counts.symbols);
    const distanceLengths = toCodeLengths(counts.distances);
    this.#symbols = toCodes(symbolLengths);
    this.#distances = toCodes(distanceLengths);
    this.#writeBits(0b100, 3);
    this.#writeBits(symbolLengths.length - 257, 5);
    this.#writeBits(distanceLengths.length - 1, 5);
    this.#writeBits(CODE_LENGTH_ORDER.length - 4, 4);
    for (const symbol of CODE_LENGTH_ORDER) this.#writeBits(CODE_LENGTHS[symbol] ?? 0, 3);
    this.#writeLengths(symbolLengths);
    this.#writeLengths(distanceLengths);
  }

  /** The codes of literals, by their bytes; 0 for what has none. A copy, for whoever leaves some out. */
  literalCodes(): Uint32Array {
    return this.#symbols.slice(0, END_OF_BLOCK);
  }

  /** @returns false when one of them has no code here: what was written is of no use then */
  writeLiterals(codes: Uint32Array, bytes: Uint8Array, from: number, to: number): boolean {
    const out = this.#bytes;
    let [at, held, heldBits] = [this.#at, this.#held, this.#heldBits];
    for (let index = from; index < to; index++) {
      const code = codes[bytes[index] ?? 0] ?? 0;
      if (code === 0) return false;
      held |= (code & 0xffff) << heldBits;
      heldBits += code >>> LENGTH_SHIFT;
      if (heldBits >= 16) {
        out[at++] = held;
        out[at++] = held >>> 8;
        held >>>= 16;
        heldBits -= 16;
      }
    }
    this.#at = at;
    this.#held = held;
    this.#heldBits = heldBits;
    return true;
  }

  /** @param length at least MATCH_MIN @param distance at most DISTANCE_MAX, and what was written */
  writeMatch(length: number, distance: number): void {
    let left = length;
    // No rest is shorter than a match may be.
    for (; left > MATCH_MAX; left -= MATCH_MAX - MATCH_MIN) this.#writeOne(MATCH_MAX - MATCH_MIN, distance);
    this.#writeOne(left, distance);
  }

  /** What was written, with the tail behind it, in memory of its own. */
  finish(tail: Uint8Array): Buffer {
    this.#writeCode(this.#symbols[END_OF_BLOCK] ?? 0);
    // An empty stored block goes up to the next byte.
    this.#writeBits(0, 3);
    if (this.#heldBits > 8) this.#writeBits(0, 16 - this.#heldBits);
    else if (this.#heldBits > 0) {
      this.#bytes[this.#at++] = this.#held;
      this.#held = this.#heldBits = 0;
    }
    for (const byte of [0, 0, 0xff, 0xff]) this.#bytes[this.#at++] = byte;
    this.#bytes.set(tail, this.#at);
    return Buffer.from(this.#bytes.subarray(0, this.#at + tail.length));
  }

  #writeOne(length: number, distance: number): void {
    const symbol = lengthSymbol(length);
    this.#writeCode(this.#symbols[END_OF_BLOCK + 1 + symbol] ?? 0);
    if (symbol >= 8 && symbol < LENGTHS - 1) {
      const extraBits = (symbol >>> 2) - 1;
      this.#writeBits((length - MATCH_MIN) & ((1 << extraBits) - 1), extraBits);
    }
    const place = distanceSymbol(distance);
    this.#writeCode(this.#distances[place] ?? 0);
    if (place >= 4) {
      const extraBits = (place >>> 1) - 1;
      this.#writeBits((distance - 1) & ((1 << extraBits) - 1), extraBits);
    }
  }

  #writeLengths(lengths: Uint8Array): void {
    for (let at = 0; at < lengths.length;) {
      let zeros = 0;
      while (zeros < ZEROS_MAX && lengths[at + zeros] === 0) zeros += 1;
      if (zeros >= ZEROS_MIN) {
        this.#writeCode(CODE_LENGTH_CODES[ZEROS] ?? 0);
        this.#writeBits(zeros - ZEROS_MIN, 7);
        at += zeros;
      } else {
        this.#writeCode(CODE_LENGTH_CODES[lengths[at] ?? 0] ?? 0);
        at += 1;
      }
    }
  }

  #writeCode(code: number): void {
    this.#writeBits(code & 0xffff, code >>> LENGTH_SHIFT);
  }

  /** At most 15 of them. */
  #writeBits(value: number, bits: number): void {
    this.#held |= value << this.#heldBits;
    this.#heldBits += bits;
    if (this.#heldBits < 16) return;
    this.#bytes[this.#at++] = this.#held;
    this.#bytes[this.#at++] = this.#held >>> 8;
    this.#held >>>= 16;
    this.#heldBits -= 16;
  }
}

/** From 0: that of RFC 1951 less 257. */
function lengthSymbol(length: number): number {
  if (length === MATCH_MAX) return LENGTHS - 1;
  const from = length - MATCH_MIN;
  if (from < 8) return from;
  const top = 31 - Math.clz32(from);
  return 4 * (top - 1) + ((from >>> (top - 2)) & 3);
}

function distanceSymbol(distance: number): number {
  const from = distance - 1;
  if (from < 4) return from;
  const top = 31 - Math.clz32(from);
  return 2 * top + ((from >>> (top - 1)) & 1);
}
