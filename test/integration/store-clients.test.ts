/**
 * The clients that people have, unmodified: the AWS SDK for JavaScript always, aws-cli, boto3 and curl where they are installed.
 * Which of them ran is printed; on a machine that has none of them the SDK's tests are what remains.
 */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { sign } from '../support/signed-request.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

const run = promisify(execFile);

let store: StartedStore;
let directory: string;
before(async () => {
  store = await startStore({ buckets: ['bucket', 'synced'] });
  directory = await mkdtemp(join(tmpdir(), 'waybill-clients-'));
});
after(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

for (const checksums of ['WHEN_REQUIRED', 'WHEN_SUPPORTED'] as const) {
  test(`the AWS SDK works with checksums ${checksums}`, async () => {
    const client = new S3Client({
      endpoint: store.endpoint,
      region: store.region,
      credentials: store.credentials,
      forcePathStyle: true,
      requestChecksumCalculation: checksums,
    });
    const Bucket = 'bucket';
    const Key = 'dir/ü (1)+&=%20.txt';
    try {
      const Body = randomBytes(70_000);
      const put = await client.send(
        new PutObjectCommand({ Bucket, Key, Body, ContentType: 'a/b', Metadata: { one: '1' }, Tagging: 'a=b&c=d' }),
      );
      assert.equal(put.ETag, `"${createHash('md5').update(Body).digest('hex')}"`);
      const got = await client.send(new GetObjectCommand({ Bucket, Key }));
      assert.deepEqual(Buffer.from((await got.Body?.transformToByteArray()) ?? []), Body);
      assert.deepEqual([got.ContentType, got.Metadata, got.TagCount], ['a/b', { one: '1' }, 2]);
      const head = await client.send(new HeadObjectCommand({ Bucket, Key }));
      assert.equal(head.ContentLength, 70_000);
      const tags = await client.send(new GetObjectTaggingCommand({ Bucket, Key }));
      assert.deepEqual(tags.TagSet, [
        { Key: 'a', Value: 'b' },
        { Key: 'c', Value: 'd' },
      ]);
      const listed = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'dir/', EncodingType: 'url' }));
      assert.deepEqual(
        listed.Contents?.map((one) => decodeURIComponent(one.Key ?? '')),
        [Key],
      );
      assert.ok((await client.send(new ListBucketsCommand({}))).Buckets?.some(({ Name }) => Name === Bucket));
      await assert.rejects(client.send(new GetObjectCommand({ Bucket, Key: 'absent' })), { name: 'NoSuchKey' });
      await assert.rejects(client.send(new HeadObjectCommand({ Bucket, Key: 'absent' })), { name: 'NotFound' });
      await assert.rejects(client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', IfNoneMatch: '*' })), {
        name: 'PreconditionFailed',
      });

      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'large' }));
      const Parts = [];
      for (const [index, part] of [randomBytes(5 * 1024 * 1024), randomBytes(10)].entries()) {
        const PartNumber = index + 1;
        const { ETag } = await client.send(
          new UploadPartCommand({ Bucket, Key: 'large', UploadId, PartNumber, Body: part }),
        );
        Parts.push({ ETag, PartNumber });
      }
      const parts = await client.send(new ListPartsCommand({ Bucket, Key: 'large', UploadId }));
      assert.deepEqual(
        parts.Parts?.map(({ Size }) => Size),
        [5 * 1024 * 1024, 10],
      );
      const done = await client.send(
        new CompleteMultipartUploadCommand({ Bucket, Key: 'large', UploadId, MultipartUpload: { Parts } }),
      );
      assert.match(done.ETag ?? '', /^"[0-9a-f]{32}-2"$/);
      const second = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'left' }));
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'left', UploadId: second.UploadId }));
      assert.equal((await client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads, undefined);

      const deleted = await client.send(
        new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }, { Key: 'large' }] } }),
      );
      assert.equal(deleted.Deleted?.length, 2);
      assert.equal((await client.send(new ListObjectsV2Command({ Bucket }))).KeyCount, 0);
    } finally {
      client.destroy();
    }
  });
}

const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  HOME: directory,
  PYENV_ROOT: process.env['PYENV_ROOT'],
  AWS_ACCESS_KEY_ID: store.credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: store.credentials.secretAccessKey,
  AWS_DEFAULT_REGION: store.region,
  AWS_EC2_METADATA_DISABLED: 'true',
});

async function aws(): Promise<void> {
  const names = ['a b.txt', 'sub/ü+%.bin', 'sub/large.bin'];
  await mkdir(join(directory, 'up/sub'), { recursive: true });
  for (const name of names)
    await writeFile(join(directory, 'up', name), randomBytes(name.includes('large') ? 9_000_000 : 500));
  const cli = (...args: string[]) =>
    run('aws', ['--endpoint-url', store.endpoint, 's3', ...args], { env: environment() });
  await cli('sync', join(directory, 'up'), 's3://synced/', '--quiet');
  await cli('sync', 's3://synced/', join(directory, 'down'), '--quiet');
  for (const name of names) {
    assert.deepEqual(await readFile(join(directory, 'down', name)), await readFile(join(directory, 'up', name)), name);
  }
  const uploads = store.adminCounts().requests('UploadPart');
  assert.ok(uploads >= 2, 'the large one went by multipart');
  await cli('rm', '--recursive', '--quiet', 's3://synced/');
  assert.deepEqual((await store.store.list({ bucket: 'synced' })).objects, []);
}

const BOTO3 = `
import boto3, sys
s3 = boto3.client('s3', endpoint_url=sys.argv[1])
key = 'boto/é +%\\u0001'
s3.put_object(Bucket='bucket', Key=key, Body=b'hello', Metadata={'a': 'b'}, StorageClass='STANDARD')
assert s3.get_object(Bucket='bucket', Key=key)['Body'].read() == b'hello'
assert s3.head_object(Bucket='bucket', Key=key)['Metadata'] == {'a': 'b'}
assert [o['Key'] for o in s3.list_objects_v2(Bucket='bucket')['Contents']] == [key]
assert [o['Key'] for o in s3.list_objects(Bucket='bucket')['Contents']] == [key]
assert s3.get_bucket_location(Bucket='bucket')['LocationConstraint'] is None
try:
    s3.get_object(Bucket='bucket', Key='absent')
    raise AssertionError('found')
except s3.exceptions.NoSuchKey:
    pass
s3.delete_object(Bucket='bucket', Key=key)
s3.put_object(Bucket='bucket', Key='é <&>', Body=b'')
assert [o['Key'] for o in s3.delete_objects(Bucket='bucket', Delete={'Objects': [{'Key': 'é <&>'}]})['Deleted']] == ['é <&>']
print('boto3 ok')
`;

async function boto3(): Promise<void> {
  const { stdout } = await run('python3', ['-c', BOTO3, store.endpoint], { env: environment() });
  assert.match(stdout, /boto3 ok/);
}

async function curl(): Promise<void> {
  await store.store.put(
    { bucket: 'bucket', key: 'for curl', headers: { metadata: {} } },
    { sizeBytes: 4, content: Buffer.from('curl') },
  );
  const { target } = sign(store, { method: 'GET', target: '/bucket/for%20curl', presignSeconds: 60 });
  const { stdout } = await run('curl', ['-sS', '--fail-with-body', store.endpoint + target]);
  assert.equal(stdout, 'curl');
  const { target: head } = sign(store, { method: 'HEAD', target: '/bucket/for%20curl', presignSeconds: 60 });
  assert.match((await run('curl', ['-sS', '-I', store.endpoint + head])).stdout, /^HTTP\/1\.1 200 OK\r\n[^]*etag: /i);
  await store.store.delete({ bucket: 'bucket', key: 'for curl' });
}

const CLIENTS: readonly { name: string; probe: readonly [string, ...string[]]; work: () => Promise<void> }[] = [
  { name: 'aws-cli', probe: ['aws', '--version'], work: aws },
  { name: 'boto3', probe: ['python3', '-c', 'import boto3'], work: boto3 },
  { name: 'curl', probe: ['curl', '--version'], work: curl },
];

for (const { name, work } of CLIENTS.filter((client) => isPresent(client.probe))) {
  test(`${name} works unmodified`, work);
}

function isPresent([command, ...args]: readonly [string, ...string[]]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
