/** SIGHUP, with the real process: what the file says is taken whole or not at all, and no request notices. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Credentials } from '../../sigv4/types.ts';
import { send, type Answer } from '../support/signed-request.ts';
import { PROVIDER_CREDENTIALS, startFakeProvider, type FakeProvider } from '../support/start-fake-provider.ts';
import type { StartedStore } from '../support/start-store.ts';
import { until } from '../support/until.ts';

const ETL: Credentials = { accessKeyId: 'AKIDETL', secretAccessKey: 'secret-of-etl' };
const NEXT: Credentials = { accessKeyId: 'AKIDETL', secretAccessKey: 'next-secret-of-etl' };

describe('SIGHUP', () => {
  let scratch = '';
  let cloud: FakeProvider;
  let other: FakeProvider;
  let child: ChildProcess;
  let port = 0;
  let log = '';
  const file = (): string => join(scratch, 'waybill.yaml');

  const write = async (
    changes: {
      operations?: string;
      secret?: string;
      endpoint?: string;
      more?: string;
      gateway?: string;
      store?: string;
    } = {},
  ) => {
    const credentials = '{ access_key_id: env:PROVIDER_ID, secret_access_key: "file:provider-secret" }';
    await writeFile(
      file(),
      [
        'stores:',
        `  cloud: { endpoint: "${changes.endpoint ?? cloud.endpoint}", region: eu-west-1, credentials: ${credentials}${changes.store ?? ''} }`,
        '  disk: { directory: data, fsync: false }',
        'gateway:',
        '  listen: 127.0.0.1:0',
        `  ${changes.gateway ?? 'access_log: all'}`,
        '  keys:',
        '    etl:',
        '      access_key_id: env:ETL_ID',
        `      secret_access_key: ${changes.secret ?? 'file:etl-secret'}`,
        '      store: cloud',
        `      operations: ${changes.operations ?? '[read]'}`,
        `    near: { access_key_id: env:NEAR_ID, secret_access_key: env:NEAR_SECRET, store: disk, operations: [list, admin] }`,
        changes.more ?? '',
      ].join('\n'),
    );
  };
  const hangUp = async (expected: RegExp): Promise<void> => {
    log = '';
    child.kill('SIGHUP');
    await until(() => expected.test(log));
  };
  const TAKEN = /the configuration was read again/;
  const REFUSED = /the new configuration is refused; the old one stays in use/;
  const get = (credentials = ETL, method = 'GET', target = '/bucket/key'): Promise<Answer> =>
    send({ port, region: 'us-east-1', credentials } as unknown as StartedStore, { method, target });

  before(async () => {
    cloud = await startFakeProvider();
    other = await startFakeProvider();
  });
  after(async () => {
    await cloud.close();
    await other.close();
  });
  beforeEach(async () => {
    for (const [provider, text] of [
      [cloud, 'cloud'],
      [other, 'other'],
    ] as const) {
      provider.script = (_request, response) => {
        response.writeHead(200, { 'content-length': 5, etag: '"e"' }).end(text);
      };
    }
    scratch = await mkdtemp(join(tmpdir(), 'waybill-reload-'));
    await writeFile(join(scratch, 'etl-secret'), `${ETL.secretAccessKey}\n`);
    await writeFile(join(scratch, 'provider-secret'), PROVIDER_CREDENTIALS.secretAccessKey);
    await write();
    child = spawn(process.execPath, ['--import', 'tsx', 'cli/main.ts', 'gateway', '--config', file()], {
      cwd: new URL('../..', import.meta.url),
      env: {
        ...process.env,
        PROVIDER_ID: PROVIDER_CREDENTIALS.accessKeyId,
        ETL_ID: ETL.accessKeyId,
        NEAR_ID: 'AKIDNEAR',
        NEAR_SECRET: 'secret-of-near',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stderr?.on('data', (chunk) => (log += String(chunk)));
    let line = '';
    child.stdout?.on('data', (chunk) => (line += String(chunk)));
    await until(() => line.includes('\n') || child.exitCode !== null);
    port = Number(/listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1]);
  });
  afterEach(async () => {
    const exited = once(child, 'exit');
    if (child.exitCode === null) child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await exited;
    await rm(scratch, { recursive: true, force: true });
  });

  it('takes new rights, new secrets and new stores', async () => {
    assert.equal((await get()).text, 'cloud');
    assert.equal((await get(ETL, 'DELETE')).status, 403);
    assert.equal((await get(NEXT)).code, 'SignatureDoesNotMatch');

    await writeFile(join(scratch, 'next'), NEXT.secretAccessKey);
    await write({ operations: '[read, delete]', secret: '[file:etl-secret, file:next]', endpoint: other.endpoint });
    await hangUp(TAKEN);
    assert.equal((await get(ETL, 'DELETE')).status, 200);
    assert.equal((await get()).text, 'other');
    assert.equal((await get(NEXT)).status, 200, 'both secrets hold while it rotates');

    await write({ secret: 'file:next' });
    await hangUp(TAKEN);
    assert.equal((await get()).code, 'SignatureDoesNotMatch', 'the old one is gone');
    assert.equal((await get(NEXT)).text, 'cloud');
  });

  it('reads a secret again whose file has changed, and keeps a directory open that has not', async () => {
    const near = { accessKeyId: 'AKIDNEAR', secretAccessKey: 'secret-of-near' };
    assert.equal((await get(near, 'PUT', '/bucket')).status, 200);
    await writeFile(join(scratch, 'provider-secret'), 'another-secret');
    const held: boolean[] = [];
    cloud.script = (request, response) => {
      held.push(request.verdict.ok);
      response.writeHead(200, { 'content-length': 5, etag: '"e"' }).end('cloud');
    };
    await get();
    await hangUp(TAKEN);
    await get();
    assert.deepEqual(held, [true, false], 'the provider sees the new secret, which is none of its own');
    assert.equal((await get(near, 'HEAD', '/bucket')).status, 200);
  });

  it('leaves everything as it was when anything is wrong, and says what', async () => {
    for (const [changes, why] of [
      [{ operations: '[read, everything]' }, /everything|one of list, read/],
      [{ more: '    broken: {' }, /refused/],
      [{ secret: 'file:absent' }, /absent/],
      [{ gateway: 'region: eu-central-1' }, /must be restarted.*region/],
      [
        {
          more: '    twin: { access_key_id: env:ETL_ID, secret_access_key: env:NEAR_SECRET, store: disk, operations: [read] }',
        },
        /access key id/,
      ],
    ] as const) {
      await write({ endpoint: other.endpoint, ...changes });
      await hangUp(REFUSED);
      assert.match(log, why);
      assert.ok(!/secret-of/.test(log), log);
      assert.equal((await get()).text, 'cloud');
      assert.equal((await get(ETL, 'DELETE')).status, 403);
    }
    await write();
    await hangUp(TAKEN);
    assert.equal((await get()).text, 'cloud');
  });

  it('holds a body to its Content-MD5 itself as soon as the store is said not to', async () => {
    // It ignores Content-MD5.
    cloud.script = (_request, response) => response.writeHead(200, { etag: '"e"' }).end();
    const put = (): Promise<Answer> =>
      send({ port, region: 'us-east-1', credentials: ETL } as unknown as StartedStore, {
        ...{ method: 'PUT', target: '/bucket/key', body: Buffer.alloc(300_000), payloadHash: 'UNSIGNED-PAYLOAD' },
        headers: [['Content-MD5', createHash('md5').update('other').digest('base64')]],
      });
    const operations = '[write]\n      allow_unsigned_payload: true';
    await write({ operations, store: ', unsigned_payload: true' });
    await hangUp(TAKEN);
    assert.equal((await put()).status, 200, "the operator's word for the store holds");

    await write({ operations, store: ', unsigned_payload: true, etags: opaque' });
    await hangUp(TAKEN);
    const before = cloud.requests.length;
    assert.equal((await put()).code, 'BadDigest');
    assert.equal((await cloud.seen(before)).isComplete, false);

    await write({ operations, store: ', etags: md5' });
    await hangUp(TAKEN);
    assert.equal((await put()).code, 'BadDigest');
  });

  it('lets a request end at the store where it began', async () => {
    const asked = new Promise<() => void>((resolve) => {
      cloud.script = (_request, response) => {
        response.writeHead(200, { 'content-length': 10, etag: '"e"' });
        response.write('first');
        resolve(() => response.end(' last'));
      };
    });
    const answer = get();
    const finish = await asked;
    await write({ endpoint: other.endpoint });
    await hangUp(TAKEN);
    assert.equal((await get()).text, 'other', 'the next one goes to the new store');
    finish();
    assert.equal((await answer).text, 'first last');
  });
});
