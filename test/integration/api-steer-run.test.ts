import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { createApiFixture, endRun, type ApiFixture } from '../support/api-fixture.ts';

let api: ApiFixture;
before(async () => {
  api = await createApiFixture();
});
after(() => api.close());
beforeEach(async () => {
  await api.sql('truncate target, run, idempotency, audit cascade');
  api.control.down = false;
});

/** A run that is started; the calls of the start are forgotten. */
async function start(): Promise<string> {
  const answer = await api.inject('POST', '/v1/runs', { payload: { pipeline: 'copy', run_id: 'r1' } });
  api.control.calls.length = 0;
  return answer.json<{ id: string }>().id;
}

for (const [action, payload, call] of [
  ['pause', undefined, 'pause copy/r1#1'],
  ['resume', undefined, 'resume copy/r1#1'],
  ['cancel', undefined, 'cancel copy/r1#1'],
  ['concurrency', { concurrency: 8 }, 'concurrency 8 of copy/r1#1'],
] as const) {
  const options = payload === undefined ? {} : { payload };

  test(`${action} reaches the workflow of a live run, and the audit log before it`, async () => {
    const id = await start();
    const answer = await api.inject('POST', `/v1/runs/${id}/${action}`, options);
    assert.equal(answer.statusCode, 202, answer.body);
    assert.equal(answer.json<{ id: string }>().id, id);
    assert.deepEqual(api.control.calls, [call]);
    const rows = await api.sql('select action, subject, detail from audit where action <> $1', ['run.start']);
    assert.deepEqual(rows, [{ action: `run.${action}`, subject: 'copy/r1', detail: { run: id, ...payload } }]);
  });

  test(`${action} of a run that has ended is refused`, async () => {
    const id = await start();
    await endRun(api, id, 'done');
    const answer = await api.inject('POST', `/v1/runs/${id}/${action}`, options);
    assert.equal(answer.statusCode, 409);
    assert.equal(answer.json<{ type: string }>().type, '/problems/invalid_state');
    assert.deepEqual(api.control.calls, []);
  });

  test(`${action} while Temporal is down is a 503 with Retry-After`, async () => {
    const id = await start();
    api.control.down = true;
    const answer = await api.inject('POST', `/v1/runs/${id}/${action}`, options);
    assert.equal(answer.statusCode, 503);
    assert.equal(answer.json<{ type: string }>().type, '/problems/temporal_unavailable');
    assert.ok(Number(answer.headers['retry-after']) > 0);
  });
}

test('cancelling a run that no workflow carries out ends it, and frees its target', async () => {
  api.control.down = true;
  const id = await start();
  api.control.down = false;
  const answer = await api.inject('POST', `/v1/runs/${id}/cancel`);
  assert.equal(answer.statusCode, 202);
  assert.equal(answer.json<{ state: string }>().state, 'cancelled');
  const next = await api.inject('POST', '/v1/runs', { payload: { pipeline: 'twin', run_id: 'r2' } });
  assert.equal(next.statusCode, 202);
});

test('a client that sends a content type and no body is understood', async () => {
  const id = await start();
  const answer = await api.inject('POST', `/v1/runs/${id}/pause`, { headers: { 'content-type': 'application/json' } });
  assert.equal(answer.statusCode, 202);
});
