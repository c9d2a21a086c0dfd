/**
 * Records histories of real runs for the replay tests: `node --import tsx test/replay/record.ts`. The version is that of the package;
 * what is recorded for it is replaced, that of earlier versions is kept, for runs that began under them may still be under way.
 *
 * Every history comes from a whole stack of its own. Nothing in it is made up, cut or reworded.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { MiB } from '../../core/limits.ts';
import { listDemoObjects, type DemoObject } from '../../dev/demo-input.ts';
import { createGate } from '../support/start-fault-proxy.ts';
import { startRunStack, type RunStack } from '../support/run-stack.ts';

const { version } = JSON.parse(await readFile(path.join(import.meta.dirname, '../../package.json'), 'utf8')) as {
  version: string;
};
const OUT = path.join(import.meta.dirname, 'histories', version);

/** A run has some 40 events when it begins to copy, and 6 for each batch: one of several batches continues as new, others do not. */
const EVENTS_SUGGESTED = 48;
const BUCKET = 'source';

const stack = await startRunStack({
  ownServers: true,
  temporalDynamicConfig: [`limit.historyCount.suggestContinueAsNew=${EVENTS_SUGGESTED}`],
  buckets: { a: [BUCKET], b: ['target'] },
  config: {
    pipelines: {
      small: pipeline('small/'),
      large: pipeline('large/'),
      many: { ...pipeline('many/'), concurrency: 1 },
      scheduled: { ...pipeline('small/', 'scheduled/'), schedule: { cron: '*/2 * * * * * *' } },
    },
  },
});
try {
  await rm(OUT, { recursive: true, force: true });
  await mkdir(OUT, { recursive: true });
  const connection = await Connection.connect({ address: stack.temporalAddress });
  const client = new Client({ connection });
  const record = async (name: string, workflowId: string, runId?: string): Promise<string> => {
    const handle = client.workflow.getHandle(workflowId, runId);
    // The ledger says that a run has ended a moment before its workflow does.
    await handle.result().catch(() => undefined);
    const history = await handle.fetchHistory();
    const file = path.join(OUT, `${name}.json`);
    await writeFile(file, `${historyToJSON(history)}\n`);
    console.log(`${name}: ${history.events?.length ?? 0} events`);
    const begun = history.events?.[0]?.workflowExecutionStartedEventAttributes;
    if (runId === undefined && begun?.continuedExecutionRunId) throw new Error(`${name} continued as new`);
    const last = history.events?.at(-1);
    return last?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? '';
  };
  await recordAll(stack, client, record);
  await connection.close();
} finally {
  await stack.dispose();
}

type RecordHistory = (name: string, workflowId: string, runId?: string) => Promise<string>;

async function recordAll(stack: RunStack, client: Client, record: RecordHistory): Promise<void> {
  const small = listDemoObjects(20).filter(({ sizeBytes }) => sizeBytes < MiB);
  await stack.putSource(small.map((object) => ({ ...object, key: `small/${object.key}` })));

  await stack.run('done', { pipeline: 'small' });
  await record('done', 'run:small:done');

  await stack.run('done', { pipeline: 'small' });
  await record('verify', 'verify:small:done');

  await stack.run('plan', { pipeline: 'small', plan: true });
  await record('plan', 'plan:small:plan');

  for await (const scheduled of client.workflow.list({ query: `WorkflowType = 'scheduledRun'`, pageSize: 1 })) {
    await client.workflow.getHandle(scheduled.workflowId).result();
    await record('scheduled-run', scheduled.workflowId);
    break;
  }
  await client.schedule.getHandle('schedule:scheduled').pause();

  await recordPartial(stack, record);
  await recordPaused(stack, record);
  await recordCancelled(stack, record);
  await recordFailed(stack, record);
  await recordLarge(stack, record);
  await recordContinued(stack, client, record);
}

/** One object that the store never gives out. */
async function recordPartial(stack: RunStack, record: RecordHistory): Promise<void> {
  await stack.putSource([{ key: 'small/new-1', sizeBytes: 10, headers: { contentType: 'text/plain', metadata: {} } }]);
  stack.proxyA.decide = ({ method, url }) =>
    method === 'GET' && url.includes('new-1')
      ? { kind: 'answer', status: 403, code: 'AccessDenied' }
      : { kind: 'pass' };
  await stack.run('partial', { pipeline: 'small' });
  stack.proxyA.decide = () => ({ kind: 'pass' });
  await record('partial', 'run:small:partial');
}

async function recordPaused(stack: RunStack, record: RecordHistory): Promise<void> {
  const { arrived, gate } = holdReads(stack, 'new-1');
  const { id } = await stack.begin('paused', { pipeline: 'small' });
  await arrived;
  await stack.api.send('POST', `/v1/runs/${id}/pause`);
  await stack.api.send('POST', `/v1/runs/${id}/concurrency`, { concurrency: 2 });
  await stack.api.send('POST', `/v1/runs/${id}/resume`);
  gate.open();
  await stack.waitFor(id);
  await record('paused-and-resumed', 'run:small:paused');
}

async function recordCancelled(stack: RunStack, record: RecordHistory): Promise<void> {
  await stack.putSource([{ key: 'small/new-2', sizeBytes: 10, headers: { contentType: 'text/plain', metadata: {} } }]);
  const { arrived, gate } = holdReads(stack, 'new-2');
  const { id } = await stack.begin('cancelled', { pipeline: 'small' });
  await arrived;
  await stack.api.send('POST', `/v1/runs/${id}/cancel`);
  gate.open();
  await stack.waitFor(id);
  await record('cancelled', 'run:small:cancelled');
}

async function recordFailed(stack: RunStack, record: RecordHistory): Promise<void> {
  stack.proxyA.decide = () => ({ kind: 'answer', status: 404, code: 'NoSuchBucket' });
  await stack.run('failed', { pipeline: 'small' });
  stack.proxyA.decide = () => ({ kind: 'pass' });
  await record('failed', 'run:small:failed');
}

/** Above the size of a batch, so that its upload, its parts and its completion are steps of their own; sparse where it comes from. */
async function recordLarge(stack: RunStack, record: RecordHistory): Promise<void> {
  await stack.putSource([sized('large/one.bin', 513 * MiB)]);
  await stack.run('large', { pipeline: 'large' });
  await record('large-object', 'run:large:large');
}

async function recordContinued(stack: RunStack, client: Client, record: RecordHistory): Promise<void> {
  await stack.putSource(Array.from({ length: 4 }, (_, index) => sized(`many/${index}.bin`, 129 * MiB)));
  await stack.run('many', { pipeline: 'many' });
  let runId = (await client.workflow.getHandle('run:many:many').describe()).raw.workflowExecutionInfo?.firstRunId ?? '';
  for (let number = 1; runId !== ''; number++) runId = await record(`continued-${number}`, 'run:many:many', runId);
}

function pipeline(prefix: string, target = prefix): Record<string, unknown> {
  return {
    source: { store: 'a', bucket: BUCKET, prefix },
    target: { store: 'b', bucket: 'target', prefix: `to-${target}` },
  };
}

/** Holds the store's answer to the first read of the object until the gate is opened; `arrived` when it is held. */
function holdReads(stack: RunStack, name: string): { arrived: Promise<void>; gate: ReturnType<typeof createGate> } {
  const gate = createGate();
  const arrival = createGate();
  stack.proxyA.decide = ({ method, url }) => {
    if (method !== 'GET' || !url.includes(name)) return { kind: 'pass' };
    arrival.open();
    return { kind: 'hold-after', until: gate.opened };
  };
  return { arrived: arrival.opened, gate };
}

function sized(key: string, sizeBytes: number): DemoObject {
  return { key, sizeBytes, headers: { contentType: 'application/octet-stream', metadata: {} } };
}
