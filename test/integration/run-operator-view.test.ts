/** What an operator sees of a run in Temporal's UI: its summary, where it stands, what it did, and search attributes to find it by. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Client, Connection, type WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { parse, stringify } from 'yaml';
import { startChild } from '../../dev/child.ts';
import { waybillCommand } from '../../dev/entry.ts';
import { findFreePorts } from '../../dev/free-port.ts';
import { toEnvironments } from '../../dev/secrets.ts';
import { findTemporalBinary } from '../../dev/temporal-binary.ts';
import { holdRequests } from '../support/hold-requests.ts';
import { listSmallObjects } from '../support/run-objects.ts';
import { startRunStack, type RunStack } from '../support/run-stack.ts';
import { until } from '../support/until.ts';

const OBJECTS = listSmallObjects('', 4);
const BYTES = OBJECTS.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

let stack: RunStack;
let connection: Connection;
let client: Client;
before(async () => {
  stack = await startRunStack();
  await stack.putSource(OBJECTS);
  connection = await Connection.connect({ address: stack.temporalAddress });
  client = new Client({ connection });
});
after(async () => {
  await connection.close();
  await stack.dispose();
});

const describe = (workflowId: string): Promise<WorkflowExecutionDescription> =>
  client.workflow.getHandle(workflowId).describe();

/** The search attributes of ours, by their name without `Waybill`. */
async function readAttributes(workflowId: string): Promise<Record<string, unknown>> {
  const { typedSearchAttributes } = await describe(workflowId);
  const ours = typedSearchAttributes.getAll().filter(({ key }) => key.name.startsWith('Waybill'));
  return Object.fromEntries(ours.map(({ key, value }) => [key.name.slice('Waybill'.length), value]));
}

/** As the UI asks for them. */
async function readDetails(workflowId: string): Promise<string> {
  const metadata = await client.workflow
    .getHandle(workflowId)
    .query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
}

/** The ledger says that a run has ended a moment before its workflow does. */
const hasClosed = async (workflowId: string): Promise<void> => {
  await client.workflow
    .getHandle(workflowId)
    .result()
    .catch(() => undefined);
};

test('a run under way shows its phase, and a paused one that it is paused', async () => {
  const held = holdRequests(stack.proxyA, ({ method, url }) => method === 'GET' && url.includes('part-003'));
  const { id } = await stack.begin('one');
  await held.arrived;
  const workflowId = 'run:a-to-b:one';
  assert.deepEqual(
    { ...(await readAttributes(workflowId)), ManifestHash: undefined },
    { Pipeline: 'a-to-b', RunId: 'one', State: 'copying', ManifestHash: undefined },
  );
  assert.match(await readDetails(workflowId), /^\*\*copying\*\* · pipeline `a-to-b` · run `one` · attempt 1/);
  await stack.api.send('POST', `/v1/runs/${id}/pause`);
  assert.match(await readDetails(workflowId), /^\*\*paused\*\*/);
  assert.equal((await readAttributes(workflowId))['State'], 'paused');
  await stack.api.send('POST', `/v1/runs/${id}/resume`);
  assert.match(await readDetails(workflowId), /^\*\*copying\*\*/);
  assert.equal((await readAttributes(workflowId))['State'], 'copying');
  held.release();
  const run = await stack.waitFor(id);
  await hasClosed(workflowId);
  assert.deepEqual(await readAttributes(workflowId), {
    Pipeline: 'a-to-b',
    RunId: 'one',
    State: 'done',
    ManifestHash: run.manifest_hash,
  });
});

test('a run that has ended shows its summary, its end, counts, bytes and failures', async () => {
  const described = await describe('run:a-to-b:one');
  assert.equal(await described.staticSummary(), 'a-to-b one');
  const details = await readDetails('run:a-to-b:one');
  assert.match(details, /^\*\*done\*\*/);
  assert.ok(details.includes(`| in the manifest | ${OBJECTS.length} | ${BYTES} |`), details);
  assert.ok(details.includes(`| copied | ${OBJECTS.length} | ${BYTES} |`), details);
  assert.ok(details.includes('| failed | 0 | |'), details);

  await stack.putSource([{ ...OBJECTS[0], key: 'denied' } as (typeof OBJECTS)[number]]);
  stack.proxyA.decide = ({ method, url }) =>
    method === 'GET' && url.includes('denied')
      ? { kind: 'answer', status: 403, code: 'AccessDenied' }
      : { kind: 'pass' };
  await stack.run('two');
  stack.proxyA.decide = () => ({ kind: 'pass' });
  await hasClosed('run:a-to-b:two');
  const partial = await readDetails('run:a-to-b:two');
  assert.match(partial, /^\*\*partial\*\*/);
  assert.ok(partial.includes(`| unchanged | ${OBJECTS.length} | ${BYTES} |`), partial);
  assert.ok(partial.includes('| failed | 1 | |'), partial);
  assert.equal((await readAttributes('run:a-to-b:two'))['State'], 'partial');
});

test('a plan, a failed and a cancelled run end with their state', async () => {
  await stack.run('three', { plan: true });
  await hasClosed('plan:a-to-b:three');
  assert.equal((await readAttributes('plan:a-to-b:three'))['State'], 'done');
  assert.match(await readDetails('plan:a-to-b:three'), /^\*\*done\*\*.*\n(.*\n)*\| to copy \| 1 \|/);

  stack.proxyA.decide = () => ({ kind: 'answer', status: 404, code: 'NoSuchBucket' });
  await stack.run('four');
  stack.proxyA.decide = () => ({ kind: 'pass' });
  await hasClosed('run:a-to-b:four');
  assert.equal((await readAttributes('run:a-to-b:four'))['State'], 'failed');
  assert.match(await readDetails('run:a-to-b:four'), /^\*\*failed\*\*/);

  const held = holdRequests(stack.proxyA, ({ url }) => url.includes('denied'));
  const { id } = await stack.begin('five');
  await held.arrived;
  await stack.api.send('POST', `/v1/runs/${id}/cancel`);
  held.release();
  await stack.waitFor(id);
  await hasClosed('run:a-to-b:five');
  assert.equal((await readAttributes('run:a-to-b:five'))['State'], 'cancelled');
});

test('runs are found by their attributes', async () => {
  const find = async (query: string): Promise<string[]> => {
    const found: string[] = [];
    const ours = `TaskQueue = '${path.basename(stack.stateDir)}' and (${query})`;
    for await (const { workflowId } of client.workflow.list({ query: ours })) found.push(workflowId);
    return found.sort();
  };
  // The index follows a moment after.
  await until(async () => (await find(`WaybillState = 'cancelled'`)).length === 1);
  assert.deepEqual(await find(`WaybillState = 'done'`), ['plan:a-to-b:three', 'run:a-to-b:one']);
  assert.deepEqual(await find(`WaybillPipeline = 'a-to-b' and WaybillRunId = 'two'`), ['run:a-to-b:two']);
  const { ManifestHash } = await readAttributes('run:a-to-b:one');
  assert.deepEqual(await find(`WaybillManifestHash = '${String(ManifestHash)}'`), ['run:a-to-b:one']);
});

test('every activity in the history says what it is for', async () => {
  const { events } = await client.workflow.getHandle('run:a-to-b:one').fetchHistory();
  const summaries = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled, userMetadata }) => {
    if (scheduled === null || scheduled === undefined) return [];
    const summary = userMetadata?.summary;
    return [[scheduled.activityType?.name, summary && defaultPayloadConverter.fromPayload<string>(summary)]];
  });
  const { ManifestHash } = await readAttributes('run:a-to-b:one');
  assert.deepEqual(summaries, [
    ['begin', 'take the lease of the target'],
    ['list', 'list the source'],
    ['buildManifest', 'fold the listing into the manifest'],
    ['plan', `plan ${OBJECTS.length} objects of ${String(ManifestHash).slice(0, 12)}`],
    ['copyBatch', 'batch 0'],
    ['finalize', 'verify the outcomes and write the marker'],
  ]);
});

test('a worker refuses a Temporal without the attributes, and the command that it names mends that', async () => {
  const [port = 0, uiPort = 0, metricsPort = 0, workerMetrics = 0] = await findFreePorts(4);
  const binary = await findTemporalBinary(() => undefined);
  const address = `127.0.0.1:${port}`;
  const logs = path.join(stack.stateDir, 'logs');
  const bare = await startChild({
    name: 'temporal',
    command: [
      ...[binary, 'server', 'start-dev', '--ip', '127.0.0.1', '--log-level', 'warn', '--ui-disable-news-fetch'],
      ...['--port', String(port), '--ui-port', String(uiPort), '--metrics-port', String(metricsPort)],
    ] as [string, ...string[]],
    env: {},
    logFile: path.join(logs, 'bare-temporal.log'),
    ready: /Server:|Temporal Server/,
  });
  const config = parse(await readFile(stack.configFile, 'utf8')) as Record<string, Record<string, unknown>>;
  const configFile = path.join(stack.stateDir, 'bare.yaml');
  const worker = { ...config['worker'], metrics_listen: `127.0.0.1:${workerMetrics}` };
  await writeFile(configFile, stringify({ ...config, worker, temporal: { ...config['temporal'], address } }));
  const start = () =>
    startChild({
      name: 'worker',
      command: waybillCommand('worker', '--config', configFile),
      env: toEnvironments(stack.secrets, stack.databaseUrl).worker,
      logFile: path.join(logs, 'bare-worker.log'),
      ready: /waybill worker: running/,
    });
  try {
    const refusal = await start().then(
      () => '',
      (error: unknown) => String(error),
    );
    const command = /temporal (operator search-attribute create .*)/.exec(refusal)?.[1] ?? '';
    assert.match(
      command,
      /--name WaybillPipeline .*--name WaybillRunId .*--name WaybillManifestHash .*--name WaybillState/,
    );
    const args = command
      .replace(/ \[.*$/, '')
      .trim()
      .split(' ');
    const created = spawn(binary, [...args, '--address', address], { stdio: 'ignore' });
    assert.deepEqual(await once(created, 'exit'), [0, null], `temporal ${args.join(' ')}`);
    await (await start()).stop();
  } finally {
    await bare.stop();
  }
});
