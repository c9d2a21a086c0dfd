/**
 * The bytes of every object: one letter over and over, so that any range of them is a view of one buffer, and their MD5 and CRC32 depend
 * on the length alone. What is put is compared with it, which costs next to nothing; only what differs is hashed.
 */
import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

export const PATTERN = Buffer.alloc(1024 * 1024, 'x');
const KNOWN_MAX = 10_000;
const known = new Map<number, string>();

/** The MD5 of an object of this size, in hex. */
export function toPatternMd5(sizeBytes: number): string {
  let md5 = known.get(sizeBytes);
  if (md5 === undefined) {
    md5 = updatePattern(createHash('md5'), sizeBytes).digest('hex');
    if (known.size < KNOWN_MAX) known.set(sizeBytes, md5);
  }
  return md5;
}

function updatePattern(hash: Hash, sizeBytes: number): Hash {
  for (let left = sizeBytes; left > 0; left -= PATTERN.length) hash.update(PATTERN.subarray(0, left));
  return hash;
}

const knownCrcs = new Map<number, string>();

/** The CRC32 of an object of this size, in base64. */
export function toPatternCrc32(sizeBytes: number): string {
  let value = knownCrcs.get(sizeBytes);
  if (value === undefined) {
    let crc = 0;
    for (let left = sizeBytes; left > 0; left -= PATTERN.length) crc = crc32(PATTERN.subarray(0, left), crc);
    value = printCrc32(crc);
    if (knownCrcs.size < KNOWN_MAX) knownCrcs.set(sizeBytes, value);
  }
  return value;
}

function printCrc32(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString('base64');
}

/** MD5 and CRC32 of what was received, whatever it was. */
export class ReceivedMd5 {
  #sizeBytes = 0;
  #hash: Hash | undefined;
  #crc = 0;
  #md5: string | undefined;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  update(piece: Buffer): void {
    if (this.#hash === undefined && !isPattern(piece)) {
      this.#hash = updatePattern(createHash('md5'), this.#sizeBytes);
      this.#crc = Buffer.from(toPatternCrc32(this.#sizeBytes), 'base64').readUInt32BE();
    }
    if (this.#hash !== undefined) {
      this.#hash.update(piece);
      this.#crc = crc32(piece, this.#crc);
    }
    this.#sizeBytes += piece.length;
  }

  digest(): string {
    return (this.#md5 ??= this.#hash?.digest('hex') ?? toPatternMd5(this.#sizeBytes));
  }

  get crc32(): string {
    return this.#hash === undefined ? toPatternCrc32(this.#sizeBytes) : printCrc32(this.#crc);
  }
}

function isPattern(piece: Buffer): boolean {
  for (let at = 0; at < piece.length; at += PATTERN.length) {
    const part = piece.subarray(at, at + PATTERN.length);
    if (!part.equals(PATTERN.subarray(0, part.length))) return false;
  }
  return true;
}
