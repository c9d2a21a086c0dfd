/** How the stack starts, stops and watches its processes. They are shell scripts that say what ours say when they are ready. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { startStack, type StackOptions } from '../../dev/stack.ts';
import { until } from '../support/until.ts';

const STAYS = 'exec sleep 600';
const LISTENS = `echo "waybill $1: listening"; ${STAYS}`;
const SCRIPTS: Readonly<Record<string, string>> = {
  migrate: 'echo "waybill migrate: done"',
  worker: `echo "waybill worker: running"; ${STAYS}`,
};

let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(path.join(os.tmpdir(), 'waybill-dev-stack-'));
});
afterEach(() => rm(stateDir, { recursive: true, force: true }));

/** Servers are somebody else's, and nobody asks them anything. Each process writes its pid to a file of its name. */
function buildOptions(scripts: Readonly<Record<string, string>> = {}): StackOptions {
  return {
    stateDir,
    fast: true,
    say: () => undefined,
    postgresUrl: 'postgres://127.0.0.1:1/none',
    temporalAddress: '127.0.0.1:1',
    command: (name = '') => {
      const script = scripts[name] ?? SCRIPTS[name] ?? LISTENS;
      return ['/bin/sh', '-c', `echo $$ >> "${path.join(stateDir, name)}.pids"; ${script}`, 'sh', name];
    },
  };
}

async function readPids(name: string): Promise<number[]> {
  const text = await readFile(path.join(stateDir, `${name}.pids`), 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean).map(Number);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function listRunning(): Promise<number[]> {
  const pids = await Promise.all(['store', 'gateway', 'worker', 'api'].map(readPids));
  return pids.flat().filter(isRunning);
}

test('a stack that is told to end while it starts leaves no process', async () => {
  const ending = new AbortController();
  const start = startStack({ ...buildOptions({ api: STAYS }), signal: ending.signal });
  const failed = assert.rejects(start, /enough/);
  await until(async () => (await listRunning()).length === 5);
  ending.abort(new Error('enough'));
  await failed;
  assert.deepEqual(await listRunning(), []);
});

test('a stack of which one process does not start leaves none', async () => {
  await assert.rejects(
    startStack(buildOptions({ api: 'echo "no such thing"; exit 3' })),
    /api ended.*3[^]*no such thing/,
  );
  assert.deepEqual(await listRunning(), []);
});

test('a process that does not start says with which code it ended', async () => {
  const start = startStack(buildOptions({ gateway: 'echo "waybill: a secret is not set"; exit 2' }));
  await assert.rejects(start, { end: 2, message: /waybill: a secret is not set/ });
});

test('a configuration that was edited and is wrong is told before anything is started', async () => {
  await writeFile(path.join(stateDir, 'waybill.yaml'), 'worker: 7\n');
  await assert.rejects(startStack(buildOptions()), { type: 'invalid_config', message: /waybill\.yaml:1:9: worker/ });
  assert.deepEqual(await readPids('migrate'), []);
});

test('a process that is being started when the stack is stopped does not outlive it', async () => {
  const once = `test $(wc -l < "${path.join(stateDir, 'api')}.pids") = 1 && echo "waybill api: listening"; ${STAYS}`;
  const stack = await startStack(buildOptions({ api: once }));
  stack.child('api').kill('SIGKILL');
  const again = assert.rejects(stack.start('api'), /stopped/);
  await until(async () => (await readPids('api')).length === 2);
  await stack.stop();
  await again;
  assert.deepEqual(await listRunning(), []);
});

test('a process that ends is started again, also when the next start fails', async () => {
  const secondFails = `test $(wc -l < "${path.join(stateDir, 'worker')}.pids") = 2 && exit 1; ${SCRIPTS['worker'] ?? ''}`;
  const stack = await startStack({ ...buildOptions({ worker: secondFails }), supervise: true });
  try {
    const first = stack.child('worker');
    first.kill('SIGKILL');
    await until(() => stack.child('worker') !== first);
    assert.equal((await readPids('worker')).length, 3);
    assert.ok(isRunning(stack.child('worker').pid));
  } finally {
    await stack.stop();
  }
  assert.deepEqual(await listRunning(), []);
});
