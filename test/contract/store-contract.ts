/**
 * What every adapter of the Store port does, as tests. An adapter's test file calls `describeStoreContract` with a factory; the
 * store is created once for the suite, and each test works in a bucket of its own or under keys of its own.
 */
import { after, before, describe } from 'node:test';
import type { Store } from '../../stores/store.ts';
import { describeBuckets } from './store-contract-buckets.ts';
import { describeChecksums } from './store-contract-checksums.ts';
import { describeConcurrency } from './store-contract-concurrency.ts';
import { describeConditions } from './store-contract-conditions.ts';
import { describeKeys } from './store-contract-keys.ts';
import { describeListing } from './store-contract-listing.ts';
import { describeObjects } from './store-contract-objects.ts';
import { describeParts } from './store-contract-parts.ts';
import { describeUploadChecksums } from './store-contract-upload-checksums.ts';
import { describeUploads } from './store-contract-uploads.ts';

export interface ContractStore {
  readonly store: Store;
  /** An empty bucket that exists; the names of further ones begin with it, so it has at most 50 characters. */
  readonly bucket: string;
  readonly dispose: () => Promise<void>;
}

/** A store of our own keeps what the port says of such; the adapter for other services is not asked for it. */
export type ContractKind = 'own' | 'foreign';

/** What the tests use: valid from the suite's `before` on. */
export interface Subject {
  readonly store: Store;
  readonly bucket: string;
  readonly isOwn: boolean;
  /** Creates another bucket. */
  readonly freshBucket: () => Promise<string>;
}

export function describeStoreContract(
  name: string,
  kind: ContractKind,
  createStore: () => Promise<ContractStore>,
): void {
  describe(`${name} keeps the contract of the Store port`, () => {
    let created: ContractStore | undefined;
    let buckets = 0;
    const current = (): ContractStore => {
      if (created === undefined) {
        throw new Error('the store is used before the suite began');
      }
      return created;
    };
    before(async () => {
      created = await createStore();
    });
    after(async () => {
      await created?.dispose();
    });
    const subject: Subject = {
      get store() {
        return current().store;
      },
      get bucket() {
        return current().bucket;
      },
      isOwn: kind === 'own',
      freshBucket: async () => {
        const bucket = `${current().bucket}-${String(++buckets)}`;
        await current().store.createBucket(bucket);
        return bucket;
      },
    };
    describeBuckets(subject);
    describeObjects(subject);
    describeConditions(subject);
    describeKeys(subject);
    describeListing(subject);
    describeUploads(subject);
    describeConcurrency(subject);
    if (subject.isOwn) {
      describeChecksums(subject);
      describeUploadChecksums(subject);
      describeParts(subject);
    }
  });
}
