/** Known values of every checksum, and hashers that bodies do not share. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CHECKSUM_BYTES } from '../../core/checksums.ts';
import type { ChecksumAlgorithm } from '../../core/checksums.ts';
import { acquireChecksumHash, computeChecksum } from '../../stores/rules/checksum-hash.ts';
import { buildBytes } from '../support/store-bytes.ts';

/**
 * Of the nine digits that every catalogue of CRCs checks with, and of nothing.
 * Sources: the CRC RevEng catalogue; NIST's examples; the xxHash sanity values for an empty input with seed 0.
 */
const KNOWN: Readonly<Partial<Record<ChecksumAlgorithm, Readonly<Record<string, string>>>>> = {
  CRC32: { '123456789': 'cbf43926', '': '00000000' },
  CRC32C: { '123456789': 'e3069283', '': '00000000' },
  CRC64NVME: { '123456789': 'ae8b14860a799888', '': '0000000000000000' },
  SHA1: { '': 'da39a3ee5e6b4b0d3255bfef95601890afd80709' },
  SHA256: { '': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
  MD5: { '123456789': '25f9e794323b453885f5181f1b624d0b', '': 'd41d8cd98f00b204e9800998ecf8427e' },
  XXHASH64: { '': 'ef46db3751d8e999' },
  XXHASH3: { '': '2d06800538d394c2' },
  XXHASH128: { '': '99aa06d3014798d86001c324468d497f' },
};

const ALGORITHMS = Object.keys(CHECKSUM_BYTES) as ChecksumAlgorithm[];
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('checksum hashes', () => {
  for (const algorithm of ALGORITHMS) {
    it(`${algorithm} has its known values, its length, and the same value however the bytes are cut`, async () => {
      for (const [text, hex] of Object.entries(KNOWN[algorithm] ?? {})) {
        assert.equal(toHex(await computeChecksum(algorithm, Buffer.from(text))), hex, JSON.stringify(text));
      }
      const bytes = buildBytes(100_000, 1);
      const whole = await computeChecksum(algorithm, bytes);
      assert.equal(whole.byteLength, CHECKSUM_BYTES[algorithm]);
      const hash = await acquireChecksumHash(algorithm);
      for (let at = 0; at < bytes.byteLength; at += 7919) {
        hash.update(bytes.subarray(at, at + 7919));
      }
      assert.equal(toHex(hash.digest()), toHex(whole));
      hash.release();
    });

    it(`${algorithm} of bodies that arrive at the same time do not mix, nor do those that follow one another`, async () => {
      const bodies = Array.from({ length: 5 }, (_, index) => buildBytes(3000, index));
      const expected = await Promise.all(bodies.map((body) => computeChecksum(algorithm, body)));
      for (let round = 0; round < 2; round++) {
        const hashes = await Promise.all(bodies.map(() => acquireChecksumHash(algorithm)));
        for (let at = 0; at < 3000; at += 1000) {
          bodies.forEach((body, index) => hashes[index]?.update(body.subarray(at, at + 1000)));
        }
        assert.deepEqual(
          hashes.map((hash) => toHex(hash.digest())),
          expected.map(toHex),
        );
        hashes.forEach((hash) => hash.release());
        // A second release must not put the same instance into the pool twice.
        hashes.forEach((hash) => hash.release());
      }
      // One that was abandoned half-way leaves nothing for the next.
      const abandoned = await acquireChecksumHash(algorithm);
      abandoned.update(bodies[0] as Buffer);
      abandoned.release();
      assert.equal(toHex(await computeChecksum(algorithm, bodies[1] as Buffer)), toHex(expected[1] as Uint8Array));
    });
  }
});
