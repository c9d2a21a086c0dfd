/** `waybill store` as a process: what it prints, what it refuses to start with, how it ends. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createS3Store, type Reply } from '../support/store-command-client.ts';

const SECRET = 'a-secret-that-no-log-may-show';
const CREDENTIALS = { WAYBILL_ACCESS_KEY_ID: 'AKIDCOMMAND', WAYBILL_SECRET_ACCESS_KEY: SECRET };

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'waybill-store-command-'));
});
after(() => rm(root, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[], environment: NodeJS.ProcessEnv = CREDENTIALS) {
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', 'cli/main.ts', 'store', ...args], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, 'close').then(([code]): Ended => ({ code: code as number | null, stdout, stderr }));
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', () => {
      const url = /listening on (\S+) root=/.exec(stdout)?.[1];
      if (url !== undefined) resolve(url);
    });
    ended.then(() => reject(new Error(`it ended: ${stderr}`)), reject);
  });
  ready.catch(() => undefined);
  return { child, ended, ready, output: () => stdout + stderr };
}

test('it says where it listens, serves, counts, and ends with 0 on SIGTERM; a restart has the objects', async () => {
  const args = ['--root', join(root, 'a'), '--listen', '127.0.0.1:0', '--bucket', 'made', '--log-level', 'debug'];
  const first = start([...args, '--admin-listen', '127.0.0.1:0']);
  const url = await first.ready;
  const reply = createS3Store(url, CREDENTIALS.WAYBILL_ACCESS_KEY_ID, SECRET);
  assert.equal((await reply('PUT', '/made/key', 'bytes')).status, 200);
  const wrong = createS3Store(url, CREDENTIALS.WAYBILL_ACCESS_KEY_ID, 'wrong');
  assert.equal((await wrong('GET', '/made/key')).status, 403);
  const admin = /"url":"(http:[^"]+)"/.exec(first.output())?.[1] ?? '';
  assert.equal(await (await fetch(`${admin}/healthz`)).text(), 'ok\n');
  const metrics = await (await fetch(`${admin}/metrics`)).text();
  assert.match(metrics, /waybill_s3_requests_total\{operation="PutObject",status="200"\} 1/);
  assert.match(metrics, /waybill_s3_requests_total\{operation="GetObject",status="403"\} 1/);
  assert.match(metrics, /waybill_s3_object_bytes_total\{operation="PutObject",direction="in"\} 5/);
  assert.match(metrics, /waybill_s3_request_duration_seconds_count\{operation="PutObject"\} 1/);
  first.child.kill('SIGTERM');
  const { code, stdout, stderr } = await first.ended;
  assert.equal(code, 0, stderr);
  assert.equal(stdout, `waybill store: listening on ${url} root=${join(root, 'a')}\n`);
  assert.ok(stderr.includes('"msg":"refused"'));
  assert.ok(!stderr.includes(SECRET));

  const second = start(args);
  const again: Reply = await createS3Store(
    await second.ready,
    CREDENTIALS.WAYBILL_ACCESS_KEY_ID,
    SECRET,
  )('GET', '/made/key');
  assert.deepEqual([again.status, again.text], [200, 'bytes']);
  second.child.kill('SIGINT');
  assert.equal((await second.ended).code, 0);
});

test('it does not start without credentials, in the open without TLS, or on a port that is taken', async () => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as net.AddressInfo;
  const refuse = (args: readonly string[], environment?: NodeJS.ProcessEnv): Promise<Ended> =>
    start(['--root', join(root, 'b'), ...args], environment).ended;
  const missing = await refuse(['--listen', '127.0.0.1:0'], { WAYBILL_ACCESS_KEY_ID: 'a' });
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /WAYBILL_SECRET_ACCESS_KEY/);
  const open = await refuse(['--listen', '0.0.0.0:0']);
  assert.equal(open.code, 2);
  assert.match(open.stderr, /plain HTTP beyond loopback/);
  const nonsense = await refuse(['--listen', 'nowhere']);
  assert.equal(nonsense.code, 2);
  const inUse = await refuse(['--listen', `127.0.0.1:${String(port)}`]);
  assert.notEqual(inUse.code, 0);
  assert.match(
    inUse.stderr,
    new RegExp(`the address is already in use \\[host=127\\.0\\.0\\.1, port=${String(port)}\\]`),
  );
  assert.equal(missing.stdout + open.stdout + nonsense.stdout + inUse.stdout, '');
  taken.close();
});
