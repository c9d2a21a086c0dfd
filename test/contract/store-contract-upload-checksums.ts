/** The checksums of an upload: of its parts, and of the object that they become. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChecksumAlgorithm, ObjectChecksum } from '../../core/checksums.ts';
import { MiB } from '../../core/limits.ts';
import type { Body, CompletedPart, PartChecksum, UploadChecksum, UploadRef } from '../../stores/store.ts';
import { buildBytes, toChecksum } from '../support/store-bytes.ts';
import { assertFails } from '../support/store-failure.ts';
import type { Subject } from './store-contract.ts';

const NONE = { metadata: {} };
const FULL = buildBytes(5 * MiB, 21);
const TAIL = buildBytes(4321, 22);
const CRCS = ['CRC32', 'CRC32C', 'CRC64NVME'] as const;
const COMPOSITES: readonly ChecksumAlgorithm[] = [
  'CRC32',
  'CRC32C',
  'SHA1',
  'SHA256',
  'SHA512',
  'MD5',
  'XXHASH64',
  'XXHASH3',
  'XXHASH128',
];

const toPart = ({ algorithm, value }: ObjectChecksum): PartChecksum => ({ algorithm, value });

export function describeUploadChecksums(subject: Subject): void {
  describe('checksums of uploads', () => {
    const begin = async (key: string, checksum?: UploadChecksum): Promise<UploadRef> => {
      const place = { bucket: subject.bucket, key: `upload-checksums/${key}` };
      const request = { ...place, headers: NONE, ...(checksum && { checksum }) };
      return { ...place, ...(await subject.store.createUpload(request)) };
    };
    const send = async (upload: UploadRef, partNumber: number, bytes: Uint8Array, brought?: ObjectChecksum) => {
      const body = { sizeBytes: bytes.byteLength, content: bytes, ...(brought && { checksum: () => brought }) };
      const { etag, checksum } = await subject.store.uploadPart(upload, partNumber, body);
      return { partNumber, etag, checksum: checksum as ObjectChecksum };
    };
    const sendBoth = async (upload: UploadRef) => [await send(upload, 2, FULL), await send(upload, 5, TAIL)];
    const named = (parts: Awaited<ReturnType<typeof sendBoth>>): CompletedPart[] =>
      parts.map(({ checksum, ...part }) => ({ ...part, checksum: toPart(checksum) }));
    const compositeOf = async (algorithm: ChecksumAlgorithm, ...parts: Uint8Array[]): Promise<ObjectChecksum> => {
      const digests: Buffer[] = [];
      for (const part of parts) {
        digests.push(Buffer.from((await toChecksum(algorithm, part)).value, 'base64'));
      }
      const { value } = await toChecksum(algorithm, Buffer.concat(digests));
      return { algorithm, type: 'COMPOSITE', value: `${value}-${String(parts.length)}` };
    };

    it('an upload that names none gets the CRC64NVME of all its bytes, and so do its parts', async () => {
      const upload = await begin('default');
      const parts = await sendBoth(upload);
      assert.deepEqual(
        parts.map((part) => part.checksum),
        [await toChecksum('CRC64NVME', FULL), await toChecksum('CRC64NVME', TAIL)],
      );
      const listed = await subject.store.listParts(upload);
      assert.deepEqual(
        listed.map((part) => part.checksum),
        parts.map((part) => toPart(part.checksum)),
      );
      assert.ok(listed.every(({ lastModifiedMs = 0 }) => Math.abs(Date.now() - lastModifiedMs) < 60_000));
      const result = await subject.store.completeUpload(upload, named(parts));
      assert.deepEqual(result.checksum, await toChecksum('CRC64NVME', Buffer.concat([FULL, TAIL])));
      assert.deepEqual((await subject.store.head(upload)).checksum, result.checksum);
    });

    for (const algorithm of CRCS) {
      it(`${algorithm} FULL_OBJECT is that of all bytes`, async () => {
        const upload = await begin(`full-${algorithm}`, { algorithm, type: 'FULL_OBJECT' });
        const parts = await sendBoth(upload);
        const expected = await toChecksum(algorithm, Buffer.concat([FULL, TAIL]));
        const request = { ...upload, checksum: toPart(expected), sizeBytes: FULL.byteLength + TAIL.byteLength };
        const result = await subject.store.completeUpload(request, named(parts));
        assert.deepEqual(result.checksum, expected);
        const { checksum } = await subject.store.head(upload);
        assert.deepEqual(checksum, expected);
        const { objects } = await subject.store.list({ bucket: upload.bucket, prefix: upload.key });
        assert.deepEqual(objects[0]?.checksum, { algorithm, type: 'FULL_OBJECT' });
      });
    }

    for (const algorithm of COMPOSITES) {
      it(`${algorithm} COMPOSITE is over the digests of the parts, with their number behind it`, async () => {
        const upload = await begin(`composite-${algorithm}`, { algorithm, type: 'COMPOSITE' });
        const brought = await toChecksum(algorithm, FULL);
        const parts = [await send(upload, 1, FULL, brought), await send(upload, 2, TAIL)];
        assert.deepEqual(parts[0]?.checksum, brought);
        assert.deepEqual(parts[1]?.checksum, await toChecksum(algorithm, TAIL));
        const expected = await compositeOf(algorithm, FULL, TAIL);
        const result = await subject.store.completeUpload({ ...upload, checksum: toPart(expected) }, named(parts));
        assert.deepEqual(result.checksum, expected);
        assert.deepEqual((await subject.store.head(upload)).checksum, expected);
      });
    }

    it('types that an algorithm cannot have are refused when the upload begins', async () => {
      for (const algorithm of COMPOSITES.filter((each) => !each.startsWith('CRC'))) {
        await assertFails(begin('impossible', { algorithm, type: 'FULL_OBJECT' }), 'store_refused', 'InvalidRequest');
      }
      await assertFails(
        begin('impossible', { algorithm: 'CRC64NVME', type: 'COMPOSITE' }),
        'store_refused',
        'InvalidRequest',
      );
    });

    it('an open upload is listed with its checksum, and without one where it named none', async () => {
      const checksum = { algorithm: 'SHA256', type: 'COMPOSITE' } as const;
      const upload = await begin('listed', checksum);
      const other = await begin('listed');
      const open = await subject.store.listUploads({ bucket: upload.bucket, prefix: upload.key });
      const found = new Map(open.map((each) => [each.uploadId, each.checksum]));
      assert.deepEqual(found.get(upload.uploadId), checksum);
      assert.equal(found.get(other.uploadId), undefined);
      await subject.store.abortUpload(upload);
      await subject.store.abortUpload(other);
    });

    it('a part that brings a checksum of another algorithm than the upload names is refused, and not kept', async () => {
      const upload = await begin('other-algorithm', { algorithm: 'CRC32', type: 'COMPOSITE' });
      const brought = await toChecksum('SHA1', TAIL);
      await assertFails(send(upload, 1, TAIL, brought), 'store_refused', 'InvalidRequest');
      assert.deepEqual(await subject.store.listParts(upload), []);
      await subject.store.abortUpload(upload);
    });

    it('a part that is known to bring another algorithm than the upload names is refused unread', async () => {
      const upload = await begin('known-algorithm', { algorithm: 'CRC32', type: 'COMPOSITE' });
      let isRead = false;
      const body: Body = {
        sizeBytes: TAIL.byteLength,
        content: async function* () {
          isRead = true;
          yield TAIL;
        },
        checksum: () => assert.fail('its checksum was asked for'),
        checksumAlgorithm: 'SHA1',
      };
      await assertFails(subject.store.uploadPart(upload, 1, body), 'store_refused', 'InvalidRequest');
      assert.equal(isRead, false);
      assert.deepEqual(await subject.store.listParts(upload), []);
      await subject.store.abortUpload(upload);
    });

    it('where the upload names none a part may bring any, and the object still gets its CRC64NVME', async () => {
      const upload = await begin('any-algorithm');
      const brought = await toChecksum('SHA1', TAIL);
      const part = await send(upload, 1, TAIL, brought);
      assert.deepEqual(part.checksum, brought);
      const wrong = { ...part, checksum: toPart(await toChecksum('SHA1', FULL)) };
      await assertFails(subject.store.completeUpload(upload, [wrong]), 'store_refused', 'InvalidPart');
      const result = await subject.store.completeUpload(upload, named([part]));
      assert.deepEqual(result.checksum, await toChecksum('CRC64NVME', TAIL));
    });

    it('a completion that names another checksum of a part is refused, and the upload stays', async () => {
      const upload = await begin('wrong-part', { algorithm: 'CRC32C', type: 'FULL_OBJECT' });
      const part = await send(upload, 1, TAIL);
      for (const checksum of [toPart(await toChecksum('CRC32C', FULL)), toPart(await toChecksum('CRC32', TAIL))]) {
        const complete = subject.store.completeUpload(upload, [{ ...part, checksum }]);
        await assertFails(complete, 'store_refused', 'InvalidPart');
      }
      assert.equal((await subject.store.listParts(upload)).length, 1);
      await subject.store.completeUpload(upload, named([part]));
    });

    it('a completion that promises another checksum or size of the object is refused, and nothing becomes visible', async () => {
      const upload = await begin('wrong-whole', { algorithm: 'CRC32', type: 'FULL_OBJECT' });
      const part = await send(upload, 1, TAIL);
      const complete = async (more: object): Promise<unknown> =>
        subject.store.completeUpload({ ...upload, ...more }, named([part]));
      const digest = toPart(await toChecksum('CRC32', FULL));
      await assertFails(complete({ checksum: digest }), 'store_refused', 'BadDigest');
      const other = toPart(await toChecksum('CRC64NVME', TAIL));
      await assertFails(complete({ checksum: other }), 'store_refused', 'InvalidRequest');
      await assertFails(complete({ sizeBytes: TAIL.byteLength + 1 }), 'store_refused', 'InvalidRequest');
      await assertFails(subject.store.head(upload), 'no_such_key');
      await complete({ checksum: toPart(part.checksum), sizeBytes: TAIL.byteLength });
      assert.deepEqual((await subject.store.head(upload)).checksum, part.checksum);
    });

    it('completing again, the answer having been lost, returns the same checksum, also under If-None-Match', async () => {
      const upload = await begin('again', { algorithm: 'SHA256', type: 'COMPOSITE' });
      const parts = await sendBoth(upload);
      const request = { ...upload, ifNoneMatch: '*' as const };
      const first = await subject.store.completeUpload(request, named(parts));
      assert.deepEqual(first.checksum, await compositeOf('SHA256', FULL, TAIL));
      assert.deepEqual(await subject.store.completeUpload(request, named(parts)), first);
      const both = await Promise.all([1, 2].map(() => subject.store.completeUpload(request, named(parts))));
      assert.deepEqual(both, [first, first]);
    });

    it('of concurrent completions of one upload all return the same', async () => {
      const upload = await begin('concurrent', { algorithm: 'SHA1', type: 'COMPOSITE' });
      const parts = await sendBoth(upload);
      const request = { ...upload, ifNoneMatch: '*' as const };
      const results = await Promise.all([1, 2, 3].map(() => subject.store.completeUpload(request, named(parts))));
      assert.deepEqual(results, Array(3).fill(results[0]));
    });
  });
}
