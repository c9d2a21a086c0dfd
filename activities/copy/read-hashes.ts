/**
 * Hashes of a body, taken while it comes in: each piece is still in the processor's cache then, where a pass over the whole later would
 * fetch it from memory once more for each hash.
 */
import { createHash, type Hash } from 'node:crypto';
import type { CrcAlgorithm } from '../../core/checksums.ts';
import type { Sha256Hex } from '../../core/ids.ts';
import { acquireChecksumHash, type ChecksumHash } from '../../stores/rules/checksum-hash.ts';

/** What a memory of this size is hashed by at once, where it is hashed behind the reading. */
const PIECE_BYTES = 256 * 1024;

export interface WantedHashes {
  readonly sha256: boolean;
  readonly md5: boolean;
  readonly crc: CrcAlgorithm | null;
}

/** Those that were wanted. */
export interface Digests {
  readonly sha256?: Sha256Hex;
  /** Hex. */
  readonly md5?: string;
  /** base64. */
  readonly crc?: string;
}

export class ReadHashes {
  readonly #sha256: Hash | null;
  readonly #md5: Hash | null;
  readonly #crc: ChecksumHash | null;
  #seenBytes = 0;

  private constructor({ sha256, md5 }: WantedHashes, crc: ChecksumHash | null) {
    this.#sha256 = sha256 ? createHash('sha256') : null;
    this.#md5 = md5 ? createHash('md5') : null;
    this.#crc = crc;
  }

  /** To be released. */
  static async begin(wanted: WantedHashes): Promise<ReadHashes> {
    return new ReadHashes(wanted, wanted.crc === null ? null : await acquireChecksumHash(wanted.crc));
  }

  update(piece: Uint8Array): void {
    this.#seenBytes += piece.byteLength;
    this.#sha256?.update(piece);
    this.#md5?.update(piece);
    this.#crc?.update(piece);
  }

  /** The whole, as it was read: what was not told while it came is taken now. */
  finish(whole: Uint8Array): Digests {
    for (let at = this.#seenBytes; at < whole.byteLength; at += PIECE_BYTES) {
      this.update(whole.subarray(at, at + PIECE_BYTES));
    }
    return this.digest();
  }

  digest(): Digests {
    return {
      ...(this.#sha256 && { sha256: this.#sha256.digest('hex') as Sha256Hex }),
      ...(this.#md5 && { md5: this.#md5.digest('hex') }),
      ...(this.#crc && { crc: Buffer.from(this.#crc.digest()).toString('base64') }),
    };
  }

  release(): void {
    this.#crc?.release();
  }
}
