/** The checksum of an object that was put whole. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChecksumAlgorithm, ObjectChecksum } from '../../core/checksums.ts';
import { CHECKSUM_BYTES } from '../../core/checksums.ts';
import type { Body } from '../../stores/store.ts';
import { buildBytes, toBody, toChecksum } from '../support/store-bytes.ts';
import { inPieces } from '../support/store-drain.ts';
import { assertFails } from '../support/store-failure.ts';
import type { Subject } from './store-contract.ts';

const NONE = { metadata: {} };
/** In the index, in a file of one chunk, and in one of many. */
const SIZES = [0, 700, 40_000, 700_000];

export function describeChecksums(subject: Subject): void {
  describe('checksums of objects', () => {
    const put = async (key: string, body: Body) => {
      const place = { bucket: subject.bucket, key: `checksums/${key}` };
      return { place, result: await subject.store.put({ ...place, headers: NONE }, body) };
    };
    const heldAs = async (place: { bucket: string; key: string }): Promise<unknown[]> => {
      const { info, body } = await subject.store.get(place);
      await body[Symbol.asyncIterator]().return?.();
      const { objects } = await subject.store.list({ bucket: place.bucket, prefix: place.key });
      return [(await subject.store.head(place)).checksum, info.checksum, objects.map((object) => object.checksum)];
    };

    for (const sizeBytes of SIZES) {
      it(`an object of ${String(sizeBytes)} bytes that brings none gets a CRC64NVME of its bytes`, async () => {
        const bytes = buildBytes(sizeBytes, 3);
        const expected = await toChecksum('CRC64NVME', bytes);
        const whole = await put('computed', toBody(bytes));
        assert.deepEqual(whole.result.checksum, expected);
        const { algorithm, type } = expected;
        assert.deepEqual(await heldAs(whole.place), [expected, expected, [{ algorithm, type }]]);
        const streamed = await put('computed', { sizeBytes, content: () => inPieces(bytes, 3000) });
        assert.deepEqual(streamed.result.checksum, expected);
      });

      it(`an object of ${String(sizeBytes)} bytes keeps the checksum that it brings, whatever the algorithm`, async () => {
        const bytes = buildBytes(sizeBytes, 4);
        for (const algorithm of Object.keys(CHECKSUM_BYTES) as ChecksumAlgorithm[]) {
          const expected = await toChecksum(algorithm, bytes);
          const asked: boolean[] = [];
          let read = sizeBytes === 0;
          const content = async function* (): AsyncGenerator<Uint8Array> {
            yield* inPieces(bytes, 5000);
            read = true;
          };
          const checksum = (): ObjectChecksum => {
            asked.push(read);
            return expected;
          };
          const { place, result } = await put('brought', { sizeBytes, content, checksum });
          assert.deepEqual(asked, [true], 'it is asked once, after the last byte');
          assert.deepEqual(result.checksum, expected);
          assert.deepEqual(await heldAs(place), [expected, expected, [{ algorithm, type: 'FULL_OBJECT' }]]);
        }
      });

      it(`a body of ${String(sizeBytes)} bytes that promised a checksum and brought none gets one all the same`, async () => {
        const bytes = buildBytes(sizeBytes, 5);
        const body = { sizeBytes, content: () => inPieces(bytes, 5000), checksum: () => undefined };
        const { place, result } = await put('promised', body);
        assert.deepEqual(result.checksum, await toChecksum('CRC64NVME', bytes));
        assert.deepEqual((await subject.store.head(place)).checksum, result.checksum);
      });
    }

    it('tags do not change the checksum, and another body replaces it', async () => {
      const { place, result } = await put('replaced', toBody(buildBytes(50, 1)));
      await subject.store.putTags(place, { t: 'v' });
      assert.deepEqual((await subject.store.head(place)).checksum, result.checksum);
      const second = await put('replaced', toBody(buildBytes(50, 2)));
      assert.notDeepEqual(second.result.checksum, result.checksum);
      assert.deepEqual((await subject.store.head(place)).checksum, second.result.checksum);
    });

    it('a trailer that fails its check, after all bytes came, leaves nothing behind', async () => {
      for (const sizeBytes of SIZES.slice(1)) {
        const content = async function* (): AsyncGenerator<Uint8Array> {
          yield* inPieces(buildBytes(sizeBytes, 6), 5000);
          throw new Error('the trailer does not match');
        };
        await assertFails(put('refused', { sizeBytes, content }), 'body_corrupt');
        await assertFails(subject.store.head({ bucket: subject.bucket, key: 'checksums/refused' }), 'no_such_key');
      }
    });
  });
}
