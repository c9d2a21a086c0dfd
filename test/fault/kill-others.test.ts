/** Everything but the worker is killed or restarted under a run: it goes on, is made once, and ends right. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import type { RunJson } from '../../cli/api-client.ts';
import { runWorkflowId } from '../../core/ids.ts';
import { MiB } from '../../core/limits.ts';
import { compareObjects } from '../../dev/compare-objects.ts';
import type { DemoObject } from '../../dev/demo-input.ts';
import type { RunningPostgres } from '../../dev/postgres.ts';
import type { ProcessName } from '../../dev/secrets.ts';
import { buildPipeline, listKeys, listSmallObjects } from '../support/run-objects.ts';
import { holdAt, toPut, toRequest, type HeldPoint, type Point } from '../support/run-points.ts';
import { startRunStack, type RunStack } from '../support/run-stack.ts';

const NAMES = ['api', 'unheard', 'gateway', 'store', 'postgres', 'temporal', 'again', 'left', 'quiet'];
/** Longer than the time-out of other stacks: on a busy machine a request that takes too long is sent twice, and writes are counted here. */
const HEARTBEAT_MS = 10_000;
const WITH_PARTS = new Set(['store', 'again', 'left']);
const listInput = (name: string): DemoObject[] => [
  ...listSmallObjects(`${name}/`, 4),
  ...(WITH_PARTS.has(name)
    ? [{ key: `${name}/large`, sizeBytes: 8 * MiB + 3, headers: { contentType: 'a/b', metadata: {} } }]
    : []),
];

let stack: RunStack;
let postgres: RunningPostgres | null = null;
before(async () => {
  const pipelines = Object.fromEntries(NAMES.map((name) => [name, buildPipeline(`${name}/`, `${name}/`)]));
  stack = await startRunStack({
    ownServers: true,
    config: { pipelines, heartbeatTimeout: `${HEARTBEAT_MS / 1000}s`, requestLimit: '5s' },
  });
  await stack.putSource(NAMES.flatMap(listInput));
});
after(async () => {
  await stack.dispose();
  await postgres?.stop();
});

const smallPut = (name: string): Point['matches'] => toRequest('PUT', `/target/${name}/part-002.json`);
const firstPart = (name: string): Point['matches'] => toRequest('PUT', `/target/${name}/large`, 'partNumber=1');
const holdB = (matches: Point['matches'], hold: Point['hold']): HeldPoint =>
  holdAt(stack.proxyB, { held: { matches, hold } }).held;

async function killAndStart(name: ProcessName): Promise<void> {
  stack.child(name).kill('SIGKILL');
  assert.equal(await stack.child(name).exited, 'SIGKILL');
  await stack.start(name);
}

/** The run's only workflow and its only attempt did all of it; nothing is left open. */
async function checkDone(run: RunJson, attempt = 1): Promise<void> {
  const name = run.pipeline;
  const what = JSON.stringify([run.failure, run.totals]);
  const input = listInput(name);
  assert.equal(run.state, 'done', what);
  assert.equal(run.attempt, attempt, what);
  assert.deepEqual(run.totals.outcomes, {}, what);
  assert.equal((run.totals['copied'] ?? 0) + (run.totals['skipped'] ?? 0) + (run.totals['adopted'] ?? 0), input.length);
  assert.deepEqual(await compareObjects(stack.storeB, 'target', input, (key) => key), []);
  const keys = await listKeys(stack.storeB, 'target', `${name}/`);
  assert.equal(keys.length, input.length + 1, 'the objects and one marker');
  assert.deepEqual(await stack.storeB.listUploads({ bucket: 'target', prefix: `${name}/` }), []);
}

const countPuts = (name: string): number =>
  stack.proxyB.requests.filter(({ method, url }) => method === 'PUT' && url.startsWith(`/target/${name}/`)).length;

async function untilOpenUploads(name: string, isSo: (count: number) => boolean): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { length } = await stack.storeB.listUploads({ bucket: 'target', prefix: `${name}/` });
    if (isSo(length)) return;
    assert.ok(tries < 2400, `${length} uploads are open`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function terminate(name: string): Promise<void> {
  const connection = await Connection.connect({ address: stack.temporalAddress });
  try {
    await new Client({ connection }).workflow.getHandle(runWorkflowId(name, 'r')).terminate('on purpose');
  } finally {
    await connection.close();
  }
}

test('the API is killed right after its 202: the run is there, and is carried out once', async () => {
  const { id } = await stack.begin('r', { pipeline: 'api' });
  await killAndStart('api');
  await checkDone(await stack.waitFor(id));
  assert.equal(countPuts('api'), 5);
});

test('the API is killed before Temporal heard of an accepted run: it is started after the restart, once', async () => {
  const { child } = stack.temporal;
  assert.ok(child !== null);
  child.kill('SIGKILL');
  await child.exited;
  // The answer comes when the API gives Temporal up; the row is committed long before.
  const { id, state } = await stack.begin('r', { pipeline: 'unheard' });
  assert.equal(state, 'accepted');
  stack.child('api').kill('SIGKILL');
  await stack.child('api').exited;
  await stack.temporal.start();
  await stack.start('api');
  await checkDone(await stack.waitFor(id));
  assert.equal(countPuts('unheard'), 5);
});

test('the gateway is killed with a write under way', async () => {
  const held = holdB(smallPut('gateway'), 'before');
  const { id } = await stack.begin('r', { pipeline: 'gateway' });
  await held.reached;
  await killAndStart('gateway');
  held.open();
  await checkDone(await stack.waitFor(id));
});

test('the target store is killed with an object and a part under way', async () => {
  const held = holdB((request) => smallPut('store')(request) || firstPart('store')(request), 'before');
  const { id } = await stack.begin('r', { pipeline: 'store' });
  await held.reached;
  stack.child('store-b').kill('SIGKILL');
  await stack.child('store-b').exited;
  held.open();
  await stack.start('store-b');
  await checkDone(await stack.waitFor(id));
});

test('a workflow that was terminated is started again: a new attempt ends right, and nothing is left open', async () => {
  const held = holdB(firstPart('again'), 'after');
  await stack.begin('r', { pipeline: 'again' });
  await held.reached;
  await terminate('again');
  const started = await stack.begin('r', { pipeline: 'again' });
  assert.equal(started.attempt, 2);
  held.open();
  await checkDone(await stack.waitFor(started.id), 2);
});

test('the successor of a terminated attempt stays quiet for a heartbeat time-out, also when only its marker is to be written', async () => {
  await checkDone(await stack.run('first', { pipeline: 'quiet' }));
  const isMarker = toPut('/target/quiet/manifests/');
  const held = holdB(isMarker, 'before');
  await stack.begin('r', { pipeline: 'quiet' });
  await held.reached;
  const terminatedAt = Date.now();
  await terminate('quiet');
  const { id, attempt } = await stack.begin('r', { pipeline: 'quiet' });
  assert.equal(attempt, 2);
  let writtenAt = 0;
  held.passLater();
  const pass = stack.proxyB.decide;
  stack.proxyB.decide = (request) => {
    if (isMarker(request)) writtenAt = Date.now();
    return pass(request);
  };
  const run = await stack.waitFor(id);
  held.open();
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  // It counts from when the attempt was settled, after it was terminated.
  assert.ok(writtenAt - terminatedAt > HEARTBEAT_MS - 100, `${writtenAt - terminatedAt} ms`);
  const keys = await listKeys(stack.storeB, 'target', 'quiet/');
  assert.equal(keys.length, listInput('quiet').length + 2, 'the objects and two markers');
});

test('a workflow that was terminated and not started again: the sweeper settles it, frees the target and aborts its uploads', async () => {
  // Its upload is being made while it dies: at the store it appears only after the attempt was settled.
  const held = holdB(toRequest('POST', '/target/left/large', 'uploads'), 'before');
  const { id } = await stack.begin('r', { pipeline: 'left' });
  await held.reached;
  await terminate('left');
  const run = await stack.waitFor(id);
  held.open();
  assert.equal(run.state, 'failed');
  assert.equal(run.failure?.type, 'terminated');
  await untilOpenUploads('left', (count) => count > 0);
  await untilOpenUploads('left', (count) => count === 0);
  await checkDone(await stack.run('next', { pipeline: 'left' }));
});

test('Postgres is restarted between the effect of a write at the store and the ledger', async () => {
  const held = holdB(smallPut('postgres'), 'after');
  const { id } = await stack.begin('r', { pipeline: 'postgres' });
  await held.reached;
  assert.ok(stack.postgres !== null);
  postgres = await stack.postgres.restart();
  held.open();
  await checkDone(await stack.waitFor(id));
});

test('Temporal is killed and started again over its file while a run copies', async () => {
  const held = holdB(smallPut('temporal'), 'after');
  const { id } = await stack.begin('r', { pipeline: 'temporal' });
  await held.reached;
  const { child } = stack.temporal;
  child?.kill('SIGKILL');
  await child?.exited;
  await stack.temporal.start();
  held.open();
  await checkDone(await stack.waitFor(id));
});
