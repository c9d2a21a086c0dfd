/**
 * The worker is killed with SIGKILL while ten runs are under way, each of them at another point: listing, planning, before and after
 * the store's effect of every kind of write. All end right, and no request of the dead worker does harm when it arrives late.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { RunJson } from '../../cli/api-client.ts';
import { MiB } from '../../core/limits.ts';
import { compareObjects } from '../../dev/compare-objects.ts';
import type { DemoObject } from '../../dev/demo-input.ts';
import { buildPipeline, listKeys, listSmallObjects } from '../support/run-objects.ts';
import { holdAt, toListingOf, toPut, toRequest, type HeldPoint, type Point } from '../support/run-points.ts';
import { startRunStack, type RunStack } from '../support/run-stack.ts';

const SMALL_OBJECTS = 6;
const PARTS = 2;
const listInput = (name: string): DemoObject[] => [
  ...listSmallObjects(`${name}/`, SMALL_OBJECTS),
  {
    key: `${name}/large.bin`,
    sizeBytes: 8 * MiB + 7,
    headers: { contentType: 'application/x-large', metadata: { of: name } },
  },
];

const small = (name: string): string => `/target/${name}/part-003.json`;
const large = (name: string): string => `/target/${name}/large.bin`;
const POINTS_A: Record<string, Point> = {
  list: { matches: toListingOf('source', 'list/'), hold: 'before' },
};
const POINTS_B: Record<string, Point> = {
  plan: { matches: toListingOf('target', 'plan/'), hold: 'after' },
  'put-before': { matches: toRequest('PUT', small('put-before')), hold: 'before' },
  'put-after': { matches: toRequest('PUT', small('put-after')), hold: 'after' },
  'create-after': { matches: toRequest('POST', large('create-after'), 'uploads'), hold: 'after' },
  'part-before': { matches: toRequest('PUT', large('part-before'), 'partNumber=2'), hold: 'before' },
  'part-after': { matches: toRequest('PUT', large('part-after'), 'partNumber=1'), hold: 'after' },
  'complete-after': { matches: toRequest('POST', large('complete-after'), 'uploadId'), hold: 'after' },
  'marker-before': { matches: toPut('/target/marker-before/manifests/'), hold: 'before' },
  'marker-after': { matches: toPut('/target/marker-after/manifests/'), hold: 'after' },
};
const NAMES = [...Object.keys(POINTS_A), ...Object.keys(POINTS_B)];

let stack: RunStack;
before(async () => {
  const pipelines = Object.fromEntries(NAMES.map((name) => [name, buildPipeline(`${name}/`, `${name}/`)]));
  // Long enough for all ten to reach their points before the first of their requests times out.
  stack = await startRunStack({ config: { pipelines, heartbeatTimeout: '16s', requestLimit: '8s' } });
  await stack.putSource(NAMES.flatMap(listInput));
});
after(() => stack.dispose());

test('a worker killed at any point repeats at most what was in flight, and every run ends right', async () => {
  const held: Record<string, HeldPoint> = { ...holdAt(stack.proxyA, POINTS_A), ...holdAt(stack.proxyB, POINTS_B) };
  const started = await Promise.all(NAMES.map((name) => stack.begin('killed', { pipeline: name })));
  for (const name of NAMES) await held[name]?.reached;

  stack.child('worker').kill('SIGKILL');
  assert.equal(await stack.child('worker').exited, 'SIGKILL');
  // What had its effect lost its answer. What had none yet arrives when all is over.
  for (const name of NAMES) {
    if (POINTS_B[name]?.hold === 'before') held[name]?.passLater();
    else held[name]?.open();
  }
  await stack.start('worker');
  const runs = await Promise.all(started.map(({ id }) => stack.waitFor(id)));
  for (const run of runs) checkEnd(run);
  checkRequests(held);
  for (const name of NAMES) held[name]?.open();
  await untilAllArrived();

  for (const name of NAMES) {
    const input = listInput(name);
    assert.deepEqual(await compareObjects(stack.storeB, 'target', input, (key) => key), [], name);
    const keys = await listKeys(stack.storeB, 'target', `${name}/`);
    const markers = keys.filter((key) => key.startsWith(`${name}/manifests/`));
    assert.equal(markers.length, 1, name);
    assert.equal(keys.length, input.length + 1, name);
  }
  assert.deepEqual(await stack.storeB.listUploads({ bucket: 'target', prefix: '' }), []);
  const verified = await Promise.all(NAMES.map((name) => stack.run('killed', { pipeline: name })));
  for (const { pipeline, verification } of verified) {
    assert.equal(verification?.state, 'ok', JSON.stringify([pipeline, verification]));
  }
});

function checkEnd(run: RunJson): void {
  const what = JSON.stringify([run.pipeline, run.failure, run.totals]);
  const sizeBytes = listInput(run.pipeline).reduce((sum, object) => sum + object.sizeBytes, 0);
  assert.equal(run.state, 'done', what);
  assert.equal(run.attempt, 1, what);
  assert.equal(run.totals['copied'], SMALL_OBJECTS + 1, what);
  assert.equal(run.totals['copied_bytes'], sizeBytes, what);
  assert.deepEqual(run.totals.outcomes, {}, what);
}

/** Of each run, what reached the store. Each of these runs has one batch. */
function checkRequests(held: Readonly<Record<string, HeldPoint>>): void {
  for (const name of NAMES) {
    const sent = stack.proxyB.requests.filter(({ url }) => url.startsWith(`/target/${name}/`));
    const count = (matches: (typeof POINTS_B)[string]['matches']): number => sent.filter(matches).length;
    const [whole, parts, creates, completes, markers] = [
      count((request) => request.method === 'PUT' && /part-[0-9]+\.json$/.test(request.url)),
      count(toRequest('PUT', large(name), 'partNumber')),
      count(toRequest('POST', large(name), 'uploads')),
      count(toRequest('POST', large(name), 'uploadId')),
      count(toPut(`/target/${name}/manifests/`)),
    ];
    const seen = JSON.stringify({ name, whole, parts, creates, completes, markers });
    const inCopy = /^(put|create|part|complete)-/.test(name) ? 2 : 1;
    // A request that stood still beyond its limit was sent again: that is not the kill's doing.
    const timedOut = (held[name]?.count() ?? 1) - 1;
    assert.ok(whole >= SMALL_OBJECTS && whole <= inCopy * SMALL_OBJECTS + timedOut, seen);
    assert.ok(parts >= PARTS && parts <= inCopy * PARTS + timedOut, seen);
    assert.ok(creates >= 1 && creates <= inCopy + timedOut, seen);
    assert.ok(completes >= 1 && completes <= inCopy + timedOut, seen);
    assert.ok(markers >= 1 && markers <= (name.startsWith('marker-') ? 2 : 1) + timedOut, seen);
  }
}

/** The store has answered everything that the proxy has of anybody, the dead worker's late requests too. */
async function untilAllArrived(): Promise<void> {
  for (let tries = 0; stack.proxyB.underWay() > 0; tries++) {
    assert.ok(tries < 3000, `${String(stack.proxyB.underWay())} requests are under way`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
