import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { InjectOptions } from 'fastify';
import { createApiFixture, type ApiFixture } from '../support/api-fixture.ts';
import { buildRequest } from '../support/ledger-fixtures.ts';

interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly hint?: string;
  readonly request_id: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
}

let api: ApiFixture;
let id: string;
before(async () => {
  api = await createApiFixture();
  id = (await api.ledger.accept(buildRequest('held', 'r1'))).run.id;
});
after(() => api.close());

const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const json = { 'content-type': 'application/json' };
type Row = readonly [
  claim: string,
  method: 'GET' | 'POST',
  url: string,
  more: Omit<InjectOptions, 'method' | 'url'>,
  status: number,
  type: string,
  detail: RegExp,
];

const run = (payload: unknown, headers: Record<string, string> = {}) => ({
  payload: JSON.stringify(payload),
  headers: { ...json, ...headers },
});

const ROWS: readonly Row[] = [
  ['an unknown pipeline', 'POST', '/v1/runs', run({ pipeline: 'nope' }), 404, 'unknown_pipeline', /pipeline=nope/],
  [
    'a pipeline named like a property',
    'POST',
    '/v1/runs',
    run({ pipeline: '__proto__' }),
    404,
    'unknown_pipeline',
    /./,
  ],
  ['a missing pipeline', 'POST', '/v1/runs', run({}), 400, 'invalid_request', /body\.pipeline is missing/],
  ['no body', 'POST', '/v1/runs', {}, 400, 'invalid_request', /body/],
  ['a list as the body', 'POST', '/v1/runs', run([]), 400, 'invalid_request', /body must be object/],
  [
    'an unknown field',
    'POST',
    '/v1/runs',
    run({ pipeline: 'copy', runid: 'x' }),
    400,
    'invalid_request',
    /body\.runid is not known/,
  ],
  [
    'a flag as a string',
    'POST',
    '/v1/runs',
    run({ pipeline: 'copy', again: 'true' }),
    400,
    'invalid_request',
    /body\.again must be/,
  ],
  [
    'a run_id with a slash',
    'POST',
    '/v1/runs',
    run({ pipeline: 'copy', run_id: 'a/b' }),
    400,
    'invalid_run_id',
    /A-Z a-z 0-9/,
  ],
  ['an empty run_id', 'POST', '/v1/runs', run({ pipeline: 'copy', run_id: '' }), 400, 'invalid_run_id', /1-128/],
  [
    'a run_id too long',
    'POST',
    '/v1/runs',
    run({ pipeline: 'copy', run_id: 'a'.repeat(129) }),
    400,
    'invalid_run_id',
    /1-128/,
  ],
  ['broken JSON', 'POST', '/v1/runs', { payload: '{"pipeline":', headers: json }, 400, 'invalid_request', /JSON/],
  [
    'a poisoned prototype',
    'POST',
    '/v1/runs',
    { payload: '{"pipeline":"copy","__proto__":{"x":1}}', headers: json },
    400,
    'invalid_request',
    /not valid JSON/,
  ],
  [
    'another content type',
    'POST',
    '/v1/runs',
    { payload: 'a=b', headers: { 'content-type': 'text/plain' } },
    415,
    '',
    /media type/i,
  ],
  ['a body of 65 KiB', 'POST', '/v1/runs', run({ pipeline: 'x'.repeat(65 * 1024) }), 413, '', /too large/],
  [
    'an Idempotency-Key too long',
    'POST',
    '/v1/runs',
    run({ pipeline: 'copy' }, { 'idempotency-key': 'k'.repeat(256) }),
    400,
    'invalid_request',
    /Idempotency-Key must be 1 to 255 printable/,
  ],
  [
    'an Idempotency-Key with letters beyond ASCII',
    'POST',
    '/v1/runs',
    run({ pipeline: 'copy' }, { 'idempotency-key': 'schlüssel' }),
    400,
    'invalid_request',
    /printable/,
  ],
  ['an unknown run', 'GET', `/v1/runs/${UNKNOWN}`, {}, 404, 'unknown_run', /./],
  ['a run by something else than its UUID', 'GET', '/v1/runs/r1', {}, 404, 'unknown_run', /UUID/],
  ['the objects of an unknown run', 'GET', `/v1/runs/${UNKNOWN}/objects`, {}, 404, 'unknown_run', /./],
  ['the attempts of an unknown run', 'GET', `/v1/runs/${UNKNOWN}/attempts`, {}, 404, 'unknown_run', /./],
  ['pausing an unknown run', 'POST', `/v1/runs/${UNKNOWN}/pause`, {}, 404, 'unknown_run', /./],
  ['a limit of 0', 'GET', '/v1/runs?limit=0', {}, 400, 'invalid_request', /query\.limit/],
  ['a limit of 201', 'GET', '/v1/runs?limit=201', {}, 400, 'invalid_request', /query\.limit/],
  [
    'a limit that is no number',
    'GET',
    '/v1/runs?limit=ten',
    {},
    400,
    'invalid_request',
    /query\.limit must be integer/,
  ],
  ['a limit given twice', 'GET', '/v1/runs?limit=1&limit=2', {}, 400, 'invalid_request', /query\.limit/],
  ['an unknown state', 'GET', '/v1/runs?state=asleep', {}, 400, 'invalid_request', /query\.state/],
  ['an unknown parameter', 'GET', '/v1/runs?page=2', {}, 400, 'invalid_request', /query\.page is not known/],
  ['a cursor that is none', 'GET', '/v1/runs?cursor=abc', {}, 400, 'invalid_request', /cursor/],
  ['a cursor of another list', 'GET', '/v1/runs?cursor=WyJhIiwiYiJd', {}, 400, 'invalid_request', /cursor/],
  ['NUL in a parameter', 'GET', '/v1/runs?pipeline=%00', {}, 400, 'invalid_request', /./],
  ['an unknown manifest', 'GET', `/v1/manifests/${'a'.repeat(64)}`, {}, 404, 'unknown_manifest', /./],
  ['a manifest by something else than a hash', 'GET', '/v1/manifests/latest', {}, 404, 'unknown_manifest', /sha256/],
  ['a path that is not there', 'GET', '/v2/runs', {}, 404, '', /there is no GET \/v2\/runs; see \/docs/],
];

for (const [claim, method, url, more, status, type, detail] of ROWS) {
  test(`${claim} is a clear ${status}`, async () => {
    const answer = await api.inject(method, url, more);
    const problem = answer.json<Problem>();
    assert.equal(answer.statusCode, status, answer.body);
    assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
    assert.equal(problem.type, type === '' ? 'about:blank' : `/problems/${type}`);
    assert.equal(problem.status, status);
    assert.match(problem.detail, detail);
    assert.ok(problem.title.length > 0);
    assert.equal(problem.request_id, answer.headers['x-request-id']);
    if (type !== '') assert.ok((problem.hint ?? '').length > 0);
  });
}

for (const [claim, concurrency] of [
  ['zero', 0],
  ['too much', 65],
  ['a fraction', 1.5],
  ['a string', '8'],
] as const) {
  test(`a concurrency of ${claim} is refused by its field`, async () => {
    const answer = await api.inject('POST', `/v1/runs/${id}/concurrency`, run({ concurrency }));
    assert.equal(answer.statusCode, 400);
    assert.equal(answer.json<Problem>().errors?.[0]?.field, 'body.concurrency');
  });
}

test('every field that is wrong is listed', async () => {
  const answer = await api.inject('POST', '/v1/runs', run({ run_id: 7, plan: 'no', colour: 'red' }));
  const fields = answer
    .json<Problem>()
    .errors?.map(({ field }) => field)
    .sort();
  assert.deepEqual(fields, ['body.colour', 'body.pipeline', 'body.plan', 'body.run_id']);
});
