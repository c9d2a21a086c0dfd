/** The CRC of a whole from those of its pieces is the CRC of the whole. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { computeChecksum } from '../../stores/rules/checksum-hash.ts';
import { combineCrc } from '../../stores/rules/combine-crc.ts';
import { buildBytes } from '../support/store-bytes.ts';

for (const algorithm of ['CRC32', 'CRC32C', 'CRC64NVME'] as const) {
  it(`${algorithm} of any pieces combine to that of the whole`, async () => {
    const property = fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), async (pieces) => {
      let combined = await computeChecksum(algorithm, new Uint8Array());
      for (const piece of pieces) {
        combined = combineCrc(algorithm, combined, await computeChecksum(algorithm, piece), piece.byteLength);
      }
      assert.deepEqual(Buffer.from(combined), Buffer.from(await computeChecksum(algorithm, Buffer.concat(pieces))));
    });
    await fc.assert(property, { numRuns: 200 });
  });

  it(`${algorithm} of pieces of many sizes up to 8 MiB combine, also behind 5 TiB of zeros as many small steps tell`, async () => {
    const whole = buildBytes(8 * 2 ** 20 + 3, 5);
    for (const cut of [1, 255, 65_536, 1_000_003, 2 ** 23]) {
      const [a, b] = [whole.subarray(0, cut), whole.subarray(cut)];
      const combined = combineCrc(
        algorithm,
        await computeChecksum(algorithm, a),
        await computeChecksum(algorithm, b),
        b.byteLength,
      );
      assert.deepEqual(Buffer.from(combined), Buffer.from(await computeChecksum(algorithm, whole)), String(cut));
    }
    // Lengths beyond 32 bits: one step over 5 TiB is the same as 1,024 steps over 5 GiB.
    const start = await computeChecksum(algorithm, whole);
    const none = new Uint8Array(start.byteLength);
    let stepped = start;
    for (let step = 0; step < 1024; step++) {
      stepped = combineCrc(algorithm, stepped, none, 5 * 2 ** 30);
    }
    assert.deepEqual(Buffer.from(stepped), Buffer.from(combineCrc(algorithm, start, none, 5 * 2 ** 40)));
  });
}
