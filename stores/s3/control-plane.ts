/**
 * The rare operations, by the AWS SDK: buckets, and writing tags. It is loaded when the first of them is asked for, so that a worker,
 * which asks for none, pays neither its memory nor its start. It makes one attempt, like every adapter, and its requests are
 * counted like those of the thin client.
 */
import type * as Sdk from '@aws-sdk/client-s3';
import type { Operation, TrafficListener } from '../../core/traffic.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { checkKey } from '../rules/object-key.ts';
import type { BucketInfo, TagsRequest, Writer } from '../store.ts';
import type { Addressing } from './call-target.ts';
import { isSent, toSdkFailure } from './sdk-failure.ts';

export interface ControlPlaneOptions {
  readonly endpoint: string;
  readonly region: string;
  readonly addressing: Addressing;
  readonly credentials: () => Promise<Credentials> | Credentials;
  readonly onTraffic: TrafficListener;
  readonly requestLimitMs: number;
}

export interface ControlPlane {
  listBuckets(): Promise<readonly BucketInfo[]>;
  createBucket(bucket: string): Promise<void>;
  deleteBucket(bucket: string): Promise<void>;
  putTags(request: TagsRequest, tags: Readonly<Record<string, string>>): Promise<void>;
  close(): Promise<void>;
}

type SdkModule = typeof Sdk;
type SdkClient = Sdk.S3Client;

interface CallName {
  readonly operation: Operation;
  readonly bucket: string;
  readonly key?: string;
}

export function createControlPlane(options: ControlPlaneOptions): ControlPlane {
  let loading: Promise<{ sdk: SdkModule; client: SdkClient }> | undefined;
  const load = () => (loading ??= loadClient(options));

  const ask = async <Result>(
    name: CallName,
    { signal, assertMayWrite }: Writer,
    send: (sdk: SdkModule, client: SdkClient, sendOptions: { abortSignal: AbortSignal }) => Promise<Result>,
  ): Promise<Result> => {
    signal?.throwIfAborted();
    const { sdk, client } = await load();
    assertMayWrite?.();
    const limit = AbortSignal.timeout(options.requestLimitMs);
    const abortSignal = signal === undefined ? limit : AbortSignal.any([limit, signal]);
    try {
      const result = await send(sdk, client, { abortSignal });
      options.onTraffic(name.operation, 0, 0);
      return result;
    } catch (error) {
      if (isSent(error)) options.onTraffic(name.operation, 0, 0);
      signal?.throwIfAborted();
      throw toSdkFailure(name, error, limit.aborted);
    }
  };

  return {
    listBuckets: () =>
      ask({ operation: 'ListBuckets', bucket: '' }, {}, async (sdk, client, sendOptions) => {
        const { Buckets } = await client.send(new sdk.ListBucketsCommand({}), sendOptions);
        return (Buckets ?? []).map(({ Name, CreationDate }) => ({
          name: Name ?? '',
          createdMs: CreationDate?.getTime() ?? 0,
        }));
      }),
    createBucket: (bucket) =>
      ask({ operation: 'CreateBucket', bucket }, {}, async (sdk, client, sendOptions) => {
        // us-east-1 is where a bucket is made when nothing is said, and S3 refuses to be told so.
        const place = options.region === 'us-east-1' ? {} : toPlacement(options.region);
        await client.send(new sdk.CreateBucketCommand({ Bucket: bucket, ...place }), sendOptions);
      }),
    deleteBucket: (bucket) =>
      ask({ operation: 'DeleteBucket', bucket }, {}, async (sdk, client, sendOptions) => {
        await client.send(new sdk.DeleteBucketCommand({ Bucket: bucket }), sendOptions);
      }),
    putTags: async (request, tags) => {
      const { bucket, key } = request;
      checkKey(key);
      await ask({ operation: 'PutObjectTagging', bucket, key }, request, async (sdk, client, sendOptions) => {
        const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
        await client.send(
          new sdk.PutObjectTaggingCommand({ Bucket: bucket, Key: key, Tagging: { TagSet } }),
          sendOptions,
        );
      });
    },
    close: async () => {
      if (loading !== undefined) (await loading).client.destroy();
    },
  };
}

async function loadClient(options: ControlPlaneOptions): Promise<{ sdk: SdkModule; client: SdkClient }> {
  const sdk = await import('@aws-sdk/client-s3');
  const client = new sdk.S3Client({
    endpoint: options.endpoint,
    region: options.region,
    forcePathStyle: options.addressing === 'path',
    credentials: async () => options.credentials(),
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: Math.min(10_000, options.requestLimitMs),
      httpAgent: { keepAlive: true, maxSockets: 4 },
      httpsAgent: { keepAlive: true, maxSockets: 4 },
    },
  });
  return { sdk, client };
}

const toPlacement = (region: string): { CreateBucketConfiguration: { LocationConstraint: never } } => ({
  // The SDK's type lists Amazon's regions; other providers have their own.
  CreateBucketConfiguration: { LocationConstraint: region as never },
});
