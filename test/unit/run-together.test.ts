import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runTogether } from '../../worker/create-task-workers.ts';

/** A worker that runs until it is told to end, or to fail. */
function createWorker() {
  let end = (): void => undefined;
  let fail: (error: Error) => void = () => undefined;
  let state: 'RUNNING' | 'STOPPED' = 'RUNNING';
  const run = new Promise<void>((resolve, reject) => {
    end = resolve;
    fail = reject;
  }).finally(() => (state = 'STOPPED'));
  return {
    run: () => run,
    getState: () => state,
    shutdown: () => {
      assert.equal(state, 'RUNNING', 'the SDK refuses to stop what does not run');
      end();
    },
    fail: () => fail(new Error('its polls failed')),
  };
}

test('they are stopped together', async () => {
  const workers = [createWorker(), createWorker()];
  const together = runTogether(workers);
  const ended = together.run();
  together.shutdown();
  await ended;
  together.shutdown();
  assert.deepEqual(
    workers.map((worker) => worker.getState()),
    ['STOPPED', 'STOPPED'],
  );
});

test('one that fails stops the others, and is what it fails with', async () => {
  const [first, second] = [createWorker(), createWorker()];
  const ended = runTogether([first, second]).run();
  second.fail();
  await assert.rejects(ended, { type: 'temporal_unavailable' });
  assert.equal(first.getState(), 'STOPPED');
});
