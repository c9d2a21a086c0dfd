/**
 * Makes test/vectors/client-logs/: what each client prints of a request whose secret is wrong, against a real store of our own. Run by
 * hand, `node --import tsx test/support/record-client-logs.ts`, with the clients that `npm run test:clients` installs in the folder
 * that CLIENTS_DIR names. Test keys only; the folders of this machine are taken out.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { startStore } from './start-store.ts';

const OUT = path.join(import.meta.dirname, '../vectors/client-logs');
const clients = process.env['CLIENTS_DIR'] ?? '';
const WRONG = 'wrong-secret-of-the-recording';
const scratch = await mkdtemp(path.join(tmpdir(), 'waybill-logs-'));
const store = await startStore({ buckets: ['bucket'] });
const { accessKeyId } = store.credentials;
const { host } = new URL(store.endpoint);
const env: Record<string, string> = {
  PATH: process.env['PATH'] ?? '',
  HOME: scratch,
  PYTHONPATH: clients,
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: WRONG,
  AWS_DEFAULT_REGION: store.region,
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_MAX_ATTEMPTS: '1',
};
const S3CFG = path.join(scratch, 's3cfg');
await writeFile(
  S3CFG,
  `[default]\naccess_key = ${accessKeyId}\nsecret_key = ${WRONG}\nhost_base = ${host}\nhost_bucket = ${host}\nbucket_location = ${store.region}\nuse_https = False\nmax_retries = 1\n`,
);
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const boto = `import boto3, logging
boto3.set_stream_logger('botocore', logging.DEBUG)
boto3.client('s3', endpoint_url='${store.endpoint}').get_object(Bucket='bucket', Key='a b/c.txt')`;
/** It has no switch for signing: the request is printed in a middleware, the error as it is thrown. */
const sdkJs = `import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
const client = new S3Client({ endpoint: '${store.endpoint}', forcePathStyle: true, region: '${store.region}' });
const show = (next) => async (args) => { console.log(args.request); return await next(args); };
client.middlewareStack.add(show, { step: 'finalizeRequest', priority: 'low', name: 'show' });
await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'a b/c.txt', Body: 'hello', Tagging: 'a=b c' })).catch((error) => console.log(error));`;
const remote = `:s3,provider=Other,access_key_id=${accessKeyId},secret_access_key=${WRONG},region=${store.region},endpoint="${store.endpoint}":bucket`;
const bin = (name: string): string => path.join(clients, 'bin', name);
const COMMANDS: Readonly<Record<string, readonly [file: string, args: readonly string[]]>> = {
  'aws-cli': [
    'python3',
    [
      bin('aws'),
      '--debug',
      '--endpoint-url',
      store.endpoint,
      's3api',
      'get-object',
      '--bucket',
      'bucket',
      '--key',
      'a b/c.txt',
      path.join(scratch, 'out'),
    ],
  ],
  boto3: ['python3', ['-c', boto]],
  rclone: [
    bin('rclone'),
    ['lsf', '-vv', '--dump', 'headers,auth,bodies', '--retries', '1', '--low-level-retries', '1', remote],
  ],
  'sdk-js': [process.execPath, ['--no-warnings', '--input-type=module', '-e', sdkJs]],
  s3cmd: ['python3', [bin('s3cmd'), '-c', S3CFG, '-d', 'ls', 's3://bucket/a']],
  curl: [
    'curl',
    [
      '-v',
      '--aws-sigv4',
      `aws:amz:${store.region}:s3`,
      '-u',
      `${accessKeyId}:${WRONG}`,
      '-H',
      `x-amz-content-sha256: ${EMPTY}`,
      `${store.endpoint}/bucket/key`,
    ],
  ],
};
// Names of clients behind the command record those alone.
const wanted = process.argv.slice(2);
try {
  for (const [name, [file, args]] of Object.entries(COMMANDS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const { stdout, stderr } = await promisify(execFile)(file, [...args], {
      env,
      maxBuffer: 1 << 26,
      timeout: 60_000,
    }).catch((error: unknown) => error as { stdout: string; stderr: string });
    const text = `${stderr}\n${stdout}`
      .replaceAll(scratch, '/tmp/scratch')
      .replaceAll(clients === '' ? '\0' : clients, '/opt/clients')
      .replaceAll(path.join(import.meta.dirname, '../..'), '/opt/app');
    // What botocore loads before it signs is thousands of lines about its own events.
    const kept = text
      .split('\n')
      .filter((line) => !/Event |Loading |loaders|Changing event name|Looking for|regions|hooks/.test(line));
    await writeFile(path.join(OUT, `${name}.txt`), kept.join('\n'));
    process.stdout.write(`${name}: ${String(kept.length)} lines\n`);
  }
} finally {
  await store.close();
  await rm(scratch, { recursive: true, force: true });
}
