/** The starter of a scheduled run, on a real Temporal. Activities are made up. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import type { Activities } from '../../activities/types.ts';
import { createFakeActivities, startFakeRuns, type FakeRun, type FakeRuns } from '../support/start-fake-run.ts';
import { until } from '../support/until.ts';

let stateDir: string;
let runs: FakeRuns;
before(async () => {
  stateDir = await mkdtemp(path.join(os.tmpdir(), 'waybill-scheduled-'));
  runs = await startFakeRuns(stateDir);
});
after(async () => {
  await runs.close();
  await rm(stateDir, { recursive: true, force: true });
});

/** Triggers a schedule on the queue of this run's worker, once, and waits for the workflow that it starts. */
async function trigger(run: FakeRun, pipeline: string): Promise<unknown> {
  const { taskQueue } = await run.describe();
  const schedule = await runs.client.schedule.create({
    scheduleId: `test:${pipeline}`,
    spec: { intervals: [{ every: '1 day' }] },
    state: { triggerImmediately: true },
    action: {
      type: 'startWorkflow',
      workflowType: 'scheduledRun',
      taskQueue,
      args: [{ pipeline, catchupWindowMs: 60_000, heartbeatTimeoutMs: 60_000 }],
    },
  });
  let started: string | undefined;
  await until(async () => {
    const [action] = (await schedule.describe()).info.recentActions;
    started = action?.action.workflow.workflowId;
    return started !== undefined;
  });
  await schedule.delete();
  return runs.client.workflow.getHandle(started ?? '').result();
}

test('a scheduled run that meets a busy target waits until it is free, and starts its own attempt', async () => {
  const runUuid = randomUUID();
  const pipeline = `p-${runUuid.slice(0, 8)}`;
  let asked = 0;
  const begun: Parameters<Activities['begin']>[0][] = [];
  const fakes = createFakeActivities({
    acceptScheduled: ({ nominalAt, catchupWindowMs }) => {
      assert.equal(catchupWindowMs, 60_000);
      asked += 1;
      if (asked < 3) {
        throw ApplicationFailure.create({ type: 'target_busy', message: 'busy', nextRetryDelay: 100 });
      }
      return Promise.resolve({ runUuid, attemptId: 'the second', runId: nominalAt });
    },
  });
  const activities: Activities = {
    ...fakes,
    begin: (input) => {
      begun.push(input);
      return fakes.begin(input);
    },
  };
  const result = await runs.run(activities, async (run) => {
    await run.result();
    const started = await trigger(run, pipeline);
    await until(() => begun.some((input) => input.runUuid === runUuid));
    return started;
  });
  assert.deepEqual(result, { runUuid });
  assert.equal(asked, 3);
  assert.deepEqual(begun.at(-1), { runUuid, attemptId: 'the second' });
});
