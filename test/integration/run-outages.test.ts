/** Postgres or Temporal away when a run is asked for: the caller is told, and the run is neither lost nor doubled. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isWaybillError } from '../../core/failures.ts';
import { compareObjects } from '../../dev/compare-objects.ts';
import type { RunningPostgres } from '../../dev/postgres.ts';
import { toEnvironments } from '../../dev/secrets.ts';
import type { RunJson } from '../../cli/api-client.ts';
import { runCommand } from '../support/run-command.ts';
import { buildPipeline, listSmallObjects } from '../support/run-objects.ts';
import { countBetween, startRunStack, type RunStack } from '../support/run-stack.ts';

const OBJECTS = listSmallObjects('some/', 6);

let stack: RunStack;
let postgres: RunningPostgres | null = null;
before(async () => {
  const pipelines = { some: buildPipeline('some/', 'some/'), other: buildPipeline('some/', 'other/') };
  stack = await startRunStack({ ownServers: true, config: { pipelines } });
  await stack.putSource(OBJECTS);
});
after(async () => {
  await stack.dispose();
  await postgres?.stop();
});

const begun = async (runId: string): Promise<string> =>
  stack.begin(runId, { pipeline: 'some' }).then(
    () => 'accepted',
    (error: unknown) => (isWaybillError(error) ? error.type : String(error)),
  );

test('with Temporal down a run is accepted all the same, and is started once when Temporal is back', async () => {
  await stack.temporal.child?.stop();
  const answer = await fetch(`${stack.apiUrl}/v1/runs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.secrets.apiToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ pipeline: 'some', run_id: 'accepted' }),
  });
  assert.equal(answer.status, 202);
  const accepted = (await answer.json()) as RunJson;
  assert.equal(accepted.state, 'accepted');
  assert.equal(answer.headers.get('location'), `/v1/runs/${accepted.id}`);
  const ready = await fetch(`${stack.apiUrl}/readyz`);
  assert.equal(ready.status, 503);
  assert.equal((await stack.begin('accepted', { pipeline: 'some' })).id, accepted.id, 'asked again, it is the same');

  const before = await stack.counts();
  await stack.temporal.start();
  const run = await stack.waitFor(accepted.id);
  const { b } = countBetween(before, await stack.counts());
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  assert.equal(run.attempt, 1);
  assert.equal(b.requests['PutObject'], OBJECTS.length + 1);
  assert.deepEqual(await compareObjects(stack.storeB, 'target', OBJECTS, (key) => key), []);
});

test('with Postgres down the API answers 503, keeps nothing half, and takes the run when Postgres is back', async () => {
  await stack.postgres?.stop();
  assert.equal(await begun('asked'), 'ledger_unavailable');
  const ended = await runCommand(['run', 'some', '--run-id', 'asked'], {
    WAYBILL_URL: stack.apiUrl,
    WAYBILL_TOKEN: stack.secrets.apiToken,
  });
  assert.equal(ended.code, 4, ended.stderr);
  const answer = await fetch(`${stack.apiUrl}/v1/runs`, {
    headers: { authorization: `Bearer ${stack.secrets.apiToken}` },
  });
  assert.equal(answer.status, 503);
  assert.match(answer.headers.get('content-type') ?? '', /problem\+json/);

  const { worker } = toEnvironments(stack.secrets, stack.databaseUrl);
  const alone = await runCommand(['worker', '--config', stack.configFile, '--log-level', 'silent'], worker);
  assert.equal(alone.code, 4, `a worker that is started now says so and ends: ${alone.stderr}`);

  postgres = (await stack.postgres?.restart()) ?? null;
  const run = await stack.run('asked', { pipeline: 'some' });
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  assert.equal(run.attempt, 1);
  assert.equal(run.totals['skipped'], OBJECTS.length);
  const { items } = await stack.api.send<{ items: RunJson[] }>('GET', '/v1/runs');
  assert.deepEqual(items.map(({ run_id }) => run_id).sort(), ['accepted', 'asked']);
});
