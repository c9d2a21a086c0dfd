/** How a run ends when it is cancelled, or when one of its batches cannot succeed. Activities are made up. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { Context } from '@temporalio/activity';
import { ActivityCancelledError, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { createGate } from '../support/start-fault-proxy.ts';
import { createFakeActivities, startFakeRuns, type FakeRun, type FakeRuns } from '../support/start-fake-run.ts';
import { until } from '../support/until.ts';

let stateDir: string;
let runs: FakeRuns;
before(async () => {
  stateDir = await mkdtemp(path.join(os.tmpdir(), 'waybill-endings-'));
  runs = await startFakeRuns(stateDir);
});
after(async () => {
  await runs.close();
  await rm(stateDir, { recursive: true, force: true });
});

/** Returns once Temporal has told this activity that it is cancelled. */
async function untilCancelled(): Promise<void> {
  const { taskToken } = Context.current().info;
  await until(() =>
    runs.client.activity.heartbeat(taskToken).then(
      () => false,
      (error: unknown) => error instanceof ActivityCancelledError,
    ),
  );
}

async function endOf(run: FakeRun): Promise<unknown> {
  const error: unknown = await run.result().catch((failure: unknown) => failure);
  return error instanceof WorkflowFailedError ? error.cause : error;
}

test('a run that is cancelled ends cancelled, also when what was cancelled fails for a reason of its own', async () => {
  const listing = createGate();
  const closed: string[] = [];
  const activities = createFakeActivities({
    list: async () => {
      listing.open();
      await untilCancelled();
      throw ApplicationFailure.create({ type: 'heartbeat_lost', message: 'it was superseded' });
    },
    close: ({ state }) => {
      closed.push(state);
      return Promise.resolve();
    },
  });
  const end = await runs.run(activities, async (run) => {
    await listing.opened;
    await run.cancel();
    return endOf(run);
  });
  assert.ok(end instanceof CancelledFailure, String(end));
  assert.deepEqual(closed, ['cancelled']);
});

test('a batch that cannot succeed ends the run at once, however long another would be tried again', async () => {
  const retrying = createGate();
  const activities = createFakeActivities(
    {
      copyBatch: async ({ ordinal }) => {
        if (ordinal === 1) {
          retrying.open();
          throw ApplicationFailure.create({ type: 'store_unreachable', message: 'down', nextRetryDelay: '1 hour' });
        }
        await retrying.opened;
        throw ApplicationFailure.nonRetryable('the store denies access', 'access_denied');
      },
    },
    2,
  );
  const end = await runs.run(activities, (run) =>
    Promise.race([endOf(run), sleep(20_000, 'it goes on', { ref: false })]),
  );
  assert.ok(end instanceof ApplicationFailure, String(end));
  assert.equal(end.type, 'access_denied');
});
