/** Buckets are entries of the index, with S3's name rules. A bucket that is deleted takes its open uploads with it. */
import { checkBucketName } from '../rules/bucket-name.ts';
import { refused } from '../rules/refusals.ts';
import type { BucketInfo, Store } from '../store.ts';
import { requireBucket } from './engine.ts';
import type { Engine } from './engine.ts';
import { BUCKETS, bucketKey, objectsOf, uploadsOf } from './index-keys.ts';
import type { Change } from './object-index.ts';
import { parseRecord, printRecord } from './records.ts';
import type { BucketRecord, UploadRecord } from './records.ts';
import { toUploadDisposal } from './upload-parts.ts';

type BucketOperations = Pick<Store, 'listBuckets' | 'headBucket' | 'createBucket' | 'deleteBucket'>;

export function createBuckets({ index, commits, files, now }: Engine): BucketOperations {
  return {
    listBuckets: async () => {
      const buckets: BucketInfo[] = [];
      for await (const [key, value] of index.scanPrefix(BUCKETS)) {
        buckets.push({ name: key.slice(BUCKETS.length), createdMs: parseRecord<BucketRecord>(value).createdMs });
      }
      return buckets;
    },
    headBucket: async (bucket) => {
      requireBucket(index, bucket);
    },
    createBucket: async (bucket) => {
      checkBucketName(bucket);
      await commits.commit((view) => {
        if (view.read(bucketKey(bucket)) !== undefined) {
          throw refused('BucketAlreadyOwnedByYou', 409, 'the bucket exists', { bucket });
        }
        return { changes: [{ key: bucketKey(bucket), value: printRecord({ createdMs: now() }) }], result: undefined };
      });
    },
    deleteBucket: async (bucket) => {
      const unwanted = await commits.commit(async (view) => {
        requireBucket(view, bucket);
        if (!(await view.isEmpty(objectsOf(bucket)))) {
          throw refused('BucketNotEmpty', 409, 'the bucket holds objects', { bucket });
        }
        const changes: Change[] = [{ key: bucketKey(bucket), value: undefined }];
        const gone: string[] = [];
        for (const [key, value] of await view.scanPrefix(uploadsOf(bucket))) {
          const disposal = await toUploadDisposal(view, key, parseRecord<UploadRecord>(value).uploadId, new Set());
          changes.push(...disposal.changes);
          gone.push(...disposal.files);
        }
        return { changes, result: gone };
      });
      files.release(unwanted);
    },
  };
}
