/**
 * Computes the checksums of core/checksums.ts over bytes that arrive in pieces. One place for all who need them, so that what the
 * gateway verifies and what a store of our own keeps are computed alike.
 *
 * zlib and node:crypto compute what they have: they are native. The others are WebAssembly of hash-wasm, 1.0 to 1.3 GB/s. An
 * instance costs 0.24 ms to make and holds one state, so instances are kept for the next body, and a body has one for itself from
 * `acquireChecksumHash` until `release`.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { createCRC32, createCRC64, createXXHash128, createXXHash3, createXXHash64 } from 'hash-wasm';
import type { IHasher } from 'hash-wasm';
import type { ChecksumAlgorithm } from '../../core/checksums.ts';

export interface ChecksumHash {
  update(bytes: Uint8Array): void;
  /** Big-endian; once, after the last update. */
  digest(): Uint8Array;
  /** Gives the instance back; nothing else is called afterwards. A second call does nothing. */
  release(): void;
}

const CRC32C_POLYNOMIAL = 0x82f63b78;
const CRC64NVME_POLYNOMIAL = '9a6c9329ac4bc9b5';

const WASM = {
  CRC32C: () => createCRC32(CRC32C_POLYNOMIAL),
  CRC64NVME: () => createCRC64(CRC64NVME_POLYNOMIAL),
  XXHASH64: () => createXXHash64(0, 0),
  XXHASH3: () => createXXHash3(0, 0),
  XXHASH128: () => createXXHash128(0, 0),
} as const satisfies Partial<Record<ChecksumAlgorithm, () => Promise<IHasher>>>;

type WasmAlgorithm = keyof typeof WASM;

/** Instances between two bodies. Each has about 128 KiB of memory of its own, so what a burst needed is not all kept. */
const IDLE_MAX = 32;
const idle: Record<WasmAlgorithm, IHasher[]> = { CRC32C: [], CRC64NVME: [], XXHASH64: [], XXHASH3: [], XXHASH128: [] };

export async function acquireChecksumHash(algorithm: ChecksumAlgorithm): Promise<ChecksumHash> {
  switch (algorithm) {
    case 'CRC32':
      return new Crc32();
    case 'SHA1':
    case 'SHA256':
    case 'SHA512':
    case 'MD5':
      return createNativeHash(algorithm);
    default: {
      const hasher = idle[algorithm].pop() ?? (await WASM[algorithm]());
      return new WasmHash(hasher.init(), idle[algorithm]);
    }
  }
}

/** The digest of bytes that are at hand. */
export async function computeChecksum(algorithm: ChecksumAlgorithm, bytes: Uint8Array): Promise<Uint8Array> {
  const hash = await acquireChecksumHash(algorithm);
  try {
    hash.update(bytes);
    return hash.digest();
  } finally {
    hash.release();
  }
}

class Crc32 implements ChecksumHash {
  #value = 0;

  update(bytes: Uint8Array): void {
    this.#value = crc32(bytes, this.#value);
  }

  digest(): Uint8Array {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.#value);
    return bytes;
  }

  release(): void {
    // Nothing is held.
  }
}

function createNativeHash(algorithm: 'SHA1' | 'SHA256' | 'SHA512' | 'MD5'): ChecksumHash {
  const hash = createHash(algorithm);
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest(), release: () => undefined };
}

class WasmHash implements ChecksumHash {
  #hasher: IHasher | undefined;
  readonly #home: IHasher[];

  constructor(hasher: IHasher, home: IHasher[]) {
    this.#hasher = hasher;
    this.#home = home;
  }

  update(bytes: Uint8Array): void {
    this.#held().update(bytes);
  }

  digest(): Uint8Array {
    return this.#held().digest('binary');
  }

  release(): void {
    if (this.#hasher !== undefined && this.#home.length < IDLE_MAX) {
      this.#home.push(this.#hasher);
    }
    this.#hasher = undefined;
  }

  #held(): IHasher {
    if (this.#hasher === undefined) {
      throw new Error('the checksum hash was given back');
    }
    return this.#hasher;
  }
}
