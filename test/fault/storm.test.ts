/**
 * Everything at once: both stores refuse a third of all requests for seconds at a time, cut bodies and answers, and lose answers after
 * the effect; two workers copy, one of them is killed and comes back, and the run is paused and resumed. At the end every byte is there.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MiB } from '../../core/limits.ts';
import type { Child } from '../../dev/child.ts';
import { compareObjects } from '../../dev/compare-objects.ts';
import type { DemoObject } from '../../dev/demo-input.ts';
import { buildPipeline, listSmallObjects } from '../support/run-objects.ts';
import { startRunStack, type RunStack } from '../support/run-stack.ts';
import type { Fault } from '../support/start-fault-proxy.ts';
import { startSecondWorker } from '../support/start-second-worker.ts';

const LARGE = [1, 2, 3].map((n): DemoObject => ({
  key: `storm/large-${String(n)}`,
  sizeBytes: 20 * MiB + n,
  headers: { contentType: 'application/x-large', metadata: { n: String(n) } },
}));
const OBJECTS = [...listSmallObjects('storm/', 150), ...LARGE];
const SLOW_DOWN: Fault = { kind: 'answer', status: 503, code: 'SlowDown', headers: { 'retry-after': '1' } };
const PASS: Fault = { kind: 'pass' };

let stack: RunStack;
let second: Child | undefined;
before(async () => {
  stack = await startRunStack({ config: { pipelines: { storm: buildPipeline('storm/', 'storm/') } } });
  await stack.putSource(OBJECTS);
  second = await startSecondWorker(stack);
});
after(async () => {
  second?.kill('SIGKILL');
  await second?.exited;
  await stack.dispose();
});

/** Numbers from a seed, so that the order of requests alone makes two storms differ. */
function createDice(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
}

/** Gusts of 20 requests of which a third is refused; besides, one in 25 goes wrong in some other way. */
function createStorm(seed: number): () => Fault {
  const roll = createDice(seed);
  const wrongs: Fault[] = [{ kind: 'truncate-answer' }, { kind: 'drop-answer' }, { kind: 'drop-request' }];
  let asked = 0;
  return () => {
    asked += 1;
    if (Math.floor(asked / 20) % 2 === 1 && roll() < 0.3) return SLOW_DOWN;
    return roll() < 0.04 ? (wrongs[Math.floor(roll() * wrongs.length)] ?? PASS) : PASS;
  };
}

test('a storm at both stores, a killed worker, a pause: the run ends done, every byte is there, and no upload is left', async () => {
  stack.proxyA.decide = createStorm(1);
  stack.proxyB.decide = createStorm(2);
  const { id } = await stack.begin('stormy', { pipeline: 'storm' });
  await requestsBeyond(60);
  second?.kill('SIGKILL');
  await stack.api.send('POST', `/v1/runs/${id}/pause`, {});
  await second?.exited;
  stack.child('worker').kill('SIGKILL');
  await stack.child('worker').exited;
  await stack.start('worker');
  await stack.api.send('POST', `/v1/runs/${id}/resume`, {});
  const run = await stack.waitFor(id);
  stack.proxyA.decide = stack.proxyB.decide = () => PASS;
  assert.equal(run.state, 'done', JSON.stringify([run.failure, run.totals]));
  assert.deepEqual(await compareObjects(stack.storeB, 'target', OBJECTS, (key) => key), []);
  assert.deepEqual(await stack.storeB.listUploads({ bucket: 'target', prefix: '' }), []);
});

/** Requests that reached the target. */
async function requestsBeyond(count: number): Promise<void> {
  while (stack.proxyB.requests.length < count) await sleep(20);
}
