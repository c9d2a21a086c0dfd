import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { S3_STANDARD_PRICES } from '../../config/default-prices.ts';
import type { DirectoryStore } from '../../config/config.ts';
import { send } from '../support/signed-request.ts';
import { PROVIDER_CREDENTIALS, startFakeProvider } from '../support/start-fake-provider.ts';
import { providerStore, startGateway } from '../support/start-gateway.ts';
import { startStore } from '../support/start-store.ts';
import type { StartedStore } from '../support/start-store.ts';

describe('a running gateway', () => {
  let scratch: string;
  let cloud: StartedStore;
  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'waybill-gateway-'));
    cloud = await startStore({ buckets: ['data'], keys: [PROVIDER_CREDENTIALS], region: 'eu-west-1' });
  });
  after(async () => {
    await cloud.close();
    await rm(scratch, { recursive: true, force: true });
  });

  const directory = (): DirectoryStore => ({
    name: 'disk',
    kind: 'directory',
    region: 'us-east-1',
    conditionalWrites: true,
    etags: 'md5',
    prices: S3_STANDARD_PRICES,
    directory: join(scratch, 'disk'),
    fsync: false,
  });

  it('sends each request to the store of the key that signed it', async () => {
    const gateway = await startGateway({
      stores: [providerStore(cloud.endpoint), directory()],
      keys: [
        { name: 'far', store: 'cloud' },
        { name: 'near', store: 'disk', upload: true },
      ],
    });
    try {
      assert.equal((await send(gateway.caller('near'), { method: 'PUT', target: '/data' })).status, 200);
      for (const key of ['far', 'near']) {
        const put = await send(gateway.caller(key), { method: 'PUT', target: '/data/who', body: key });
        assert.equal(put.status, 200, put.text);
      }
      for (const key of ['far', 'near']) {
        const answer = await send(gateway.caller(key), { method: 'GET', target: '/data/who' });
        assert.deepEqual([answer.status, answer.text], [200, key]);
      }
      // A directory judges a part by its upload before it looks at the bytes; a provider's uploads are the provider's.
      const begun = await send(gateway.caller('near'), {
        method: 'POST',
        target: '/data/parts?uploads',
        headers: [['x-amz-checksum-algorithm', 'CRC32']],
      });
      const part = await send(gateway.caller('near'), {
        method: 'PUT',
        target: `/data/parts?partNumber=1&uploadId=${/<UploadId>(\w+)</.exec(begun.text)?.[1] ?? ''}`,
        headers: [['x-amz-checksum-sha256', Buffer.alloc(32).toString('base64')]],
        body: 'not of that digest',
      });
      assert.deepEqual([part.status, part.code], [400, 'InvalidRequest']);
      const upload = await send(gateway.caller('near'), { method: 'POST', target: '/upload', body: '{}' });
      assert.equal(upload.status, 501, 'a directory has no URL');
    } finally {
      await gateway.close();
    }
  });

  it('carries a listing, a multipart upload, tags and a deletion to a real store', async () => {
    const gateway = await startGateway({ stores: [providerStore(cloud.endpoint)], keys: [{ name: 'far' }] });
    const far = gateway.caller('far');
    try {
      const created = await send(far, { method: 'POST', target: '/data/multi?uploads' });
      const uploadId = /<UploadId>([^<]+)</.exec(created.text)?.[1] ?? '';
      const parts = [Buffer.alloc(5 * 1024 * 1024, 1), Buffer.from('last')];
      let list = '';
      for (const [index, body] of parts.entries()) {
        const target = `/data/multi?partNumber=${index + 1}&uploadId=${encodeURIComponent(uploadId)}`;
        const part = await send(far, { method: 'PUT', target, body });
        assert.equal(part.status, 200, part.text);
        list += `<Part><PartNumber>${index + 1}</PartNumber><ETag>${part.headers.etag}</ETag></Part>`;
      }
      const complete = await send(far, {
        method: 'POST',
        target: `/data/multi?uploadId=${encodeURIComponent(uploadId)}`,
        body: `<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`,
      });
      assert.equal(complete.status, 200, complete.text);
      const tagging = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>';
      assert.equal((await send(far, { method: 'PUT', target: '/data/multi?tagging', body: tagging })).status, 200);
      const head = await send(far, { method: 'HEAD', target: '/data/multi' });
      assert.deepEqual(
        [head.headers['content-length'], head.headers['x-amz-tagging-count']],
        [String(5 * 1024 * 1024 + 4), '1'],
      );
      const range = await send(far, { method: 'GET', target: '/data/multi', headers: [['Range', 'bytes=-4']] });
      assert.deepEqual([range.status, range.text], [206, 'last']);
      const page = await send(far, { method: 'GET', target: '/data?list-type=2&prefix=mul&max-keys=1' });
      assert.match(page.text, /<Key>multi<\/Key>/);
      assert.equal((await send(far, { method: 'DELETE', target: '/data/multi' })).status, 204);
      const gone = await send(far, { method: 'GET', target: '/data/multi' });
      assert.deepEqual([gone.status, gone.code], [404, 'NoSuchKey']);
    } finally {
      await gateway.close();
    }
  });

  it('counts requests and refusals on its admin listener, and says when it is ready', async () => {
    const gateway = await startGateway({
      stores: [providerStore(cloud.endpoint)],
      keys: [{ name: 'far' }, { name: 'bound', buckets: ['mine'] }],
      gateway: { adminListen: { host: '127.0.0.1', port: 0 } },
    });
    try {
      await send(gateway.caller('far'), { method: 'HEAD', target: '/data' });
      await send(gateway.caller('bound'), { method: 'GET', target: '/data/key' });
      const get = async (path: string): Promise<[number, string]> => {
        const response = await fetch(`${gateway.adminUrl}${path}`);
        return [response.status, await response.text()];
      };
      assert.equal((await get('/healthz'))[0], 200);
      assert.equal((await get('/readyz'))[0], 200);
      assert.equal((await get('/upload'))[0], 404);
      const [, metrics] = await get('/metrics');
      assert.match(metrics, /waybill_gateway_refusals_total\{code="AccessDenied"\} 1/);
      assert.match(metrics, /waybill_s3_requests_total\{operation="HeadBucket",status="200"\} 1/);
    } finally {
      await gateway.close();
    }
  });

  it('does not start on a used port, beyond loopback without TLS, or with two keys of one id', async () => {
    const taken = net.createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as net.AddressInfo;
    const stores = [directory()];
    const keys = [{ name: 'near' }];
    const start = (gateway: object, more: object[] = []) =>
      startGateway({ stores, keys: [...keys, ...more] as typeof keys, gateway });
    try {
      await assert.rejects(start({ listen: { host: '127.0.0.1', port } }), { type: 'port_in_use' });
      await assert.rejects(start({ adminListen: { host: '127.0.0.1', port } }), { type: 'port_in_use' });
      await assert.rejects(start({ listen: { host: '0.0.0.0', port: 0 } }), { type: 'invalid_config' });
      await assert.rejects(start({}, [{ name: 'twin', accessKeyId: 'env:near_ID' }]), /one access key id/);
      // Each failure closed what it had opened: the directory can be opened again.
      await (await start({})).close();
    } finally {
      taken.close();
    }
  });
});

describe('waybill gateway', () => {
  it('prints one ready line, and on SIGTERM lets what is in flight end', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'waybill-gateway-'));
    const provider = await startFakeProvider();
    const file = join(scratch, 'waybill.yaml');
    await writeFile(
      file,
      [
        'stores:',
        '  cloud:',
        `    endpoint: ${provider.endpoint}`,
        '    region: eu-west-1',
        '    credentials: { access_key_id: env:PROVIDER_ID, secret_access_key: env:PROVIDER_SECRET }',
        'gateway:',
        '  listen: 127.0.0.1:0',
        '  keys:',
        '    etl: { access_key_id: env:ETL_ID, secret_access_key: env:ETL_SECRET, store: cloud, operations: [read] }',
        '',
      ].join('\n'),
    );
    const child = spawnGateway(file);
    const exited = once(child, 'exit');
    try {
      const line = await readLine(child);
      const match = /^waybill gateway: listening on http:\/\/127\.0\.0\.1:(\d+) stores=cloud$/.exec(line);
      assert.ok(match, line);
      const credentials = { accessKeyId: 'AKIDETL', secretAccessKey: 'secret-of-etl' };
      const caller = { port: Number(match[1]), region: 'us-east-1', credentials } as unknown as StartedStore;
      const asked = new Promise<() => void>((resolve) => {
        provider.script = (_request, response) => {
          resolve(() => response.writeHead(200, { 'content-length': 4, etag: '"e"' }).end('done'));
        };
      });
      const answer = send(caller, { method: 'GET', target: '/bucket/key' });
      const finish = await asked;
      child.kill('SIGTERM');
      await refusesConnections(caller.port);
      finish();
      assert.equal((await answer).text, 'done');
      assert.deepEqual(await exited, [0, null]);
    } finally {
      child.kill('SIGKILL');
      await provider.close();
      await rm(scratch, { recursive: true, force: true });
    }
  });
});

function spawnGateway(file: string): ChildProcess {
  const env = {
    ...process.env,
    PROVIDER_ID: PROVIDER_CREDENTIALS.accessKeyId,
    PROVIDER_SECRET: PROVIDER_CREDENTIALS.secretAccessKey,
    ETL_ID: 'AKIDETL',
    ETL_SECRET: 'secret-of-etl',
  };
  return spawn(process.execPath, ['--import', 'tsx', 'cli/main.ts', 'gateway', '--config', file], {
    cwd: new URL('../..', import.meta.url),
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function readLine(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  return text.split('\n', 1)[0] ?? '';
}

/** Resolves once the listener is closed, which is how draining shows from outside. */
async function refusesConnections(port: number): Promise<void> {
  for (;;) {
    const socket = net.connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (!isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
