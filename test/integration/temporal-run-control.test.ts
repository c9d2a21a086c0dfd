import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { TemporalRunControl } from '../../control/temporal-run-control.ts';
import { findFreePorts } from '../../dev/free-port.ts';
import { startTemporal, type RunningTemporal } from '../../dev/temporal.ts';
import type { RunRecord } from '../../ledger/ledger.ts';
import { catchFailure } from '../support/catch-failure.ts';
import { until } from '../support/until.ts';

let home: string;
let temporal: RunningTemporal;
let control: TemporalRunControl;
let connection: Connection;
let client: Client;

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'waybill-temporal-'));
  const [port = 0, uiPort = 0, metricsPort = 0] = await findFreePorts(3);
  const options = {
    port,
    uiPort,
    metricsPort,
    databaseFile: null,
    logFile: join(home, 'log'),
    fast: true,
    say: () => undefined,
  };
  temporal = await startTemporal(options);
  connection = await Connection.connect({ address: temporal.address });
  client = new Client({ connection });
  control = createControl(temporal.address);
  // A server that has just started may take longer for its first answers than the control waits.
  const warm = buildRun('warm');
  await until(() =>
    control.start(warm).then(
      () => control.isAlive(warm),
      () => false,
    ),
  );
});
after(async () => {
  await control.close();
  await connection.close();
  await temporal.child?.stop();
  await rm(home, { recursive: true });
});

const createControl = (address: string): TemporalRunControl =>
  new TemporalRunControl({
    temporal: { address, namespace: 'default', taskQueue: 'nobody-listens' },
    heartbeatTimeoutMs: 60_000,
  });

const unique = Date.now().toString(36);
/** No worker listens on the queue, so what is started runs until it is terminated. */
function buildRun(runId: string, number = 1, mode: RunRecord['mode'] = 'run'): RunRecord {
  const attempt = {
    attemptId: `${unique}-${runId}-${number}`,
    number,
    state: 'accepted',
    workflowRunId: null,
    manifestHash: null,
    contentHash: null,
    planHash: null,
    totals: null,
    summary: null,
    verification: null,
    failure: null,
    acceptedAt: new Date().toISOString(),
    startedAt: null,
    endedAt: null,
  } as const;
  return { id: `uuid-of-${runId}`, mode, pipeline: 'copy', runId: `${unique}-${runId}`, nominalAt: null, attempt };
}
const handleOf = (run: RunRecord) => client.workflow.getHandle(`${run.mode}:copy:${run.runId}`);

test('a run that was never started is absent', async () => {
  assert.equal(await control.look(buildRun('absent')), 'absent');
});

test('starting a run twice finds the one workflow, which has its input and its summary', async () => {
  const run = buildRun('twice');
  await Promise.all([control.start(run), control.start(run), control.start(run)]);
  const described = await handleOf(run).describe();
  assert.deepEqual([described.type, described.historyLength <= 2], ['run', true]);
  assert.equal(await control.look(run), 'running');
  assert.equal(await control.isAlive(run), true);
  const { events } = await handleOf(run).fetchHistory();
  const payload = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data;
  assert.deepEqual(JSON.parse(Buffer.from(payload ?? []).toString()), {
    runUuid: run.id,
    attemptId: run.attempt.attemptId,
    pipeline: 'copy',
    runId: run.runId,
    heartbeatTimeoutMs: 60_000,
  });
});

test('a plan has a workflow of its own', async () => {
  const run = buildRun('plan', 1, 'plan');
  await control.start(run);
  assert.equal((await handleOf(run).describe()).status.name, 'RUNNING');
  assert.equal(await control.look(buildRun('plan')), 'absent');
});

test('an attempt whose workflow was terminated has ended, and the next attempt is absent until it is started', async () => {
  const first = buildRun('terminated');
  await control.start(first);
  await handleOf(first).terminate();
  assert.equal(await control.look(first), 'ended');
  const second = buildRun('terminated', 2);
  assert.equal(await control.look(second), 'absent');
  await control.start(second);
  assert.equal(await control.look(second), 'running');
  await handleOf(second).terminate();
  assert.equal(await control.look(second), 'ended');
  assert.equal(await control.look(buildRun('terminated', 3)), 'absent');
});

test('a run that a schedule started is told from one that never was, though it carries no memo', async () => {
  const run = buildRun('scheduled');
  await client.workflow.start('run', { workflowId: `run:copy:${run.runId}`, taskQueue: 'nobody-listens' });
  assert.equal(await control.look(run), 'running');
  await handleOf(run).terminate();
  assert.equal(await control.look(run), 'ended');
  assert.equal(await control.look(buildRun('scheduled', 2)), 'absent');
});

test('pause, resume and concurrency are signals, cancel is a request to cancel', async () => {
  const run = buildRun('steered');
  await control.start(run);
  await control.pause(run);
  await control.resume(run);
  await control.setConcurrency(run, 7);
  await control.cancel(run);
  const { events } = await handleOf(run).fetchHistory();
  const signals = (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) =>
    signal ? [[signal.signalName, Buffer.from(signal.input?.payloads?.[0]?.data ?? []).toString()]] : [],
  );
  assert.deepEqual(signals, [
    ['pause', ''],
    ['resume', ''],
    ['setConcurrency', '7'],
  ]);
  assert.ok((events ?? []).some((event) => event.workflowExecutionCancelRequestedEventAttributes));
});

test('what no workflow carries out cannot be steered', async () => {
  await catchFailure('invalid_state', control.pause(buildRun('nobody')));
});

test('progress that no worker tells is null, long before Temporal would give the question up', async () => {
  const run = buildRun('silent');
  await control.start(run);
  const startedAt = performance.now();
  assert.equal(await control.progress(run), null);
  // Its limit is 0.7 s; without one the answer takes half a minute.
  assert.ok(performance.now() - startedAt < 7_000);
});

test('a verification is started once', async () => {
  const run = buildRun('verified');
  await Promise.all([control.verify(run), control.verify(run)]);
  const described = await client.workflow.getHandle(`verify:copy:${run.runId}`).describe();
  assert.equal(described.type, 'verify');
});

test('a Temporal that is not there is temporal_unavailable, in seconds, and the control is made all the same', async () => {
  const [port = 0] = await findFreePorts(1);
  const away = createControl(`127.0.0.1:${port}`);
  const startedAt = performance.now();
  await catchFailure('temporal_unavailable', away.ping());
  await catchFailure('temporal_unavailable', away.look(buildRun('away')));
  assert.equal(await away.progress(buildRun('away')), null);
  assert.ok(performance.now() - startedAt < 60_000);
  await away.close();
});

test('ping answers while Temporal does', async () => {
  await control.ping();
});
