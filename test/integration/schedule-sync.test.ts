/** Temporal's Schedules follow the configuration at every start of a worker, however many start at once. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { Client, Connection, ScheduleNotFoundError, type ScheduleDescription } from '@temporalio/client';
import { pino } from 'pino';
import type { PipelineSpec, Schedule } from '../../core/pipeline.ts';
import { findFreePorts } from '../../dev/free-port.ts';
import { startTemporal, useTemporal, type RunningTemporal } from '../../dev/temporal.ts';
import { syncSchedules } from '../../worker/sync-schedules.ts';
import { until } from '../support/until.ts';

const EVERY_HOUR: Schedule = {
  cron: '7 * * * *',
  timezone: 'Europe/Berlin',
  catchupWindowMs: 3_600_000,
  jitterMs: 0,
  paused: false,
};

let stateDir: string;
let temporal: RunningTemporal;
let connection: Connection;
let client: Client;
let taskQueue: string;
/** A pipeline's name, its own in each test: files share the server. */
let name: string;

before(async () => {
  stateDir = await mkdtemp(path.join(os.tmpdir(), 'waybill-schedules-'));
  const shared = process.env['WAYBILL_TEST_TEMPORAL_ADDRESS'];
  const [port = 0, uiPort = 0, metricsPort = 0] = await findFreePorts(3);
  const logFile = path.join(stateDir, 'temporal.log');
  const own = { port, uiPort, metricsPort, databaseFile: null, logFile, fast: true, say: () => undefined };
  temporal = shared === undefined ? await startTemporal(own) : useTemporal(shared);
  connection = await Connection.connect({ address: temporal.address });
  client = new Client({ connection });
});
after(async () => {
  await connection.close();
  await temporal.child?.stop();
  await rm(stateDir, { recursive: true, force: true });
});
beforeEach(() => {
  taskQueue = randomUUID();
  name = `p-${randomUUID().slice(0, 8)}`;
});

function sync(schedules: Readonly<Record<string, Schedule | null>>, more: { taskQueue?: string } = {}): Promise<void> {
  const pipelines = new Map(
    Object.entries(schedules).map(([pipeline, schedule]) => [pipeline, { name: pipeline, schedule } as PipelineSpec]),
  );
  const logger = pino({ level: 'silent' });
  return syncSchedules({ client, pipelines, taskQueue, heartbeatTimeoutMs: 10_000, logger, ...more });
}

const describe = (pipeline = name): Promise<ScheduleDescription> =>
  client.schedule.getHandle(`schedule:${pipeline}`).describe();
const isGone = (pipeline = name): Promise<boolean> =>
  describe(pipeline).then(
    () => false,
    (error: unknown) => error instanceof ScheduleNotFoundError,
  );
/** The list of schedules follows a moment after. */
const isListed = async (pipeline = name): Promise<boolean> => {
  for await (const { scheduleId } of client.schedule.list()) if (scheduleId === `schedule:${pipeline}`) return true;
  return false;
};

test('a schedule of a pipeline becomes a Schedule of its cron and time zone that starts our workflow', async () => {
  await sync({ [name]: EVERY_HOUR });
  const { spec, action, policies, state } = await describe();
  assert.deepEqual(spec.calendars?.[0]?.minute, [{ start: 7, end: 7, step: 1 }]);
  assert.equal(spec.timezone, 'Europe/Berlin');
  assert.equal(action.type, 'startWorkflow');
  assert.equal(action.workflowType, 'scheduledRun');
  assert.equal(action.taskQueue, taskQueue);
  assert.equal(policies.catchupWindow, EVERY_HOUR.catchupWindowMs);
  assert.equal(state.paused, false);
  await client.schedule.getHandle(`schedule:${name}`).delete();
});

test('workers that start at once make one schedule', async () => {
  await Promise.all(Array.from({ length: 8 }, () => sync({ [name]: EVERY_HOUR })));
  assert.equal((await describe()).spec.timezone, 'Europe/Berlin');
  await client.schedule.getHandle(`schedule:${name}`).delete();
});

test("a changed cron is updated, and an operator's pause and note survive it", async () => {
  await sync({ [name]: EVERY_HOUR });
  await client.schedule.getHandle(`schedule:${name}`).pause('not while we move');
  await sync({ [name]: { ...EVERY_HOUR, cron: '0 9 * * 1-5', timezone: 'UTC' } });
  const { spec, state } = await describe();
  assert.deepEqual(spec.calendars?.[0]?.hour, [{ start: 9, end: 9, step: 1 }]);
  assert.equal(spec.timezone, 'UTC');
  assert.deepEqual({ paused: state.paused, note: state.note }, { paused: true, note: 'not while we move' });
  await client.schedule.getHandle(`schedule:${name}`).delete();
});

test('a schedule that did not change is not written again', async () => {
  await sync({ [name]: { ...EVERY_HOUR, cron: '*/10 8-18 * * mon-fri', jitterMs: 1500 } });
  const before = await describe();
  await sync({ [name]: { ...EVERY_HOUR, cron: '*/10 8-18 * * mon-fri', jitterMs: 1500 } });
  const after = await describe();
  assert.equal(after.info.lastUpdatedAt?.getTime(), before.info.lastUpdatedAt?.getTime());
  await sync({ [name]: { ...EVERY_HOUR, cron: '*/11 8-18 * * mon-fri', jitterMs: 1500 } });
  assert.notEqual((await describe()).info.lastUpdatedAt?.getTime(), before.info.lastUpdatedAt?.getTime());
  await client.schedule.getHandle(`schedule:${name}`).delete();
});

test('a schedule that left the configuration is deleted, with its pipeline or without', async () => {
  const other = `${name}-too`;
  await sync({ [name]: EVERY_HOUR, [other]: EVERY_HOUR });
  await until(async () => (await isListed()) && (await isListed(other)));
  await sync({ [name]: null });
  assert.ok(await isGone(), 'the pipeline has no schedule any more');
  assert.ok(await isGone(other), 'the pipeline itself is gone');
});

test('a schedule of another Waybill in the same namespace is not touched', async () => {
  await sync({ [name]: EVERY_HOUR }, { taskQueue: `${taskQueue}-other` });
  await until(() => isListed());
  await sync({});
  assert.equal(await isGone(), false);
  await client.schedule.getHandle(`schedule:${name}`).delete();
});
