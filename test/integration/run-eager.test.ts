/** Which worker carries out what a workflow asks for. Activities are made up. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { Activities } from '../../activities/types.ts';
import { createFakeActivities, startFakeRuns, type FakeRuns } from '../support/start-fake-run.ts';

let stateDir: string;
let runs: FakeRuns;
before(async () => {
  stateDir = await mkdtemp(path.join(os.tmpdir(), 'waybill-eager-'));
  runs = await startFakeRuns(stateDir);
});
after(async () => {
  await runs.close();
  await rm(stateDir, { recursive: true, force: true });
});

/** Enough of them that chance would give the other worker one. */
const RUNS = 5;

test('whoever runs the workflow is handed its activities together with the answer that asks for them', async () => {
  const here: string[] = [];
  const elsewhere: string[] = [];
  const note = (names: string[]): Activities =>
    Object.fromEntries(
      Object.entries(createFakeActivities({}, 4)).map(([name, activity]: [string, (input: never) => unknown]) => [
        name,
        (input: never): unknown => {
          names.push(name);
          return activity(input);
        },
      ]),
    ) as unknown as Activities;
  await runs.run(note(here), async (handle) => {
    await handle.result();
    here.length = 0;
    const { taskQueue } = await handle.describe();
    const connection = await NativeConnection.connect({ address: runs.address });
    try {
      // It takes activities alone.
      const other = await Worker.create({ connection, taskQueue, activities: note(elsewhere) });
      await other.runUntil(async () => {
        for (let count = 0; count < RUNS; count++) {
          const workflowId = `${handle.workflowId}:${String(count)}`;
          await runs.client.workflow.execute('run', {
            ...{ taskQueue, workflowId },
            args: [
              {
                runUuid: workflowId,
                attemptId: workflowId,
                pipeline: 'fake',
                runId: workflowId,
                heartbeatTimeoutMs: 60_000,
              },
            ],
          });
        }
      });
    } finally {
      await connection.close();
    }
  });
  const count = (name: string): number => here.filter((one) => one === name).length;
  for (const name of ['list', 'buildManifest', 'plan', 'finalize']) assert.equal(count(name), RUNS, name);
  assert.deepEqual(elsewhere, []);
});
