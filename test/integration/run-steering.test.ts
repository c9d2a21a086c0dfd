/** A run is paused, resumed, cancelled and given another concurrency while it is under way: by the API, the CLI and Temporal itself. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import type { RunJson } from '../../cli/api-client.ts';
import { MiB } from '../../core/limits.ts';
import type { Progress } from '../../workflows/types.ts';
import { catchFailure } from '../support/catch-failure.ts';
import { holdRequests } from '../support/hold-requests.ts';
import { buildPipeline, listSmallObjects } from '../support/run-objects.ts';
import { startRunStack, type RunStack } from '../support/run-stack.ts';
import { runWaybill } from '../support/run-waybill.ts';
import { until } from '../support/until.ts';

/** Three batches of a thousand. */
const MANY = 3000;

let stack: RunStack;
let connection: Connection;
let client: Client;
before(async () => {
  stack = await startRunStack({
    config: {
      pipelines: {
        many: buildPipeline('many/', 'many/', { concurrency: 1 }),
        few: buildPipeline('few/', 'few/'),
        large: buildPipeline('large/', 'large/'),
      },
    },
  });
  const headers = { contentType: 'application/octet-stream', metadata: {} };
  await stack.putSource([
    ...Array.from({ length: MANY }, (_, index) => ({
      key: `many/${String(index).padStart(4, '0')}`,
      sizeBytes: 1,
      headers,
    })),
    ...listSmallObjects('few/', 3),
    { key: 'large/parts.bin', sizeBytes: 25 * MiB, headers },
  ]);
  connection = await Connection.connect({ address: stack.temporalAddress });
  client = new Client({ connection });
});
after(async () => {
  await connection.close();
  await stack.dispose();
});

const readRun = (id: string): Promise<RunJson> => stack.api.send<RunJson>('GET', `/v1/runs/${id}`);
const readProgress = (workflowId: string): Promise<Progress> =>
  client.workflow.getHandle(workflowId).query<Progress>('progress');

async function countScheduled(workflowId: string, activity: string): Promise<number> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).filter(
    ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name === activity,
  ).length;
}

async function steerByCli(verb: string, id: string): Promise<void> {
  const env = { WAYBILL_URL: stack.apiUrl, WAYBILL_TOKEN: stack.secrets.apiToken };
  const { code, stderr } = await runWaybill(['runs', verb, id], { env });
  assert.equal(code, 0, stderr);
}

test('a pause lets the batch in flight end and begins no other; resumed, the run goes on to its end', async () => {
  const held = holdRequests(stack.proxyA, ({ method, url }) => method === 'GET' && url.includes('many/0000'));
  const { id } = await stack.begin('one', { pipeline: 'many' });
  await held.arrived;
  await stack.api.send('POST', `/v1/runs/${id}/pause`);
  held.release();
  await until(async () => (await readProgress('run:many:one')).batchesDone === 1);
  // Room for more batches, and workflow tasks in which they would be begun.
  await stack.api.send('POST', `/v1/runs/${id}/concurrency`, { concurrency: 3 });
  const paused = await readProgress('run:many:one');
  assert.deepEqual(
    { state: paused.state, copied: paused.counts.copied, concurrency: paused.concurrency },
    { state: 'paused', copied: 1000, concurrency: 3 },
  );
  assert.equal(await countScheduled('run:many:one', 'copyBatch'), 1);
  assert.equal((await readRun(id)).state, 'paused');

  const rest = holdRequests(stack.proxyA, ({ method, url }) => method === 'GET' && /many\/(1|2)/.test(url));
  await steerByCli('resume', id);
  await rest.arrived;
  await until(async () => (await countScheduled('run:many:one', 'copyBatch')) === 3);
  assert.equal((await readProgress('run:many:one')).batchesDone, 1, 'the two that are left are in flight at once');
  rest.release();
  const run = await stack.waitFor(id);
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  assert.equal(run.totals['copied'], MANY);
  assert.equal(await countScheduled('run:many:one', 'copyBatch'), 3);
});

test('signals of Temporal steer a run like the API does', async () => {
  const held = holdRequests(stack.proxyA, ({ url }) => url.includes('list-type=2') && url.includes('few'));
  const { id } = await stack.begin('signals', { pipeline: 'few' });
  await held.arrived;
  const handle = client.workflow.getHandle('run:few:signals');
  await handle.signal('pause');
  await handle.signal('setConcurrency', 7);
  await handle.signal('setConcurrency', 1.5);
  await handle.signal('setConcurrency', 1000);
  await handle.signal('setConcurrency', -3);
  await handle.signal('setConcurrency', 9);
  held.release();
  await until(async () => (await countScheduled('run:few:signals', 'list')) === 1);
  const paused = await readProgress('run:few:signals');
  assert.deepEqual({ state: paused.state, concurrency: paused.concurrency }, { state: 'paused', concurrency: 9 });
  assert.equal((await readRun(id)).state, 'paused');
  assert.equal(await countScheduled('run:few:signals', 'plan'), 0);
  await handle.signal('resume');
  assert.equal((await stack.waitFor(id)).state, 'done');
});

for (const [who, cancel] of [
  ['the CLI', (id: string) => steerByCli('cancel', id)],
  ['the API', (id: string) => stack.api.send('POST', `/v1/runs/${id}/cancel`)],
  ['Temporal', () => client.workflow.getHandle('run:large:cancelled').cancel()],
] as const) {
  test(`a run cancelled by ${who} aborts its upload, ends as cancelled, and its target takes the next run`, async () => {
    const held = holdRequests(stack.proxyB, ({ method, url }) => method === 'PUT' && url.includes('partNumber='));
    const { id } = await stack.begin('cancelled', { pipeline: 'large' });
    await held.arrived;
    assert.equal((await stack.storeB.listUploads({ bucket: 'target', prefix: 'large/' })).length, 1);
    await cancel(id);
    // Its parts are held until it has ended, or it might be done before it hears of the cancellation.
    const run = await stack.waitFor(id);
    held.release();
    assert.equal(run.state, 'cancelled', JSON.stringify(run.failure));
    assert.deepEqual(await stack.storeB.listUploads({ bucket: 'target', prefix: 'large/' }), []);
    await catchFailure('no_such_key', stack.storeB.head({ bucket: 'target', key: 'large/parts.bin' }));
    await assert.rejects(
      client.workflow.getHandle('run:large:cancelled').result(),
      (error) => error instanceof WorkflowFailedError && error.cause?.name === 'CancelledFailure',
    );
    const next = await stack.run(`after-${who.replace(' ', '-')}`, { pipeline: 'large' });
    assert.equal(next.state, 'done', JSON.stringify(next.failure));
    await stack.storeB.delete({ bucket: 'target', key: 'large/parts.bin' });
  });
}

test('a paused run can be cancelled, and one that has ended takes no more orders', async () => {
  const held = holdRequests(stack.proxyA, ({ url }) => url.includes('list-type=2') && url.includes('few'));
  const { id } = await stack.begin('paused', { pipeline: 'few' });
  await held.arrived;
  await steerByCli('pause', id);
  held.release();
  await until(async () => (await readProgress('run:few:paused')).paused);
  await steerByCli('cancel', id);
  assert.equal((await stack.waitFor(id)).state, 'cancelled');
  for (const verb of ['pause', 'resume', 'cancel']) {
    await assert.rejects(stack.api.send('POST', `/v1/runs/${id}/${verb}`), { type: 'invalid_state' });
  }
});
