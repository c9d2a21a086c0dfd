/** What a run carries from one history to the next, and how long a history may grow (invariant I3). Activities are made up. */
import assert from 'node:assert/strict';
import { HISTORY_EVENTS_MAX } from '../../core/limits.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { until } from '../support/until.ts';
import { createGate } from '../support/start-fault-proxy.ts';
import {
  createFakeActivities,
  ONE_COPIED,
  readProgress,
  startFakeRuns,
  type FakeRun,
  type FakeRuns,
} from '../support/start-fake-run.ts';

/** Invariant I3. */
const EVENTS_ALLOWED = 5000;

let stateDir: string;
let runs: FakeRuns;
before(async () => {
  stateDir = await mkdtemp(path.join(os.tmpdir(), 'waybill-history-'));
  runs = await startFakeRuns(stateDir);
});
after(async () => {
  await runs.close();
  await rm(stateDir, { recursive: true, force: true });
});

interface History {
  readonly events: number;
  readonly handle: WorkflowHandle;
}

/** Each history of the run, from the first. */
async function listHistories(run: FakeRun): Promise<History[]> {
  const histories: History[] = [];
  let runId: string | undefined = run.firstExecutionRunId;
  while (runId !== undefined && runId !== '') {
    const handle: WorkflowHandle = runs.client.workflow.getHandle(run.workflowId, runId);
    const { events } = await handle.fetchHistory();
    histories.push({ events: events?.length ?? 0, handle });
    runId = events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
  return histories;
}

test('a run of many batches continues as new, copies each batch once, and counts them all', async () => {
  // Each is three events at the least, however many of them one workflow task takes up.
  const batches = Math.ceil(HISTORY_EVENTS_MAX / 3) + 20;
  const copied: number[] = [];
  const activities = createFakeActivities(
    {
      copyBatch: ({ ordinal }) => {
        copied.push(ordinal);
        return Promise.resolve({ counts: ONE_COPIED, large: null });
      },
    },
    batches,
  );
  const { result, histories, described } = await runs.run(activities, async (handle) => ({
    result: await handle.result(),
    histories: await listHistories(handle),
    described: await runs.client.workflow.getHandle(handle.workflowId).describe(),
  }));
  assert.deepEqual(
    copied.toSorted((a, b) => a - b),
    Array.from({ length: batches }, (_, ordinal) => ordinal),
  );
  assert.equal(result.copied, batches);
  assert.equal(result.state, 'done');
  assert.ok(histories.length > 1, 'it continued as new');
  for (const { events } of histories) assert.ok(events < EVENTS_ALLOWED, `${events} events`);
  assert.deepEqual(
    described.memo,
    { attempt: described.workflowId.slice('run:fake:'.length) },
    'the memo is carried over',
  );
});

test('large objects in flight do not keep a history growing: they go on between two groups of parts', async () => {
  const objects = 14;
  const groups = 157;
  const parts = new Map<string, number>();
  const completed: number[] = [];
  const activities = createFakeActivities(
    {
      copyBatch: () => Promise.resolve({ counts: { ...ONE_COPIED, copied: 0 }, large: { partBatches: groups } }),
      copyParts: ({ ordinal, partBatch }) => {
        const name = `${ordinal}/${partBatch}`;
        parts.set(name, (parts.get(name) ?? 0) + 1);
        return Promise.resolve();
      },
      completeLarge: ({ ordinal }) => {
        completed.push(ordinal);
        return Promise.resolve({ counts: ONE_COPIED, large: null });
      },
    },
    objects,
  );
  const { result, histories } = await runs.run(activities, async (handle) => {
    await handle.signal('setConcurrency', objects);
    return { result: await handle.result(), histories: await listHistories(handle) };
  });
  assert.equal(result.copied, objects);
  assert.equal(completed.length, objects);
  assert.equal(parts.size, objects * groups, 'every group of parts was copied');
  assert.deepEqual(
    [...parts.values()].filter((count) => count !== 1),
    [],
    'and none of them twice',
  );
  for (const { events } of histories) assert.ok(events < EVENTS_ALLOWED, `${events} events`);
});

test('pause, concurrency, counts and the next ordinal are carried over; a paused run may continue as new', async () => {
  const batches = 6;
  const third = createGate();
  const started: number[] = [];
  const activities = createFakeActivities(
    {
      copyBatch: async ({ ordinal }) => {
        started.push(ordinal);
        if (ordinal === 2) await third.opened;
        return { counts: ONE_COPIED, large: null };
      },
    },
    batches,
  );
  // A server that suggests it after a few events: no run of a test makes thousands of them while it is paused.
  const short = await startFakeRuns(stateDir, ['limit.historyCount.suggestContinueAsNew=60']);
  try {
    await short.run(activities, async (handle) => {
      await handle.signal('setConcurrency', 1);
      const latest = short.client.workflow.getHandle(handle.workflowId);
      await until(async () => started.length === 3 && (await readProgress(latest)).batchesDone === 2);
      await handle.signal('pause');
      for (let round = 0; round < 20; round++) await handle.signal('setConcurrency', 3);
      third.open();
      await until(async () => (await latest.describe()).runId !== handle.firstExecutionRunId);
      const carried = await readProgress(latest);
      assert.deepEqual(
        { paused: carried.paused, state: carried.state, concurrency: carried.concurrency },
        { paused: true, state: 'paused', concurrency: 3 },
      );
      assert.deepEqual({ done: carried.batchesDone, copied: carried.counts.copied }, { done: 3, copied: 3 });
      assert.deepEqual(started, [0, 1, 2], 'nothing is begun while it is paused');
      await latest.signal('resume');
      const result = (await latest.result()) as { copied: number };
      assert.equal(result.copied, batches);
      assert.deepEqual(started.toSorted(), [0, 1, 2, 3, 4, 5]);
    });
  } finally {
    await short.close();
  }
});

test('a concurrency that is asked for before the attempt has begun is kept', async () => {
  const asked = createGate();
  const activities = createFakeActivities({});
  await runs.run(
    { ...activities, begin: (input) => asked.opened.then(() => activities.begin(input)) },
    async (handle) => {
      await handle.signal('setConcurrency', 9);
      asked.open();
      await handle.result();
      assert.equal((await readProgress(handle)).concurrency, 9);
    },
  );
});

test('a run that is cancelled while its attempt begins closes that attempt', async () => {
  const begun = createGate();
  const closed: string[] = [];
  const activities = createFakeActivities({
    close: ({ state }) => {
      closed.push(state);
      return Promise.resolve();
    },
  });
  const failure = await runs.run(
    { ...activities, begin: (input) => begun.opened.then(() => activities.begin(input)) },
    async (handle) => {
      await readProgress(handle);
      await handle.cancel();
      begun.open();
      return handle.result().catch((error: unknown) => error as Error);
    },
  );
  assert.match(String((failure as Error).cause), /CancelledFailure/);
  assert.deepEqual(closed, ['cancelled']);
});

test('a run whose closing fails still says why it failed', async () => {
  const refuse = (type: string) => () => Promise.reject(ApplicationFailure.nonRetryable(`it is ${type}`, type));
  const activities = createFakeActivities({ list: refuse('no_such_bucket'), close: refuse('lease_lost') });
  const { failure, state } = await runs.run(activities, async (handle) => ({
    failure: await handle.result().catch((error: unknown) => error as Error),
    state: (await readProgress(handle)).state,
  }));
  assert.equal(((failure as Error).cause as ApplicationFailure).type, 'no_such_bucket');
  assert.equal(state, 'failed');
});
