/**
 * The CRC of two byte strings in a row from the CRCs of each, without their bytes: that of the first is multiplied by x^(8·length
 * of the second) modulo the polynomial, and that of the second is added. It is how a multipart object has a FULL_OBJECT checksum
 * although nobody reads its parts again.
 *
 * All three CRCs are reflected, begin with all ones and end inverted, which cancels out in the combination. In the reflected
 * form the highest bit stands for x^0. Values are two words of 32 bits, since BigInts are allocated at every step, and a completion
 * combines up to 10,000 parts.
 */
import type { CrcAlgorithm } from '../../core/checksums.ts';

/** A value of up to 64 bits; `high` is 0 for one of 32. */
interface Words {
  readonly high: number;
  readonly low: number;
}

interface Field {
  readonly bits: 32 | 64;
  readonly polynomial: Words;
  /** x^(2^index), computed as far as it was needed. */
  readonly squares: Words[];
}

const FIELDS: Readonly<Record<CrcAlgorithm, Field>> = {
  CRC32: createField(32, { high: 0, low: 0xedb88320 }),
  CRC32C: createField(32, { high: 0, low: 0x82f63b78 }),
  CRC64NVME: createField(64, { high: 0x9a6c9329, low: 0xac4bc9b5 }),
};

/** @param crcA and crcB digests, big-endian. @param lengthB in bytes. @returns a digest */
export function combineCrc(algorithm: CrcAlgorithm, crcA: Uint8Array, crcB: Uint8Array, lengthB: number): Uint8Array {
  const field = FIELDS[algorithm];
  let value = readWords(crcA);
  // Times x^(8·length): one factor for each bit of the length, x^8 being the third square.
  for (let left = lengthB, square = 3; left > 0; left = Math.floor(left / 2), square++) {
    if (left % 2 === 1) {
      value = multiply(field, value, toSquare(field, square));
    }
  }
  const added = readWords(crcB);
  return printWords({ high: value.high ^ added.high, low: value.low ^ added.low }, field.bits);
}

function createField(bits: 32 | 64, polynomial: Words): Field {
  const x = bits === 32 ? { high: 0, low: 1 << 30 } : { high: 1 << 30, low: 0 };
  return { bits, polynomial, squares: [x] };
}

function toSquare(field: Field, index: number): Words {
  for (let last = field.squares.length - 1; last < index; last++) {
    const square = field.squares[last] as Words;
    field.squares.push(multiply(field, square, square));
  }
  return field.squares[index] as Words;
}

/** The product modulo the polynomial: for each power of x in `a`, `b` times that power is added. */
function multiply({ bits, polynomial }: Field, a: Words, b: Words): Words {
  let high = 0;
  let low = 0;
  let shiftedHigh = b.high;
  let shiftedLow = b.low;
  for (let bit = bits - 1; bit >= 0; bit--) {
    if ((((bit >= 32 ? a.high : a.low) >>> (bit & 31)) & 1) === 1) {
      high ^= shiftedHigh;
      low ^= shiftedLow;
    }
    const carry = shiftedLow & 1;
    shiftedLow = (shiftedLow >>> 1) | (shiftedHigh << 31);
    shiftedHigh >>>= 1;
    if (carry === 1) {
      shiftedHigh ^= polynomial.high;
      shiftedLow ^= polynomial.low;
    }
  }
  return { high, low };
}

function readWords(digest: Uint8Array): Words {
  const view = new DataView(digest.buffer, digest.byteOffset, digest.byteLength);
  return digest.byteLength === 4
    ? { high: 0, low: view.getUint32(0) }
    : { high: view.getUint32(0), low: view.getUint32(4) };
}

function printWords({ high, low }: Words, bits: 32 | 64): Uint8Array {
  const bytes = new Uint8Array(bits / 8);
  const view = new DataView(bytes.buffer);
  if (bits === 64) {
    view.setUint32(0, high >>> 0);
  }
  view.setUint32(bits / 8 - 4, low >>> 0);
  return bytes;
}
