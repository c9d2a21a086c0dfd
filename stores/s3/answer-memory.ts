/**
 * Memory for answers that are read once and then done with, which pages of a listing are: some 300 KB each, thousands of them. Made anew
 * for each, it is the system's to clear and V8's to collect its whole heap for, every few dozen pages.
 */
import { KiB } from '../../core/limits.ts';

/** A usual page of S3 has 300 to 400 KB; longer answers get a multiple of it. */
const PIECE_BYTES = 512 * KiB;
/** Pieces that wait to be used: 16 MiB. */
const FREE_MAX = 32;

const free: Buffer[] = [];

/** At least that long; what is in it is anything. */
export function lendMemory(bytes: number): Buffer {
  if (bytes <= PIECE_BYTES) return free.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
  return Buffer.allocUnsafeSlow(Math.ceil(bytes / PIECE_BYTES) * PIECE_BYTES);
}

/** Once, of what was lent. Who does not only costs a new piece. */
export function giveBackMemory(memory: Buffer): void {
  if (memory.byteLength === PIECE_BYTES && free.length < FREE_MAX) free.push(memory);
}
