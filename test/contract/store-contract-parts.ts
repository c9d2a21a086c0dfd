/** The parts of a finished object. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MiB } from '../../core/limits.ts';
import type { UploadChecksum } from '../../stores/store.ts';
import { buildBytes, toBody, toChecksum } from '../support/store-bytes.ts';
import { drain } from '../support/store-drain.ts';
import { assertFails } from '../support/store-failure.ts';
import type { Subject } from './store-contract.ts';

const NONE = { metadata: {} };
const FULL = buildBytes(5 * MiB, 31);
const NEXT = buildBytes(5 * MiB + 17, 32);
const TAIL = buildBytes(99, 33);

export function describeParts(subject: Subject): void {
  describe('parts of objects', () => {
    const build = async (key: string, numbers: readonly number[], checksum?: UploadChecksum) => {
      const place = { bucket: subject.bucket, key: `parts/${key}` };
      const upload = {
        ...place,
        ...(await subject.store.createUpload({ ...place, headers: NONE, ...(checksum && { checksum }) })),
      };
      const parts = [];
      for (const [index, bytes] of [FULL, NEXT, TAIL].entries()) {
        const partNumber = numbers[index] ?? 0;
        const { etag } = await subject.store.uploadPart(upload, partNumber, toBody(bytes));
        parts.push({ partNumber, etag });
      }
      await subject.store.completeUpload(upload, parts);
      return place;
    };

    for (const numbers of [
      [1, 2, 3],
      [2, 3, 9],
      [7, 100, 10_000],
    ]) {
      it(`an object of the parts ${numbers.join(', ')} tells and returns each by its number`, async () => {
        const place = await build(`of-${numbers.join('-')}`, numbers);
        const info = await subject.store.head({ ...place, withParts: true });
        assert.equal(info.partCount, 3);
        const expected = [];
        let first = 0;
        for (const [index, bytes] of [FULL, NEXT, TAIL].entries()) {
          const partNumber = numbers[index] ?? 0;
          expected.push({ partNumber, sizeBytes: bytes.byteLength });
          const got = await subject.store.get({ ...place, partNumber });
          assert.deepEqual(got.range, { first, lengthBytes: bytes.byteLength });
          assert.equal(got.info.sizeBytes, info.sizeBytes);
          assert.equal(got.info.partCount, 3);
          assert.ok((await drain(got.body)).equals(bytes), String(partNumber));
          first += bytes.byteLength;
        }
        assert.deepEqual(info.parts, expected);
        for (const partNumber of [0, 4, 8, 10_001].filter((number) => !numbers.includes(number))) {
          const failed = subject.store.get({ ...place, partNumber });
          await assertFails(failed, 'store_refused', 'InvalidPartNumber');
        }
      });
    }

    it('the parts of an upload that named an algorithm are told with their checksums', async () => {
      const place = await build('named', [1, 2, 3], { algorithm: 'CRC64NVME', type: 'FULL_OBJECT' });
      const { parts } = await subject.store.head({ ...place, withParts: true });
      const values = [];
      for (const bytes of [FULL, NEXT, TAIL]) values.push((await toChecksum('CRC64NVME', bytes)).value);
      assert.deepEqual(
        parts?.map(({ checksum }) => checksum),
        values.map((value) => ({ algorithm: 'CRC64NVME', value })),
      );
    });

    it('parts are told only when they were asked for, and stay when the tags change', async () => {
      const place = await build('asked', [1, 2, 3]);
      const plain = await subject.store.head(place);
      assert.equal(plain.parts, undefined);
      assert.equal(plain.partCount, 3);
      await subject.store.putTags(place, { t: 'v' });
      assert.equal((await subject.store.head({ ...place, withParts: true })).parts?.length, 3);
    });

    for (const sizeBytes of [0, 10, 50_000]) {
      it(`an object of ${String(sizeBytes)} bytes that was put whole is its own part 1 and has no other`, async () => {
        const place = { bucket: subject.bucket, key: `parts/whole-${String(sizeBytes)}` };
        const bytes = buildBytes(sizeBytes, 1);
        await subject.store.put({ ...place, headers: NONE }, toBody(bytes));
        const info = await subject.store.head({ ...place, withParts: true });
        assert.equal(info.partCount, undefined);
        assert.equal(info.parts, undefined);
        const got = await subject.store.get({ ...place, partNumber: 1 });
        assert.deepEqual(got.range, { first: 0, lengthBytes: sizeBytes });
        assert.ok((await drain(got.body)).equals(bytes));
        await assertFails(subject.store.get({ ...place, partNumber: 2 }), 'store_refused', 'InvalidPartNumber');
      });
    }

    it('a part is read whole while the object is replaced', async () => {
      const place = await build('replaced', [1, 2, 3]);
      const { body } = await subject.store.get({ ...place, partNumber: 2 });
      await subject.store.put({ ...place, headers: NONE }, toBody(TAIL));
      assert.ok((await drain(body)).equals(NEXT));
    });
  });
}
