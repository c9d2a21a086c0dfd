import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { createApiFixture, endRun, type ApiFixture } from '../support/api-fixture.ts';
import { buildSpec } from '../support/ledger-fixtures.ts';

interface Started {
  readonly id: string;
  readonly run_id: string;
  readonly attempt: number;
  readonly state: string;
  readonly mode: string;
  readonly already: string;
  readonly verifying: boolean;
  readonly nominal_at: string | null;
}

let api: ApiFixture;
before(async () => {
  const other = buildSpec('other');
  const aged = { ...buildSpec('aged'), filters: { ...other.filters, minAgeMs: 60_000 } };
  api = await createApiFixture({ pipelines: [buildSpec('copy'), { ...buildSpec('copy'), name: 'twin' }, other, aged] });
});
after(() => api.close());
beforeEach(async () => {
  await api.sql('truncate target, run, idempotency, audit cascade');
  api.control.calls.length = 0;
  api.control.presence.clear();
  api.control.down = false;
});

const post = (payload: object, headers: Record<string, string> = {}) =>
  api.inject('POST', '/v1/runs', { payload, headers });
const start = async (payload: object, headers?: Record<string, string>) =>
  (await post(payload, headers)).json<Started>();

test('a new run is accepted with 202, found by a GET at once, and its workflow started', async () => {
  const answer = await post({ pipeline: 'copy', run_id: 'r1' });
  assert.equal(answer.statusCode, 202);
  const run = answer.json<Started>();
  assert.equal(answer.headers.location, `/v1/runs/${run.id}`);
  assert.deepEqual([run.run_id, run.attempt, run.state, run.already], ['r1', 1, 'accepted', 'no']);
  const found = await api.inject('GET', answer.headers.location);
  assert.equal(found.statusCode, 200);
  assert.equal(found.json<Started>().run_id, 'r1');
  assert.deepEqual(api.control.calls, ['start copy/r1#1']);
});

test('a run that is asked for again while it lives is the same run, with 200', async () => {
  const first = await start({ pipeline: 'copy', run_id: 'r1' });
  const again = await post({ pipeline: 'copy', run_id: 'r1' });
  assert.equal(again.statusCode, 200);
  assert.equal(again.headers.location, `/v1/runs/${first.id}`);
  assert.equal(again.json<Started>().already, 'live');
  assert.deepEqual(api.control.calls, ['start copy/r1#1']);
});

test('twenty callers at once start one attempt', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => post({ pipeline: 'copy', run_id: 'r1' })));
  assert.equal(answers.filter(({ statusCode }) => statusCode === 202).length, 1);
  assert.equal(new Set(answers.map((answer) => answer.json<Started>().id)).size, 1);
  const [count] = await api.sql('select count(*)::int as n from attempt');
  assert.equal(Number(count?.['n']), 1);
});

test('a done run is not done again but verified, unless again is asked', async () => {
  const { id } = await start({ pipeline: 'copy', run_id: 'r1' });
  await endRun(api, id, 'done');
  const answer = await post({ pipeline: 'copy', run_id: 'r1' });
  assert.equal(answer.statusCode, 200);
  const done = answer.json<Started>();
  assert.deepEqual([done.already, done.verifying, done.state, done.attempt], ['done', true, 'done', 1]);
  const again = await post({ pipeline: 'copy', run_id: 'r1', again: true });
  assert.equal(again.statusCode, 202);
  assert.equal(again.json<Started>().attempt, 2);
  assert.deepEqual(api.control.calls, ['start copy/r1#1', 'verify copy/r1#1', 'start copy/r1#2']);
});

for (const state of ['failed', 'partial'] as const) {
  test(`a ${state} run is healed by a new attempt`, async () => {
    const { id } = await start({ pipeline: 'copy', run_id: 'r1' });
    await endRun(api, id, state);
    const next = await post({ pipeline: 'copy', run_id: 'r1' });
    assert.equal(next.statusCode, 202);
    assert.deepEqual([next.json<Started>().id, next.json<Started>().attempt], [id, 2]);
  });
}

test('a plan is a run of its own, and a done plan is not verified', async () => {
  const plan = await start({ pipeline: 'copy', run_id: 'r1', plan: true });
  const run = await start({ pipeline: 'copy', run_id: 'r1' });
  assert.deepEqual([plan.mode, run.mode, plan.id === run.id], ['plan', 'run', false]);
  const { fence } = await api.ledger.beginAttempt(plan.id, 'w', 0);
  await api.ledger.setState(fence, 'listing');
  await api.ledger.setState(fence, 'planning');
  await api.ledger.endAttempt(fence, { state: 'done' });
  const again = await start({ pipeline: 'copy', run_id: 'r1', plan: true });
  assert.deepEqual([again.already, again.verifying], ['done', false]);
});

test('a run_id that is left out is made once: it sorts by time and is kept under the Idempotency-Key', async () => {
  const headers = { 'idempotency-key': 'key-1' };
  const first = await post({ pipeline: 'copy' }, headers);
  assert.equal(first.statusCode, 202);
  assert.match(first.json<Started>().run_id, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z-[0-9a-f]{12}$/);
  const second = await post({ pipeline: 'copy' }, headers);
  assert.equal(second.statusCode, 200);
  assert.equal(second.json<Started>().already, 'replayed');
  assert.equal(second.json<Started>().run_id, first.json<Started>().run_id);
  assert.deepEqual(api.control.calls.length, 1);
});

test('requests at the same time under one key make one run', async () => {
  const headers = { 'idempotency-key': 'key-1' };
  const answers = await Promise.all(Array.from({ length: 8 }, () => post({ pipeline: 'copy' }, headers)));
  assert.equal(new Set(answers.map((answer) => answer.json<Started>().id)).size, 1);
  const [count] = await api.sql('select count(*)::int as n from run');
  assert.equal(Number(count?.['n']), 1);
});

test('a replayed request begins nothing, even when its run has ended', async () => {
  const headers = { 'idempotency-key': 'key-1' };
  const { id } = await start({ pipeline: 'copy', run_id: 'r1' }, headers);
  await endRun(api, id, 'partial');
  const replayed = await start({ pipeline: 'copy', run_id: 'r1' }, headers);
  assert.deepEqual([replayed.already, replayed.state, replayed.attempt], ['replayed', 'partial', 1]);
});

test('a key that stands for another request is refused', async () => {
  await start({ pipeline: 'copy', run_id: 'r1' }, { 'idempotency-key': 'key-1' });
  for (const other of [
    { pipeline: 'copy', run_id: 'r2' },
    { pipeline: 'copy', run_id: 'r1', again: true },
  ]) {
    const answer = await post(other, { 'idempotency-key': 'key-1' });
    assert.equal(answer.statusCode, 409);
    assert.equal(answer.json<{ type: string }>().type, '/problems/idempotency_conflict');
  }
});

test('with Temporal down the run is accepted all the same', async () => {
  api.control.down = true;
  const answer = await post({ pipeline: 'copy', run_id: 'r1' });
  assert.equal(answer.statusCode, 202);
  const [row] = await api.sql('select state from attempt');
  assert.equal(row?.['state'], 'accepted');
});

test('a run that was accepted while Temporal was down is started when it is asked for again', async () => {
  api.control.down = true;
  await start({ pipeline: 'copy', run_id: 'r1' });
  api.control.down = false;
  await start({ pipeline: 'copy', run_id: 'r1' });
  assert.deepEqual(api.control.calls, ['start copy/r1#1']);
});

test('a second run over a target that is being written to is refused, and told by whom', async () => {
  await start({ pipeline: 'copy', run_id: 'r1' });
  const answer = await post({ pipeline: 'twin', run_id: 'r2' });
  assert.equal(answer.statusCode, 409);
  const problem = answer.json<{ type: string; details: Record<string, string> }>();
  assert.equal(problem.type, '/problems/target_busy');
  assert.deepEqual(problem.details, { pipeline: 'copy', runId: 'r1' });
});

test('a target whose holder was terminated is freed by the next run that wants it', async () => {
  const { id } = await start({ pipeline: 'copy', run_id: 'r1' });
  const { attempt } = await api.ledger.loadRun(id);
  api.control.presence.set(attempt.attemptId, 'ended');
  const answer = await post({ pipeline: 'twin', run_id: 'r2' });
  assert.equal(answer.statusCode, 202);
  const dead = await api.ledger.loadRun(id);
  assert.deepEqual([dead.attempt.state, dead.attempt.failure?.type], ['failed', 'terminated']);
});

test('a holder that was never started is started, and keeps its target', async () => {
  api.control.down = true;
  const { id } = await start({ pipeline: 'copy', run_id: 'r1' });
  api.control.down = false;
  const answer = await post({ pipeline: 'twin', run_id: 'r2' });
  assert.equal(answer.statusCode, 409);
  assert.deepEqual(api.control.calls, ['start copy/r1#1']);
  assert.equal((await api.ledger.loadRun(id)).attempt.state, 'accepted');
});

test('with Temporal down nobody is taken for dead', async () => {
  const { id } = await start({ pipeline: 'copy', run_id: 'r1' });
  await api.ledger.beginAttempt(id, 'w', 0);
  api.control.down = true;
  assert.equal((await post({ pipeline: 'twin', run_id: 'r2' })).statusCode, 409);
  assert.equal((await post({ pipeline: 'copy', run_id: 'r1' })).statusCode, 200);
  assert.equal((await api.ledger.loadRun(id)).attempt.endedAt, null);
});

test('a run whose own workflow was terminated starts again as a new attempt', async () => {
  const { id } = await start({ pipeline: 'copy', run_id: 'r1' });
  const { fence } = await api.ledger.beginAttempt(id, 'w', 0);
  await api.ledger.setState(fence, 'listing');
  api.control.presence.set(fence.attemptId, 'ended');
  const answer = await post({ pipeline: 'copy', run_id: 'r1' });
  assert.equal(answer.statusCode, 202);
  assert.equal(answer.json<Started>().attempt, 2);
});

test('a run_id that is an instant is the nominal time', async () => {
  const run = await start({ pipeline: 'copy', run_id: '2026-07-29T02:15:00Z' });
  assert.equal(Date.parse(run.nominal_at ?? ''), Date.parse('2026-07-29T02:15:00Z'));
  assert.equal((await start({ pipeline: 'other', run_id: '2026-07-29' })).nominal_at, null);
});

test('a pipeline that filters by age counts from the first acceptance, whichever attempt it is at', async () => {
  const first = await start({ pipeline: 'aged', run_id: 'r1' });
  assert.ok(Math.abs(Date.parse(first.nominal_at ?? '') - Date.now()) < 60_000);
  await endRun(api, first.id, 'partial');
  const second = await start({ pipeline: 'aged', run_id: 'r1' });
  assert.deepEqual([second.attempt, second.nominal_at], [2, first.nominal_at]);
});

test('every start is in the audit log with who asked', async () => {
  await start({ pipeline: 'copy', run_id: 'r1' });
  const rows = await api.sql('select principal, action, subject from audit');
  assert.deepEqual(rows, [{ principal: 'anonymous', action: 'run.start', subject: 'copy/r1' }]);
});
