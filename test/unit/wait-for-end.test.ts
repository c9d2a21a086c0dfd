import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitForEnd } from '../../worker/wait-for-end.ts';

const QUICK = { lookMs: 1, graceMs: 3 };
const never = new Promise<void>(() => undefined);

test('a worker that stops ends well', async () => {
  await waitForEnd({ run: () => Promise.resolve(), getState: () => 'STOPPED' }, QUICK);
});

test('one that fails has failed, whatever its error', async () => {
  const run = (): Promise<void> => Promise.reject(new Error('still in use'));
  await assert.rejects(waitForEnd({ run, getState: () => 'RUNNING' }, QUICK), { type: 'temporal_unavailable' });
});

test('one that has failed and does not end has failed too', async () => {
  let state: 'RUNNING' | 'FAILED' = 'RUNNING';
  const ended = waitForEnd({ run: () => never, getState: () => state }, QUICK);
  const early = await Promise.race([
    ended.then(() => 'ended'),
    new Promise((resolve) => setTimeout(resolve, 30, 'waits')),
  ]);
  assert.equal(early, 'waits');
  state = 'FAILED';
  await assert.rejects(ended, { type: 'temporal_unavailable' });
});
