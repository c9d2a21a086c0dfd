/**
 * No zombie writes (invariant I10). A worker is stopped with SIGSTOP in the middle of copying small objects and parts, long enough
 * for another one to finish the runs; then it goes on. Requests that were in flight when it was stopped arrive late, too.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { MiB } from '../../core/limits.ts';
import type { Child } from '../../dev/child.ts';
import { compareObjects } from '../../dev/compare-objects.ts';
import type { DemoObject } from '../../dev/demo-input.ts';
import { buildPipeline, listSmallObjects } from '../support/run-objects.ts';
import { holdAt, toPut } from '../support/run-points.ts';
import { startRunStack, type RunStack } from '../support/run-stack.ts';
import { startSecondWorker } from '../support/start-second-worker.ts';

/** More than a batch copies at once, so that the stopped worker has some that it has not begun. */
const SMALL = listSmallObjects('small/', 40);
const NEWER = SMALL.map((object) => ({ ...object, sizeBytes: object.sizeBytes + 1 }));
/** Five parts, and four of them are sent at once. */
const LARGE: DemoObject[] = [
  { key: 'large/parts.bin', sizeBytes: 32 * MiB + 9, headers: { contentType: 'application/x-large', metadata: {} } },
];

let stack: RunStack;
let second: Child | undefined;
let sql: pg.Client;
before(async () => {
  stack = await startRunStack({
    // A poll that a stopped worker left open swallows tasks until it expires: sooner than after the usual minute.
    ownServers: true,
    temporalDynamicConfig: ['matching.longPollExpirationInterval="4s"'],
    config: {
      heartbeatTimeout: '8s',
      requestLimit: '4s',
      pipelines: { small: buildPipeline('small/', 'small/'), large: buildPipeline('large/', 'large/') },
    },
  });
  await stack.putSource([...SMALL, ...LARGE]);
  sql = new pg.Client({ connectionString: stack.databaseUrl });
  await sql.connect();
});
after(async () => {
  await sql.end();
  stack.temporal.child?.kill('SIGCONT');
  stack.child('worker').kill('SIGCONT');
  await second?.stop();
  await stack.dispose();
});

test('a worker that was stopped past its heartbeat time-out begins no store write and commits nothing', async () => {
  const held = holdAt(stack.proxyB, {
    small: { matches: toPut('/target/small/'), hold: 'before' },
    large: { matches: toPut('/target/large/'), hold: 'before' },
  });
  const started = await Promise.all(['small', 'large'].map((pipeline) => stack.begin('first', { pipeline })));
  await Promise.all([held.small.reached, held.large.reached]);
  // Between asking whether a write may begin and the write itself lies an instant in which nobody can help (late-writes.test.ts holds
  // that nothing longer lies there): the process is stopped when it is not in one.
  await untilSteady(() => held.small.count() + held.large.count());
  const zombie = stack.child('worker');
  zombie.kill('SIGSTOP');
  held.small.passLater();
  held.large.passLater();

  second = await startSecondWorker(stack);
  for (const { id } of started) {
    const run = await stack.waitFor(id);
    assert.equal(run.state, 'done', JSON.stringify(run.failure));
    assert.equal(run.attempt, 1);
  }
  await stack.putSource(NEWER);
  const newer = await stack.run('newer', { pipeline: 'small' });
  assert.equal(newer.state, 'done', JSON.stringify(newer.failure));
  assert.equal(newer.totals['copied'], NEWER.length);

  const rows = await readRows();
  const sent = stack.proxyB.requests.length;
  // First what was in flight: it was begun in time, comes late, and its conditions do not hold any more.
  held.small.open();
  held.large.open();
  assert.ok(held.small.count() > 0 && held.large.count() > 0);
  // Nobody tells it that it was superseded: its own clock has to.
  stack.temporal.child?.kill('SIGSTOP');
  zombie.kill('SIGCONT');
  await untilLogged(/nothing could be released/, 2);
  stack.temporal.child?.kill('SIGCONT');

  const writes = stack.proxyB.requests.slice(sent).filter(({ method }) => method !== 'GET' && method !== 'HEAD');
  assert.deepEqual(
    writes.map(({ method, url }) => `${method} ${url}`),
    [],
  );
  assert.deepEqual(await readRows(), rows);
  assert.deepEqual(await compareObjects(stack.storeB, 'target', [...NEWER, ...LARGE], (key) => key), []);
  assert.deepEqual(await stack.storeB.listUploads({ bucket: 'target', prefix: '' }), []);

  // It is a worker like any other again.
  await second.stop();
  const verified = await stack.run('newer', { pipeline: 'small' });
  assert.equal(verified.verification?.state, 'ok', JSON.stringify(verified.verification));
});

/** Resolves when the count has stood still for a quarter of a second. */
async function untilSteady(count: () => number): Promise<void> {
  let seen = -1;
  for (let still = 0; still < 5; still++) {
    if (count() !== seen) still = 0;
    seen = count();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Every row that a copy may leave. */
async function readRows(): Promise<Record<string, unknown[]>> {
  const tables = ['target', 'attempt', 'step', 'claim', 'release', 'delivery', 'outcome', 'counter', 'upload', 'part'];
  const rows: Record<string, unknown[]> = {};
  for (const table of tables) {
    rows[table] = (await sql.query(`select * from ${table} t order by t::text`)).rows;
  }
  return rows;
}

/** The stopped worker's own log tells when its executions have ended. */
async function untilLogged(line: RegExp, times: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const log = await readFile(path.join(stack.stateDir, 'logs/worker.log'), 'utf8');
    if (log.split('\n').filter((text) => line.test(text)).length >= times) return;
    assert.ok(tries < 600, log.slice(-3000));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
