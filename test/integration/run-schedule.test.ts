/** Runs of a schedule: named by their nominal time, once each, also over an outage of Temporal. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import type { RunJson } from '../../cli/api-client.ts';
import { isClosed, isRunState } from '../../core/run-state.ts';
import { createGate } from '../support/start-fault-proxy.ts';
import { startRunStack, type RunStack } from '../support/run-stack.ts';
import { until } from '../support/until.ts';

const EVERY_MS = 20_000;
const NOMINAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:(00|20|40)Z$/;

type ScheduledRun = RunJson & { readonly nominal_at: string | null };

let stack: RunStack;
let connection: Connection;
let client: Client;
before(async () => {
  const schedule = { timezone: 'Europe/Berlin', paused: true };
  const route = (name: string): Record<string, unknown> => ({
    source: { store: 'a', bucket: 'source', prefix: `${name}/` },
    target: { store: 'b', bucket: 'target', prefix: `${name}/` },
  });
  stack = await startRunStack({
    ownServers: true,
    config: {
      pipelines: {
        ticking: { ...route('ticking'), schedule: { ...schedule, cron: '*/20 * * * * * *', catchup_window: '1h' } },
        busy: { ...route('busy'), schedule: { ...schedule, cron: '*/5 * * * * * *', catchup_window: '10s' } },
      },
    },
  });
  const headers = { contentType: 'text/plain', metadata: {} };
  await stack.putSource(['ticking/a', 'busy/a'].map((key) => ({ key, sizeBytes: 10, headers })));
  connection = await Connection.connect({ address: stack.temporalAddress });
  client = new Client({ connection });
});
after(async () => {
  await connection.close();
  await stack.dispose();
});

const listRuns = async (pipeline: string): Promise<ScheduledRun[]> =>
  (await stack.api.send<{ items: ScheduledRun[] }>('GET', `/v1/runs?pipeline=${pipeline}&limit=100`)).items;
const hasEnded = ({ state }: RunJson): boolean => isRunState(state) && isClosed(state);

/** Well behind a nominal time and well before the next, with nothing under way. */
const betweenRuns = (): Promise<void> =>
  until(async () => {
    const isIdle = (await listRuns('ticking')).every(hasEnded);
    const sinceMs = Date.now() % EVERY_MS;
    return isIdle && sinceMs > 4_000 && sinceMs < 8_000;
  });

/** The nominal times of the schedule of which one lies between the two. */
const toNominal = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

test('a run of a schedule has its nominal time as run_id and nominal_at', async () => {
  const startedMs = Date.now();
  await client.schedule.getHandle('schedule:ticking').unpause();
  const unpausedMs = Date.now();
  await until(async () => (await listRuns('ticking')).some(hasEnded));
  const run = (await listRuns('ticking')).at(-1);
  assert.equal(run?.state, 'done');
  assert.match(run.run_id, NOMINAL);
  assert.equal(Date.parse(run.nominal_at ?? ''), Date.parse(run.run_id));
  const nominalMs = Date.parse(run.run_id);
  // The first nominal time after the start.
  assert.ok(nominalMs > startedMs && nominalMs <= unpausedMs + EVERY_MS, `${run.run_id} of ${toNominal(startedMs)}`);
  const described = await client.workflow.getHandle(`run:ticking:${run.run_id}`).describe();
  assert.equal(await described.staticSummary(), `ticking ${run.run_id}`);
});

test('a nominal time over which Temporal was stopped is made up for, once, under its own run_id', async () => {
  await betweenRuns();
  await stack.temporal.child?.stop();
  const stoppedMs = Date.now();
  const before = (await listRuns('ticking')).map(({ run_id }) => run_id);
  // The next nominal time passes while nothing can happen.
  const missedMs = Math.ceil(stoppedMs / EVERY_MS) * EVERY_MS;
  await until(() => Date.now() > missedMs + 500);
  assert.deepEqual(
    (await listRuns('ticking')).map(({ run_id }) => run_id),
    before,
  );
  // The worker is replaced as well, as after an outage of a whole machine: its start must not make the schedule forget.
  await stack.child('worker').stop();
  await stack.temporal.start();
  await stack.start('worker');
  const missed = toNominal(missedMs);
  await until(async () => (await listRuns('ticking')).some((run) => run.run_id === missed && hasEnded(run)));
  await client.schedule.getHandle('schedule:ticking').pause('between tests');
  const runs = (await listRuns('ticking')).filter(({ run_id }) => run_id === missed);
  assert.deepEqual(
    runs.map(({ state, attempt }) => ({ state, attempt })),
    [{ state: 'done', attempt: 1 }],
  );
  assert.equal(Date.parse(runs[0]?.nominal_at ?? ''), missedMs);
});

test('a manual trigger makes a run of the time at which it was pulled', async () => {
  await until(
    async () => (await client.schedule.getHandle('schedule:ticking').describe()).info.runningActions.length === 0,
  );
  const before = new Set((await listRuns('ticking')).map(({ run_id }) => run_id));
  const pulledMs = Date.now();
  await client.schedule.getHandle('schedule:ticking').trigger();
  const made = async (): Promise<ScheduledRun[]> =>
    (await listRuns('ticking')).filter(({ run_id }) => !before.has(run_id));
  await until(async () => (await made()).some(hasEnded));
  const [run, ...more] = await made();
  assert.deepEqual(more, []);
  assert.equal(run?.state, 'done');
  assert.equal(Date.parse(run.run_id), Date.parse(run.nominal_at ?? ''));
  const lateMs = Date.parse(run.run_id) - pulledMs;
  assert.ok(lateMs > -1000 && lateMs < 240_000, `pulled at ${toNominal(pulledMs)}, run_id ${run.run_id}`);
});

test('a nominal time whose target stays busy is skipped with a line in the log, and the next one runs', async () => {
  const gate = createGate();
  const held = createGate();
  stack.proxyA.decide = ({ url }) => {
    if (!url.includes('busy')) return { kind: 'pass' };
    held.open();
    return { kind: 'hold-after', until: gate.opened };
  };
  const handle = client.schedule.getHandle('schedule:busy');
  await handle.unpause();
  await held.opened;
  const first = (await listRuns('busy')).at(-1)?.run_id ?? '';
  const skipped = toNominal(Date.parse(first) + 5000);
  const log = path.join(stack.stateDir, 'logs/worker.log');
  await until(async () =>
    (await readFile(log, 'utf8'))
      .split('\n')
      .some((line) => line.includes('a scheduled run is skipped: its target was busy') && line.includes(skipped)),
  );
  stack.proxyA.decide = () => ({ kind: 'pass' });
  gate.open();
  await until(async () => (await listRuns('busy')).filter(hasEnded).length >= 2);
  await handle.pause();
  const runs = (await listRuns('busy')).filter(hasEnded).reverse();
  assert.deepEqual(
    runs.map(({ state }) => state).filter((state) => state !== 'done'),
    [],
  );
  assert.ok(!runs.some(({ run_id }) => run_id === skipped), `${skipped} was skipped`);
  const second = Date.parse(runs[1]?.run_id ?? '');
  assert.ok(second > Date.parse(skipped) && (second - Date.parse(first)) % 5000 === 0, 'the next is one of its times');
});
