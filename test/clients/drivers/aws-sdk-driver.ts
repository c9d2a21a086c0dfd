/** The AWS SDK for JavaScript with its defaults. The argument is a directory with its presigner, or '' where there is none. */
import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  paginateListObjectsV2,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import type { Attributes, Told } from '../client.ts';

interface Options {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

interface Presigner {
  getSignedUrl(client: S3Client, command: object, options: { expiresIn: number }): Promise<string>;
}

interface ObjectAnswer {
  ContentLength?: number | undefined;
  ETag?: string | undefined;
  ContentType?: string | undefined;
  Metadata?: Record<string, string> | undefined;
}

const PART_BYTES = 5 * 1024 * 1024;

const toTold = (answer: ObjectAnswer): Told => ({
  sizeBytes: answer.ContentLength ?? -1,
  etag: answer.ETag ?? '',
  contentType: answer.ContentType ?? '',
  metadata: answer.Metadata ?? {},
});

class Driver {
  readonly client: S3Client;
  readonly #bucket: string;

  constructor(options: Options) {
    this.#bucket = options.bucket;
    this.client = new S3Client({
      endpoint: options.endpoint,
      region: options.region,
      credentials: { accessKeyId: options.accessKeyId, secretAccessKey: options.secretAccessKey },
      forcePathStyle: true,
    });
  }

  /** Once from memory and once as a stream: it signs the two in different modes. */
  async put(Key: string, file: string, { contentType: ContentType, metadata }: Attributes): Promise<void> {
    const common = { Bucket: this.#bucket, Key, ContentType, Metadata: { ...metadata } };
    const bytes = readFileSync(file);
    await this.client.send(new PutObjectCommand({ ...common, Body: bytes }));
    const streamed = { ...common, Body: createReadStream(file), ContentLength: bytes.length };
    await this.client.send(new PutObjectCommand(streamed));
  }

  async putMultipart(Key: string, file: string, { contentType: ContentType, metadata }: Attributes): Promise<void> {
    const place = { Bucket: this.#bucket, Key };
    const Metadata = { ...metadata };
    const { UploadId } = await this.client.send(new CreateMultipartUploadCommand({ ...place, ContentType, Metadata }));
    const bytes = readFileSync(file);
    const Parts: CompletedPart[] = [];
    for (let offset = 0; offset < bytes.length; offset += PART_BYTES) {
      const PartNumber = Parts.length + 1;
      const Body = bytes.subarray(offset, offset + PART_BYTES);
      const part = await this.client.send(new UploadPartCommand({ ...place, UploadId, PartNumber, Body }));
      Parts.push({ PartNumber, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 });
    }
    const listed = await this.client.send(new ListPartsCommand({ ...place, UploadId }));
    if (listed.Parts?.length !== Parts.length) throw new Error('ListParts differs');
    await this.client.send(new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts } }));
  }

  async get(Key: string, file: string): Promise<Told> {
    const answer = await this.client.send(new GetObjectCommand({ Bucket: this.#bucket, Key }));
    await pipeline(answer.Body as Readable, createWriteStream(file));
    return toTold(answer);
  }

  async head(Key: string): Promise<Told> {
    return toTold(await this.client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key })));
  }

  async list(Prefix: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const page of paginateListObjectsV2({ client: this.client }, { Bucket: this.#bucket, Prefix })) {
      for (const { Key = '' } of page.Contents ?? []) keys.push(Key);
    }
    return keys;
  }

  async copy(from: string, Key: string): Promise<void> {
    const CopySource = `${this.#bucket}/${from.split('/').map(encodeURIComponent).join('/')}`;
    await this.client.send(new CopyObjectCommand({ Bucket: this.#bucket, Key, CopySource }));
  }

  async delete([first, ...rest]: string[]): Promise<void> {
    await this.client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: first }));
    const Objects = rest.map((Key) => ({ Key }));
    const answer = await this.client.send(new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects } }));
    if (answer.Deleted?.length !== rest.length) throw new Error('DeleteObjects did not delete all');
  }

  presignGet(Key: string): Promise<string> {
    return this.#presign(new GetObjectCommand({ Bucket: this.#bucket, Key }));
  }

  presignPut(Key: string): Promise<string> {
    return this.#presign(new PutObjectCommand({ Bucket: this.#bucket, Key }));
  }

  destroy(): void {
    this.client.destroy();
  }

  async #presign(command: object): Promise<string> {
    const require = createRequire(path.join(process.argv[2] ?? '', 'index.js'));
    const file = pathToFileURL(require.resolve('@aws-sdk/s3-request-presigner')).href;
    const presigner = (await import(file)) as Presigner;
    return presigner.getSignedUrl(this.client, command, { expiresIn: 60 });
  }
}

type Run = (this: Driver, ...values: unknown[]) => Promise<unknown>;

let driver: Driver | undefined;

async function answer(operation: string, values: readonly unknown[]): Promise<unknown> {
  if (driver === undefined) {
    driver = new Driver(values[0] as Options);
    return null;
  }
  const value = await (Reflect.get(driver, operation) as Run).call(driver, ...values);
  return value ?? null;
}

for await (const line of createInterface({ input: process.stdin })) {
  const [operation, ...values] = JSON.parse(line) as [string, ...unknown[]];
  const said = await answer(operation, values).then(
    (value) => ({ ok: true, value }),
    (error: unknown) => ({ ok: false, error: error instanceof Error ? error.stack : String(error) }),
  );
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
driver?.destroy();
