/**
 * A checksum in a record: a letter for the algorithm, a letter for the type, the value. Each of a million records has one. The
 * letters stand on disk, so one that was given out never changes its meaning.
 */
import type { ChecksumAlgorithm, ObjectChecksum } from '../../core/checksums.ts';

const LETTERS: Readonly<Record<ChecksumAlgorithm, string>> = {
  CRC32: 'a',
  CRC32C: 'b',
  CRC64NVME: 'c',
  SHA1: 'd',
  SHA256: 'e',
  SHA512: 'f',
  MD5: 'g',
  XXHASH64: 'h',
  XXHASH3: 'i',
  XXHASH128: 'j',
};
const ALGORITHMS: Readonly<Record<string, ChecksumAlgorithm>> = Object.fromEntries(
  Object.entries(LETTERS).map(([algorithm, letter]) => [letter, algorithm as ChecksumAlgorithm]),
);

export const packChecksum = ({ algorithm, type, value }: ObjectChecksum): string =>
  LETTERS[algorithm] + (type === 'COMPOSITE' ? 'c' : 'f') + value;

/** Undefined too for letters that a later version gave out: then the object is read without its checksum. */
export function unpackChecksum(text: string | undefined): ObjectChecksum | undefined {
  const algorithm = text === undefined ? undefined : ALGORITHMS[text.charAt(0)];
  if (text === undefined || algorithm === undefined) {
    return undefined;
  }
  return { algorithm, type: text.charAt(1) === 'c' ? 'COMPOSITE' : 'FULL_OBJECT', value: text.slice(2) };
}
