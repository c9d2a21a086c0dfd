import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ActivityCancelledError, ActivityNotFoundError, ActivityPausedError, type Client } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { isWaybillError } from '../../core/failures.ts';
import { createExecutor, toVerdict } from '../../worker/activity-executor.ts';

const isLost = (error: unknown): boolean => isWaybillError(error) && error.type === 'heartbeat_lost';

test('an activity stops writing by the time-out that Temporal has for it, whatever the worker is configured with now', async () => {
  let beats = 0;
  const client = {
    activity: { heartbeat: () => (beats++ === 0 ? Promise.resolve() : Promise.reject(new Error('unheard'))) },
  } as unknown as Client;
  const executor = createExecutor({
    client,
    heartbeatTimeoutMs: 600_000,
    logger: pino({ enabled: false }),
    onActivity: () => undefined,
  });
  await new MockActivityEnvironment({ heartbeatTimeoutMs: 20 }).run(() =>
    executor.long(async ({ guard }) => {
      await sleep(30);
      assert.throws(() => guard.assertMayWrite(), isLost);
    }),
  );
});

test('a cancellation stays one, a pause is tried again, and what Temporal does not know is superseded', () => {
  const cancelled = toVerdict(new ActivityCancelledError('cancelled'));
  assert.ok(cancelled !== null && typeof cancelled === 'object' && cancelled.ended instanceof CancelledFailure);
  const paused = toVerdict(new ActivityPausedError('paused'));
  assert.ok(paused !== null && typeof paused === 'object' && isLost(paused.ended));
  assert.equal(toVerdict(new ActivityNotFoundError('not found')), 'superseded');
  assert.equal(toVerdict(new CancelledFailure('TIMED_OUT')), 'superseded');
  assert.equal(toVerdict(new CancelledFailure('WORKER_SHUTDOWN')), null);
  assert.equal(toVerdict(new Error('Temporal does not answer')), null);
});

test('an activity that is soon done asks Temporal once; the SDK is told of later beats only', async () => {
  let asked = 0;
  const executor = createExecutor({
    client: { activity: { heartbeat: () => Promise.resolve(void asked++) } } as unknown as Client,
    heartbeatTimeoutMs: 600_000,
    logger: pino({ enabled: false }),
    onActivity: () => undefined,
  });
  const execute = async (lastsMs: number): Promise<{ asked: number; told: number }> => {
    asked = 0;
    let told = 0;
    const environment = new MockActivityEnvironment({ heartbeatTimeoutMs: 600 });
    environment.on('heartbeat', () => void told++);
    await environment.run(() => executor.long(() => sleep(lastsMs)));
    return { asked, told };
  };
  assert.deepEqual(await execute(0), { asked: 1, told: 0 });
  const longer = await execute(350);
  assert.ok(longer.told > 0 && longer.told === longer.asked - 1, JSON.stringify(longer));
});
