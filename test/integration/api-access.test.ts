import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createApiFixture, OPERATOR, TOKENS, VIEWER, type ApiFixture } from '../support/api-fixture.ts';

let open: ApiFixture;
let guarded: ApiFixture;
before(async () => {
  open = await createApiFixture();
  guarded = await createApiFixture({ tokens: TOKENS });
});
after(() => Promise.all([open.close(), guarded.close()]));

const NEW_RUN = { payload: { pipeline: 'copy', run_id: 'r1' } };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

test('without a token everything under /v1 is refused with a challenge', async () => {
  for (const [method, url] of [
    ['GET', '/v1/runs'],
    ['GET', '/v1/pipelines'],
    ['POST', '/v1/runs'],
    ['GET', `/v1/manifests/${'a'.repeat(64)}`],
    ['HEAD', '/v1/runs'],
  ] as const) {
    const answer = await guarded.inject(method, url, method === 'POST' ? NEW_RUN : {});
    assert.equal(answer.statusCode, 401, `${method} ${url}`);
    assert.equal(answer.headers['www-authenticate'], 'Bearer realm="waybill"');
  }
  const answer = await guarded.inject('GET', '/v1/runs');
  assert.equal(answer.json<{ type: string }>().type, '/problems/unauthenticated');
});

for (const [claim, authorization] of [
  ['an unknown token', `Bearer ${OPERATOR}x`],
  ['a token cut short', `Bearer ${OPERATOR.slice(0, -1)}`],
  ['another scheme', `Basic ${OPERATOR}`],
  ['the hash instead of the token', `Bearer ${TOKENS[0]?.sha256.toString('hex') ?? ''}`],
  ['an empty token', 'Bearer '],
  ['two tokens', `Bearer ${OPERATOR} ${VIEWER}`],
] as const) {
  test(`${claim} is refused and not repeated`, async () => {
    const answer = await guarded.inject('GET', '/v1/runs', { headers: { authorization } });
    assert.equal(answer.statusCode, 401);
    assert.ok(!answer.body.includes(OPERATOR.slice(0, -1)));
  });
}

test('a viewer reads and changes nothing', async () => {
  assert.equal((await guarded.inject('GET', '/v1/runs', { headers: bearer(VIEWER) })).statusCode, 200);
  const answer = await guarded.inject('POST', '/v1/runs', { ...NEW_RUN, headers: bearer(VIEWER) });
  assert.equal(answer.statusCode, 403);
  assert.match(answer.json<{ detail: string }>().detail, /role operator/);
  assert.deepEqual(await guarded.sql('select 1 from run'), []);
});

test('an operator starts runs, and the audit log has the name of the token', async () => {
  const answer = await guarded.inject('POST', '/v1/runs', { ...NEW_RUN, headers: bearer(OPERATOR) });
  assert.equal(answer.statusCode, 202);
  assert.deepEqual(await guarded.sql('select principal from audit'), [{ principal: 'ops' }]);
});

test('an Idempotency-Key belongs to one principal', async () => {
  const headers = { 'idempotency-key': 'shared' };
  const mine = await guarded.inject('POST', '/v1/runs', {
    payload: { pipeline: 'other' },
    headers: { ...headers, ...bearer(OPERATOR) },
  });
  assert.equal(mine.statusCode, 202);
  const rows = await guarded.sql('select principal from idempotency where key = $1', ['shared']);
  assert.deepEqual(rows, [{ principal: 'ops' }]);
});

test('health, metrics and the document need no token', async () => {
  for (const url of ['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs/']) {
    assert.equal((await guarded.inject('GET', url)).statusCode, 200, url);
  }
});

test('without tokens only loopback names are answered, so that a rebound name reaches nothing', async () => {
  for (const [host, status] of [
    ['localhost:8080', 200],
    ['127.0.0.1:8080', 200],
    ['[::1]:8080', 200],
    ['evil.example', 403],
    ['127.0.0.1.evil.example:8080', 403],
    ['10.0.0.1:8080', 403],
  ] as const) {
    assert.equal((await open.inject('GET', '/v1/runs', { headers: { host } })).statusCode, status, host);
  }
});

test('without tokens a page of another origin starts and cancels nothing', async () => {
  for (const [origin, status] of [
    ['http://localhost:8080', 202],
    ['http://evil.example', 403],
    ['http://localhost:9999', 403],
    ['null', 403],
  ] as const) {
    const answer = await open.inject('POST', '/v1/runs', {
      payload: { pipeline: 'copy', run_id: `from-${status}` },
      headers: { host: 'localhost:8080', origin },
    });
    assert.equal(answer.statusCode, status, origin);
  }
});

test('too many requests of one address are refused as a problem', async () => {
  let last = await guarded.inject('GET', '/v1/runs');
  for (let n = 0; n < 1300 && last.statusCode !== 429; n++) last = await guarded.inject('GET', '/v1/runs');
  assert.equal(last.statusCode, 429);
  assert.match(String(last.headers['content-type']), /^application\/problem\+json/);
  assert.ok(Number(last.headers['retry-after']) > 0);
  assert.equal((await guarded.inject('GET', '/healthz')).statusCode, 200);
});
