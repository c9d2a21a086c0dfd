import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { startApi } from '../../api/start-api.ts';
import type { ApiConfig } from '../../config/config.ts';
import { waybillCommand } from '../../dev/entry.ts';
import { findFreePorts } from '../../dev/free-port.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { FakeControl } from '../support/api-fixture.ts';
import { catchFailure } from '../support/catch-failure.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let home: string;
let database: TestDatabase;
let temporalPort: number;

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'waybill-api-'));
  database = await createTestDatabase();
  [temporalPort = 0] = await findFreePorts(1);
});
after(async () => {
  await database.drop();
  await rm(home, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function runWaybill(...args: string[]): Promise<Ended> {
  return readToEnd(startWaybill(args));
}
function startWaybill(args: readonly string[]): ChildProcess {
  const [command, ...rest] = waybillCommand(...args);
  return spawn(command, rest, {
    env: { ...process.env, WAYBILL_DATABASE_URL: database.url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
async function readToEnd(child: ChildProcess): Promise<Ended> {
  const texts = { stdout: '', stderr: '' };
  child.stdout?.on('data', (data: Buffer) => (texts.stdout += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (texts.stderr += data.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...texts };
}
async function writeConfig(name: string, api: string): Promise<string> {
  const file = join(home, name);
  await writeFile(
    file,
    `stores: { a: { directory: a }, b: { directory: b } }
pipelines: { copy: { source: { store: a, bucket: inbox }, target: { store: b, bucket: archive } } }
api: ${api}
database: env:WAYBILL_DATABASE_URL
temporal: { address: '127.0.0.1:${temporalPort}' }
`,
  );
  return file;
}

test('waybill api says where it listens, answers, and on SIGTERM lets the request in flight end', async () => {
  const file = await writeConfig('api.yaml', "{ listen: '127.0.0.1:0' }");
  const child = startWaybill(['api', '--config', file]);
  const ended = readToEnd(child);
  const [line] = (await once(child.stdout ?? assert.fail(), 'data')) as [Buffer];
  const [, url = ''] =
    /^waybill api: listening on (http:\/\/127\.0\.0\.1:\d+) docs=\1\/docs\n$/.exec(line.toString()) ?? [];
  assert.notEqual(url, '', line.toString());
  // Temporal is away: the run is accepted, and the answer takes as long as the control's limit.
  const answer = fetch(`${url}/v1/runs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ pipeline: 'copy', run_id: 'r1' }),
  });
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  const ready = (await (await fetch(`${url}/readyz`)).json()) as { postgres: string; temporal: string };
  assert.deepEqual([ready.postgres, ready.temporal], ['ok', 'unavailable']);
  child.kill('SIGTERM');
  assert.equal((await answer).status, 202);
  const answeredAt = performance.now();
  const { code, stdout, stderr } = await ended;
  // The reconciler may be in the middle of a look; a connection that is kept alive would hold the process for 72 s.
  assert.ok(performance.now() - answeredAt < 30_000, 'the process lingers');
  assert.equal(code, 0, stderr);
  assert.equal(stdout.split('\n').length, 2);
  assert.match(stderr, /no tokens are configured/);
  assert.match(stderr, /"draining"/);
});

test('a port that is in use is told, with exit code 4', async () => {
  const server: Server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const { code, stdout, stderr } = await runWaybill(
    'api',
    '--config',
    await writeConfig('taken.yaml', `{ listen: '127.0.0.1:${port}' }`),
  );
  server.close();
  assert.equal(code, 4, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, new RegExp(`the address of the API is taken \\[listen=127.0.0.1:${port}\\]`));
});

const parts = (tokens: ApiConfig['tokens'], host: string) => ({
  api: { listen: { host, port: 0 }, tokens },
  ledger: {} as Ledger,
  control: new FakeControl(),
  config: { pipelines: new Map(), pipelineRetentionMs: new Map() },
  logger: pino({ level: 'silent' }),
});

test('beyond loopback without tokens the API does not start', async () => {
  const failure = await catchFailure('invalid_config', startApi(parts([], '0.0.0.0')));
  assert.match(failure.message, /only with tokens; make one with: waybill token create NAME \[listen=0\.0\.0\.0:0\]/);
});

test('a token whose hash leads nowhere, or to no hash, keeps the API from starting', async () => {
  const unset = { name: 'a', role: 'viewer', sha256: 'env:WAYBILL_TEST_UNSET' } as const;
  const failure = await catchFailure('invalid_config', startApi(parts([unset], '127.0.0.1')));
  assert.match(failure.message, /"env:WAYBILL_TEST_UNSET" is not set/);
  const file = join(home, 'token');
  await writeFile(file, 'hunter2hunter2');
  const wrong = { name: 'a', role: 'viewer', sha256: `file:${file}` } as const;
  const other = await catchFailure('invalid_config', startApi(parts([wrong], '127.0.0.1')));
  assert.ok(!other.message.includes('hunter2'), other.message);
});

test('waybill token create prints a new token once, and the hash that the configuration needs', async () => {
  const { code, stdout } = await runWaybill('token', 'create', 'ci', '--role', 'operator');
  assert.equal(code, 0);
  const token = /^token: (wb_[A-Za-z0-9_-]{43})$/m.exec(stdout)?.[1] ?? '';
  const sha256 = createHash('sha256').update(token).digest('hex');
  assert.ok(stdout.includes(`- { name: 'ci', role: operator, sha256: '${sha256}' }`), stdout);
  const pasted = stdout.slice(stdout.indexOf('api:')).replace('api:', "api:\n  listen: '127.0.0.1:0'");
  const file = join(home, 'pasted.yaml');
  await writeFile(file, `stores: {}\n${pasted}`);
  const checked = await runWaybill('config', 'check', file, '--json');
  assert.equal(checked.code, 0, checked.stderr);
});

test('waybill config check names what is wrong, with exit code 2', async () => {
  const file = join(home, 'wrong.yaml');
  await writeFile(file, 'stores: {}\nzip: 1\n');
  const { code, stderr } = await runWaybill('config', 'check', file);
  assert.equal(code, 2);
  assert.match(stderr, /wrong\.yaml:2:1: zip: no such field/);
  const byOption = await runWaybill('config', 'check', '--config', file);
  assert.deepEqual([byOption.code, byOption.stderr], [code, stderr]);
});
