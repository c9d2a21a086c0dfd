import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { createApiMetrics } from '../../api/metrics.ts';
import { createApi } from '../../api/server.ts';
import { findFreePorts } from '../../dev/free-port.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { createPostgresLedger } from '../../ledger/postgres/create-postgres-ledger.ts';
import { FakeControl } from '../support/api-fixture.ts';
import { buildSpec, silentLogger } from '../support/ledger-fixtures.ts';

const PASSWORD = 'hunter2hunter2';
const ID = '00000000-0000-4000-8000-000000000000';
let ledger: Ledger;
let app: FastifyInstance;
let broken: FastifyInstance;
let control: FakeControl;

before(async () => {
  const [port] = await findFreePorts(1);
  ledger = createPostgresLedger({
    url: `postgres://u:${PASSWORD}@127.0.0.1:${port}/d`,
    poolMax: 2,
    logger: silentLogger,
  });
  control = new FakeControl();
  const deps = {
    control,
    config: { pipelines: new Map([['copy', buildSpec('copy')]]), pipelineRetentionMs: new Map() },
    tokens: [],
    logger: pino({ level: 'silent' }),
    metrics: createApiMetrics(),
  };
  app = createApi({ ...deps, ledger });
  const listRuns = (): never => {
    throw new TypeError(`a defect that mentions ${PASSWORD}`);
  };
  broken = createApi({ ...deps, metrics: createApiMetrics(), ledger: { ...ledger, listRuns } });
  await Promise.all([app.ready(), broken.ready()]);
});
after(async () => {
  await Promise.all([app.close(), broken.close()]);
  await ledger.close();
});

for (const [method, url] of [
  ['POST', '/v1/runs'],
  ['GET', '/v1/runs'],
  ['GET', `/v1/runs/${ID}`],
  ['GET', `/v1/runs/${ID}/objects`],
  ['GET', `/v1/runs/${ID}/attempts`],
  ['POST', `/v1/runs/${ID}/cancel`],
  ['GET', `/v1/manifests/${'a'.repeat(64)}`],
] as const) {
  test(`with Postgres down ${method} ${url} is a 503 with Retry-After, and nothing is started`, async () => {
    const payload = url === '/v1/runs' && method === 'POST' ? { payload: { pipeline: 'copy' } } : {};
    const answer = await app.inject({ method, url, ...payload });
    assert.equal(answer.statusCode, 503, answer.body);
    assert.equal(answer.json<{ type: string }>().type, '/problems/ledger_unavailable');
    assert.ok(Number(answer.headers['retry-after']) > 0);
    assert.ok(!answer.body.includes(PASSWORD));
    assert.deepEqual(control.calls, []);
  });
}

test('the process is alive without Postgres, and not ready', async () => {
  assert.equal((await app.inject({ method: 'GET', url: '/healthz' })).statusCode, 200);
  const ready = await app.inject({ method: 'GET', url: '/readyz' });
  assert.equal(ready.statusCode, 503);
  assert.deepEqual(ready.json(), { status: 'unavailable', postgres: 'unavailable', temporal: 'ok' });
});

test('what the configuration alone can answer is answered without Postgres', async () => {
  assert.equal((await app.inject({ method: 'GET', url: '/v1/pipelines' })).statusCode, 200);
});

test('a defect is a 500 that says nothing of its inside', async () => {
  const answer = await broken.inject({ method: 'GET', url: '/v1/runs' });
  assert.equal(answer.statusCode, 500);
  assert.equal(answer.json<{ type: string }>().type, '/problems/unclassified');
  assert.ok(!answer.body.includes(PASSWORD));
});
