/**
 * The checksums that S3 keeps beside an object. Values travel as base64 of the digest, big-endian for the CRCs and xxHash.
 * Source: AWS, "Checking object integrity in Amazon S3", and the enum ChecksumAlgorithm of its SDK.
 */

/** Digest length in bytes, by S3's name of the algorithm. */
export const CHECKSUM_BYTES = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
  SHA512: 64,
  MD5: 16,
  XXHASH64: 8,
  XXHASH3: 8,
  XXHASH128: 16,
} as const;

export type ChecksumAlgorithm = keyof typeof CHECKSUM_BYTES;

/** Those of a whole follow from those of its pieces. */
export type CrcAlgorithm = Extract<ChecksumAlgorithm, 'CRC32' | 'CRC32C' | 'CRC64NVME'>;

const CRCS: ReadonlySet<ChecksumAlgorithm> = new Set<CrcAlgorithm>(['CRC32', 'CRC32C', 'CRC64NVME']);
export const isCrc = (algorithm: ChecksumAlgorithm): algorithm is CrcAlgorithm => CRCS.has(algorithm);

/** FULL_OBJECT is over the bytes; COMPOSITE is over the digests of the parts, and its value ends in `-N`. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

export interface ObjectChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  /** base64, with `-N` behind it when the type is COMPOSITE. */
  readonly value: string;
}

/** The header, and the trailer, that carries a checksum. */
export const checksumHeader = (algorithm: ChecksumAlgorithm): string => `x-amz-checksum-${algorithm.toLowerCase()}`;

const BY_HEADER: ReadonlyMap<string, ChecksumAlgorithm> = new Map(
  (Object.keys(CHECKSUM_BYTES) as ChecksumAlgorithm[]).map((algorithm) => [checksumHeader(algorithm), algorithm]),
);

/** The algorithm whose header (in lower case) this is. */
export const toChecksumAlgorithm = (header: string): ChecksumAlgorithm | undefined => BY_HEADER.get(header);
