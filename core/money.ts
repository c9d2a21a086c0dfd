/**
 * What requests and bytes cost under a store's prices. Like the providers' price lists it knows writes (PUT, COPY, POST, LIST), reads
 * (GET, HEAD) and what is free (DELETE, abort), and charges for bytes that leave a store, not for those that enter it.
 */
import { GiB } from './limits.ts';
import { OPERATIONS } from './traffic.ts';
import type { Operation, TrafficByOperation } from './traffic.ts';

/** Per thousand requests and per GiB, in the one currency of the store. */
export interface StorePrices {
  readonly currency: string;
  readonly perThousandWrites: number;
  readonly perThousandReads: number;
  /** Bytes that leave the store. */
  readonly perGibOut: number;
}

export interface Cost {
  readonly currency: string;
  readonly spent: number;
  readonly avoided: number;
}

export interface SkippedObjects {
  readonly skippedObjects: number;
  readonly skippedBytes: number;
  readonly sourceStore: string;
  readonly targetStore: string;
}

const REQUEST_CLASS: Readonly<Record<Operation, 'write' | 'read' | 'free'>> = {
  ListBuckets: 'write',
  HeadBucket: 'read',
  GetBucketLocation: 'read',
  CreateBucket: 'write',
  DeleteBucket: 'free',
  ListObjects: 'write',
  ListObjectsV2: 'write',
  HeadObject: 'read',
  GetObject: 'read',
  PutObject: 'write',
  DeleteObject: 'free',
  DeleteObjects: 'free',
  CreateMultipartUpload: 'write',
  UploadPart: 'write',
  CompleteMultipartUpload: 'write',
  AbortMultipartUpload: 'free',
  ListMultipartUploads: 'write',
  ListParts: 'write',
  GetObjectTagging: 'read',
  PutObjectTagging: 'write',
  DeleteObjectTagging: 'free',
  CopyObject: 'write',
  UploadPartCopy: 'write',
  GetObjectAttributes: 'read',
  GetBucketVersioning: 'read',
  ListObjectVersions: 'write',
};

/**
 * The cost of traffic by currency, in the currencies' order of names; rounded to a billionth, which is below the price of a request.
 * Traffic of a store without prices costs nothing: it is a store that the configuration no longer has.
 */
export function priceTraffic(
  traffic: TrafficByOperation,
  prices: ReadonlyMap<string, StorePrices>,
): { readonly currency: string; readonly amount: number }[] {
  const amounts = new Map<string, number>();
  // In order, since a sum of fractions depends on its order.
  for (const name of Object.keys(traffic).sort()) {
    const [store = '', operation = ''] = name.split('/');
    const price = prices.get(store);
    const count = traffic[name];
    if (price === undefined || count === undefined) continue;
    // What a store sent is what we received.
    const amount = count.requests * pricePerRequest(operation, price) + (count.bytesIn / GiB) * price.perGibOut;
    amounts.set(price.currency, (amounts.get(price.currency) ?? 0) + amount);
  }
  return [...amounts]
    .map(([currency, amount]) => ({ currency, amount: Math.round(amount * 1e9) / 1e9 }))
    .sort((a, b) => (a.currency < b.currency ? -1 : 1));
}

/** What was spent and what was avoided, side by side for every currency that either has. */
export function toCosts(
  spent: TrafficByOperation,
  avoided: TrafficByOperation,
  prices: ReadonlyMap<string, StorePrices>,
): Cost[] {
  const costs = new Map<string, Cost>();
  for (const { currency, amount } of priceTraffic(spent, prices))
    costs.set(currency, { currency, spent: amount, avoided: 0 });
  for (const { currency, amount } of priceTraffic(avoided, prices)) {
    costs.set(currency, { currency, spent: costs.get(currency)?.spent ?? 0, avoided: amount });
  }
  return [...costs.values()].sort((a, b) => (a.currency < b.currency ? -1 : 1));
}

/**
 * What copying the objects that were skipped would have asked for: one GetObject and one PutObject each; within one store, which copies by
 * itself, a HeadObject at either side and a CopyObject, and no bytes.
 */
export function toAvoidedTraffic(skipped: SkippedObjects): TrafficByOperation {
  const { skippedObjects: requests, skippedBytes: bytes, sourceStore, targetStore } = skipped;
  if (requests === 0) return {};
  if (sourceStore === targetStore) {
    return {
      [`${sourceStore}/CopyObject`]: { requests, bytesIn: 0, bytesOut: 0 },
      [`${sourceStore}/HeadObject`]: { requests: 2 * requests, bytesIn: 0, bytesOut: 0 },
    };
  }
  return {
    [`${sourceStore}/GetObject`]: { requests, bytesIn: bytes, bytesOut: 0 },
    [`${targetStore}/PutObject`]: { requests, bytesIn: 0, bytesOut: bytes },
  };
}

function pricePerRequest(operation: string, price: StorePrices): number {
  const known = OPERATIONS.find((each) => each === operation);
  // An operation that is not known yet is taken for the dearer class rather than for nothing.
  const requestClass = known === undefined ? 'write' : REQUEST_CLASS[known];
  if (requestClass === 'free') return 0;
  return (requestClass === 'write' ? price.perThousandWrites : price.perThousandReads) / 1000;
}
