import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toBody } from '../support/store-bytes.ts';
import { assertFails } from '../support/store-failure.ts';
import type { Subject } from './store-contract.ts';

const NONE = { metadata: {} };

export function describeBuckets(subject: Subject): void {
  describe('buckets', () => {
    it('a created bucket is listed, in order of names, with the time of its creation', async () => {
      const name = await subject.freshBucket();
      const buckets = await subject.store.listBuckets();
      const names = buckets.map((bucket) => bucket.name);
      assert.ok(names.includes(name));
      assert.deepEqual(names, names.toSorted());
      const createdMs = buckets.find((bucket) => bucket.name === name)?.createdMs ?? 0;
      assert.ok(Math.abs(Date.now() - createdMs) < 60_000, String(createdMs));
      await subject.store.headBucket(name);
    });

    it('a bucket cannot be created twice, nor under a name that S3 does not allow', async () => {
      const name = await subject.freshBucket();
      await assertFails(subject.store.createBucket(name), 'store_refused', 'BucketAlreadyOwnedByYou');
      for (const bad of ['ab', 'Upper', 'under_score', '-dash', 'dash-', 'a..b', '192.168.1.1', 'x'.repeat(64)]) {
        await assertFails(subject.store.createBucket(bad), 'store_refused', 'InvalidBucketName');
      }
    });

    it('a bucket that holds an object is not deleted; an empty one is, and its name is free again', async () => {
      const name = await subject.freshBucket();
      await subject.store.put({ bucket: name, key: 'k', headers: NONE }, toBody(Buffer.from('x')));
      await assertFails(subject.store.deleteBucket(name), 'store_refused', 'BucketNotEmpty');
      await subject.store.delete({ bucket: name, key: 'k' });
      await subject.store.deleteBucket(name);
      await assertFails(subject.store.headBucket(name), 'no_such_bucket');
      await subject.store.createBucket(name);
      assert.deepEqual((await subject.store.list({ bucket: name })).objects, []);
    });

    it('a bucket whose name begins another does not see its objects', async () => {
      const name = await subject.freshBucket();
      await subject.store.createBucket(`${name}0`);
      await subject.store.put({ bucket: `${name}0`, key: 'k', headers: NONE }, toBody(Buffer.from('x')));
      assert.deepEqual((await subject.store.list({ bucket: name })).objects, []);
      await assertFails(subject.store.head({ bucket: name, key: 'k' }), 'no_such_key');
      await subject.store.deleteBucket(name);
    });

    it('every operation in a bucket that does not exist says so', async () => {
      const place = { bucket: 'no-such-bucket-here', key: 'k' };
      const { store } = subject;
      const upload = { ...place, uploadId: '0'.repeat(32) };
      const body = toBody(Buffer.from('x'));
      await assertFails(store.headBucket(place.bucket), 'no_such_bucket');
      await assertFails(store.deleteBucket(place.bucket), 'no_such_bucket');
      await assertFails(store.list(place), 'no_such_bucket');
      await assertFails(store.get(place), 'no_such_bucket');
      // An answer to HEAD has no body that could tell a missing bucket from a missing key.
      await assertFails(store.head(place), ['no_such_bucket', 'no_such_key']);
      await assertFails(store.put({ ...place, headers: NONE }, body), 'no_such_bucket');
      await assertFails(store.delete(place), 'no_such_bucket');
      await assertFails(store.getTags(place), 'no_such_bucket');
      await assertFails(store.putTags(place, {}), 'no_such_bucket');
      await assertFails(store.createUpload({ ...place, headers: NONE }), 'no_such_bucket');
      await assertFails(store.uploadPart(upload, 1, body), 'no_such_bucket');
      await assertFails(store.completeUpload(upload, [{ partNumber: 1, etag: '0'.repeat(32) }]), 'no_such_bucket');
      await assertFails(store.abortUpload(upload), 'no_such_bucket');
      await assertFails(store.listParts(upload), 'no_such_bucket');
      await assertFails(store.listUploads({ bucket: place.bucket, prefix: '' }), 'no_such_bucket');
    });
  });
}
