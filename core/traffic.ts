/** What was asked of the stores, counted request by request. The stores count the same way, and the two must agree. */

/** Operations by the names that S3's own logs and price lists use. */
export const OPERATIONS = [
  'ListBuckets',
  'HeadBucket',
  'CreateBucket',
  'DeleteBucket',
  'ListObjectsV2',
  'HeadObject',
  'GetObject',
  'PutObject',
  'DeleteObject',
  'CreateMultipartUpload',
  'UploadPart',
  'CompleteMultipartUpload',
  'AbortMultipartUpload',
  'ListMultipartUploads',
  'ListParts',
  'GetObjectTagging',
  'PutObjectTagging',
  // Asked by other clients of the endpoints that we serve; a run itself never sends these.
  'GetBucketLocation',
  'ListObjects',
  'DeleteObjects',
  'DeleteObjectTagging',
  'CopyObject',
  'UploadPartCopy',
  'GetObjectAttributes',
  'GetBucketVersioning',
  'ListObjectVersions',
] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface Traffic {
  /** Requests sent, whatever came of them. */
  readonly requests: number;
  /** Object bytes received in answers to GetObject. */
  readonly bytesIn: number;
  /** Object bytes sent with PutObject and UploadPart. */
  readonly bytesOut: number;
}

/** By `store/operation`. */
export type TrafficByOperation = Readonly<Record<string, Traffic>>;

/** Called once for every request that was sent, when its answer (or its failure) is known. */
export type TrafficListener = (operation: Operation, bytesIn: number, bytesOut: number) => void;

/** Adds up traffic; `take()` returns what came in since the last call. One for each activity. */
export class TrafficCounter {
  #counts = new Map<string, { requests: number; bytesIn: number; bytesOut: number }>();

  listener(store: string): TrafficListener {
    return (operation, bytesIn, bytesOut) => {
      const key = `${store}/${operation}`;
      const count = this.#counts.get(key) ?? { requests: 0, bytesIn: 0, bytesOut: 0 };
      count.requests += 1;
      count.bytesIn += bytesIn;
      count.bytesOut += bytesOut;
      this.#counts.set(key, count);
    };
  }

  take(): TrafficByOperation {
    const taken = Object.fromEntries(this.#counts);
    this.#counts = new Map();
    return taken;
  }
}
