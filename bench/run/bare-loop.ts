/**
 * The bare copy loop, in a process of its own: our S3 client, the same number in flight as a worker begins with, each object read whole,
 * hashed, and put under the condition that nothing is there; no ledger, no workflow, no retries. What a whole run costs above it is the
 * price of durability. It takes a job from its standard input, a line of JSON, and answers with a line.
 */
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { COPY_CONCURRENCY } from '../../core/limits.ts';
import type { Sha256Hex } from '../../core/ids.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { createS3Store } from '../../stores/s3/s3-store.ts';
import type { ListedObject, Store } from '../../stores/store.ts';

export interface BareEnd {
  readonly port: number;
  readonly credentials: Credentials;
}

export interface BareJob {
  readonly bucket: string;
  readonly prefix: string;
}

const [, , a = '', b = '', targetBucket = ''] = process.argv;
const open = (text: string): Store => {
  const { port, credentials } = JSON.parse(text) as BareEnd;
  return createS3Store({
    name: `port-${String(port)}`,
    endpoint: `http://127.0.0.1:${String(port)}`,
    region: 'us-east-1',
    addressing: 'path',
    credentials: () => credentials,
    requestLimitMs: 30_000,
    connectionsMax: 64,
    etags: 'md5',
  });
};
const source = open(a);
const target = open(b);

async function run({ bucket, prefix }: BareJob): Promise<void> {
  let objects: ListedObject[] = [];
  let token: string | undefined;
  do {
    const page = await source.list({ bucket, ...(token === undefined ? {} : { continuationToken: token }) });
    objects = objects.concat(page.objects);
    token = page.nextContinuationToken;
  } while (token !== undefined);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < objects.length) await copy(bucket, prefix, objects[next++] as ListedObject);
  };
  await Promise.all(Array.from({ length: COPY_CONCURRENCY }, work));
}

async function copy(bucket: string, prefix: string, { key, etag }: ListedObject): Promise<void> {
  const got = await source.get({ bucket, key, ifMatch: etag });
  const pieces: Uint8Array[] = [];
  for await (const piece of got.body) pieces.push(piece);
  const content = pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
  const md5 = createHash('md5').update(content).digest('hex');
  const sha256 = createHash('sha256').update(content).digest('hex') as Sha256Hex;
  const { contentType } = got.info;
  const headers = { metadata: got.info.metadata, ...(contentType === undefined ? {} : { contentType }) };
  const request = { bucket: targetBucket, key: prefix + key, headers, ifNoneMatch: '*' as const };
  const stored = await target.put(request, { sizeBytes: content.byteLength, sha256, content });
  if (stored.etag !== md5) throw new Error(`${key}: the target stored other bytes`);
}

process.stdout.write('bare loop: ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  await run(JSON.parse(line) as BareJob);
  process.stdout.write('bare loop: done\n');
}
process.exit(0);
