/** Fills a bucket with many small objects through the store's own put, fast enough for tests with 200,000 of them. */
import type { Store } from '../../stores/store.ts';

export interface Seed {
  readonly bucket: string;
  readonly count: number;
  /** From the ordinal, starting at 0. */
  readonly toKey: (ordinal: number) => string;
  /** Default 100 bytes that depend on the ordinal. */
  readonly toBytes?: (ordinal: number) => Uint8Array;
  /** Puts in flight; default 256, which share one fsync. */
  readonly concurrency?: number;
}

export async function seedStore(store: Pick<Store, 'put'>, seed: Seed): Promise<void> {
  const { bucket, count, toKey, toBytes = buildSmallBytes, concurrency = 256 } = seed;
  let next = 0;
  const work = async (): Promise<void> => {
    for (let ordinal = next++; ordinal < count; ordinal = next++) {
      const content = toBytes(ordinal);
      const body = { sizeBytes: content.byteLength, content };
      await store.put({ bucket, key: toKey(ordinal), headers: { metadata: {} } }, body);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, work));
}

export const buildSmallBytes = (ordinal: number): Uint8Array => Buffer.from(String(ordinal).padEnd(100, '.'));
