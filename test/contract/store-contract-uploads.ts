import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MiB } from '../../core/limits.ts';
import type { UploadRef } from '../../stores/store.ts';
import { buildBytes, toBody, toMd5, toSha256 } from '../support/store-bytes.ts';
import { drain, inPieces } from '../support/store-drain.ts';
import { assertFails } from '../support/store-failure.ts';
import { createHash } from 'node:crypto';
import type { Subject } from './store-contract.ts';

const NONE = { metadata: {} };
const FULL = buildBytes(5 * MiB, 11);
const TAIL = buildBytes(1234, 12);

export function describeUploads(subject: Subject): void {
  describe('multipart uploads', () => {
    const begin = async (key: string, more = {}): Promise<UploadRef> => {
      const place = { bucket: subject.bucket, key: `uploads/${key}` };
      return { ...place, ...(await subject.store.createUpload({ ...place, headers: NONE, ...more })) };
    };
    const send = async (upload: UploadRef, partNumber: number, bytes: Uint8Array) => ({
      partNumber,
      etag: (await subject.store.uploadPart(upload, partNumber, toBody(bytes))).etag as string,
    });
    const read = async (upload: UploadRef, range?: { first: number; last: number }): Promise<Buffer> => {
      const { bucket, key } = upload;
      return drain((await subject.store.get({ bucket, key, ...(range === undefined ? {} : { range }) })).body);
    };

    it('the parts become the object, with its headers, tags and ETag', async () => {
      const headers = { contentType: 'x/y', metadata: { md5: 'abc' } };
      const upload = await begin('whole', { headers, tags: { t: 'v' } });
      const second = await send(upload, 7, TAIL);
      const first = await send(upload, 2, FULL);
      await assertFails(subject.store.head(upload), 'no_such_key');
      const { etag } = await subject.store.completeUpload(upload, [first, second]);
      const md5s = Buffer.from(toMd5(FULL) + toMd5(TAIL), 'hex');
      assert.equal(etag, `${createHash('md5').update(md5s).digest('hex')}-2`);
      const info = await subject.store.head(upload);
      assert.equal(info.etag, etag);
      assert.equal(info.sizeBytes, FULL.byteLength + TAIL.byteLength);
      assert.equal(info.contentType, 'x/y');
      assert.deepEqual(info.metadata, { md5: 'abc' });
      assert.deepEqual(await subject.store.getTags(upload), { t: 'v' });
      assert.ok((await read(upload)).equals(Buffer.concat([FULL, TAIL])));
      const seam = await read(upload, { first: FULL.byteLength - 3, last: FULL.byteLength + 2 });
      assert.ok(seam.equals(Buffer.concat([FULL.subarray(-3), TAIL.subarray(0, 3)])));
      const { objects } = await subject.store.list({ bucket: upload.bucket, prefix: upload.key });
      assert.deepEqual(
        objects.map(({ key, sizeBytes, etag: listed, lastModifiedMs }) => [key, sizeBytes, listed, lastModifiedMs]),
        [[upload.key, info.sizeBytes, etag, info.lastModifiedMs]],
      );
    });

    it('completing again with the same parts returns the same; the upload itself is gone', async () => {
      const upload = await begin('again');
      const part = await send(upload, 1, TAIL);
      const first = await subject.store.completeUpload(upload, [part]);
      const second = await subject.store.completeUpload({ ...upload, ifNoneMatch: '*' }, [part]);
      assert.equal(second.etag, first.etag);
      await assertFails(subject.store.listParts(upload), 'no_such_upload');
      await assertFails(subject.store.abortUpload(upload), 'no_such_upload');
      await assertFails(subject.store.uploadPart(upload, 1, toBody(TAIL)), 'no_such_upload');
      assert.ok((await read(upload)).equals(TAIL));
    });

    it('a part sent again replaces the one before', async () => {
      const upload = await begin('replaced-part');
      const old = await send(upload, 1, buildBytes(100, 1));
      const part = await send(upload, 1, TAIL);
      await assertFails(subject.store.completeUpload(upload, [old]), 'store_refused', 'InvalidPart');
      await subject.store.completeUpload(upload, [part]);
      assert.ok((await read(upload)).equals(TAIL));
    });

    it('parts are listed ascending with ETag and size, and open uploads by prefix', async () => {
      const upload = await begin('listed');
      await send(upload, 10, TAIL);
      await send(upload, 9, FULL);
      const parts = await subject.store.listParts(upload);
      assert.deepEqual(
        parts.map(({ partNumber, etag, sizeBytes }) => [partNumber, etag, sizeBytes]),
        [
          [9, toMd5(FULL), FULL.byteLength],
          [10, toMd5(TAIL), TAIL.byteLength],
        ],
      );
      const other = await begin('listed-too');
      const open = await subject.store.listUploads({ bucket: upload.bucket, prefix: 'uploads/listed' });
      assert.deepEqual(
        open.map(({ key, uploadId }) => ({ key, uploadId })),
        [upload, other].map(({ key, uploadId }) => ({ key, uploadId })),
      );
      assert.ok(open.every(({ initiatedMs }) => Math.abs(Date.now() - initiatedMs) < 60_000));
      await subject.store.abortUpload(upload);
      await subject.store.abortUpload(other);
      assert.deepEqual(await subject.store.listUploads({ bucket: upload.bucket, prefix: 'uploads/listed' }), []);
    });

    it('uploads of one key are listed in the order in which they began, however fast', async () => {
      const begun: UploadRef[] = [];
      for (let count = 0; count < 5; count++) begun.push(await begin('again'));
      const open = await subject.store.listUploads({ bucket: begun[0]?.bucket ?? '', prefix: 'uploads/again' });
      assert.deepEqual(
        open.map(({ uploadId }) => uploadId),
        begun.map(({ uploadId }) => uploadId),
      );
      for (const upload of begun) await subject.store.abortUpload(upload);
    });

    it('an aborted upload leaves nothing, and aborting again is no_such_upload', async () => {
      const upload = await begin('aborted');
      const part = await send(upload, 1, TAIL);
      await subject.store.abortUpload(upload);
      await assertFails(subject.store.abortUpload(upload), 'no_such_upload');
      await assertFails(subject.store.completeUpload(upload, [part]), 'no_such_upload');
      await assertFails(subject.store.head(upload), 'no_such_key');
    });

    it('parts out of order, absent, altered or too small are refused, and the upload stays', async () => {
      const upload = await begin('wrong');
      const one = await send(upload, 1, TAIL);
      const two = await send(upload, 2, TAIL);
      const complete = async (...parts: (typeof one)[]): Promise<unknown> =>
        subject.store.completeUpload(upload, parts);
      await assertFails(complete(two, one), 'store_refused', 'InvalidPartOrder');
      await assertFails(complete(one, one), 'store_refused', 'InvalidPartOrder');
      await assertFails(complete(one, { partNumber: 3, etag: two.etag }), 'store_refused', 'InvalidPart');
      await assertFails(complete({ partNumber: 1, etag: 'f'.repeat(32) }), 'store_refused', 'InvalidPart');
      await assertFails(complete(one, two), 'store_refused', 'EntityTooSmall');
      await assertFails(complete(), 'store_refused', 'MalformedXML');
      assert.equal((await subject.store.listParts(upload)).length, 2);
      await subject.store.completeUpload(upload, [two]);
      assert.ok((await read(upload)).equals(TAIL));
    });

    it('conditions hold when the upload is completed, and a refused one can still be aborted', async () => {
      const upload = await begin('conditional');
      const part = await send(upload, 1, TAIL);
      const { etag } = await subject.store.put({ ...upload, headers: NONE }, toBody(Buffer.from('first')));
      const complete = async (conditions: object): Promise<unknown> =>
        subject.store.completeUpload({ ...upload, ...conditions }, [part]);
      await assertFails(complete({ ifNoneMatch: '*' }), 'precondition_failed');
      await assertFails(complete({ ifMatch: 'f'.repeat(32) }), 'precondition_failed');
      assert.equal((await read(upload)).toString(), 'first');
      await complete({ ifMatch: etag });
      assert.ok((await read(upload)).equals(TAIL));
    });

    it('a corrupt part is not taken', async () => {
      const upload = await begin('corrupt');
      const cut = { sizeBytes: TAIL.byteLength, content: () => inPieces(TAIL.subarray(1), 100) };
      const altered = { sizeBytes: 4, content: Buffer.from('abcd'), sha256: toSha256(TAIL) };
      await assertFails(subject.store.uploadPart(upload, 1, cut), 'body_corrupt');
      await assertFails(subject.store.uploadPart(upload, 1, altered), 'body_corrupt');
      assert.deepEqual(await subject.store.listParts(upload), []);
      await subject.store.abortUpload(upload);
    });

    it('an upload is known under its own bucket and key only, and part numbers are 1 to 10,000', async () => {
      const upload = await begin('own');
      const body = toBody(TAIL);
      await assertFails(subject.store.uploadPart({ ...upload, key: 'uploads/other' }, 1, body), 'no_such_upload');
      await assertFails(subject.store.uploadPart({ ...upload, uploadId: 'nonsense' }, 1, body), 'no_such_upload');
      await assertFails(subject.store.uploadPart(upload, 0, body), 'store_refused', 'InvalidArgument');
      await assertFails(subject.store.uploadPart(upload, 10_001, body), 'store_refused', 'InvalidArgument');
      await subject.store.abortUpload(upload);
    });
  });
}
