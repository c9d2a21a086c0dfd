/** Bytes that look random, are the same every time, and differ everywhere, so that a shifted or mixed read cannot pass. */
import { createHash } from 'node:crypto';
import type { ChecksumAlgorithm, ObjectChecksum } from '../../core/checksums.ts';
import type { Sha256Hex } from '../../core/ids.ts';
import { computeChecksum } from '../../stores/rules/checksum-hash.ts';
import type { Body } from '../../stores/store.ts';

export function buildBytes(sizeBytes: number, seed: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let index = 0; index < sizeBytes; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state & 0xff;
  }
  return bytes;
}

export const toBody = (bytes: Uint8Array): Body => ({ sizeBytes: bytes.byteLength, content: bytes });
export const toSha256 = (bytes: Uint8Array): Sha256Hex => createHash('sha256').update(bytes).digest('hex') as Sha256Hex;
export const toMd5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');
export async function toChecksum(algorithm: ChecksumAlgorithm, bytes: Uint8Array): Promise<ObjectChecksum> {
  const value = Buffer.from(await computeChecksum(algorithm, bytes)).toString('base64');
  return { algorithm, type: 'FULL_OBJECT', value };
}
