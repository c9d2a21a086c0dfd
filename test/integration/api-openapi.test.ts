import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Check, Errors } from 'typebox/schema';
import { createApiFixture, endRun, type ApiFixture } from '../support/api-fixture.ts';
import { buildRequest } from '../support/ledger-fixtures.ts';

type Json = Record<string, unknown>;
interface RequestContent {
  readonly schema: Json;
  readonly example?: unknown;
  readonly examples?: Record<string, { readonly value: unknown }>;
}
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security?: readonly unknown[];
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly schema: Json }[];
  readonly requestBody?: { readonly content: Record<string, RequestContent> };
  readonly responses: Record<
    string,
    { readonly description: string; readonly content?: Record<string, { readonly schema: Json }> }
  >;
}
interface Document extends Json {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, Json> };
}

let api: ApiFixture;
let document: Document;
before(async () => {
  api = await createApiFixture();
  document = (await api.inject('GET', '/openapi.json')).json();
});
after(() => api.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      path,
      operation,
    })),
  );

test('the document is OpenAPI 3.1 and names every operation of the design', () => {
  assert.match(document.openapi, /^3\.1\./);
  assert.deepEqual(
    operations()
      .map(({ name }) => name)
      .sort(),
    [
      'GET /healthz',
      'GET /metrics',
      'GET /readyz',
      'GET /v1/manifests/{hash}',
      'GET /v1/pipelines',
      'GET /v1/runs',
      'GET /v1/runs/{id}',
      'GET /v1/runs/{id}/attempts',
      'GET /v1/runs/{id}/objects',
      'POST /v1/runs',
      'POST /v1/runs/{id}/cancel',
      'POST /v1/runs/{id}/concurrency',
      'POST /v1/runs/{id}/pause',
      'POST /v1/runs/{id}/resume',
    ],
  );
});

test('every operation has a name of its own, a summary, a tag, and documents its answers', () => {
  const names = new Set<string>();
  for (const { name, path, operation } of operations()) {
    assert.ok(operation.operationId && !names.has(operation.operationId), name);
    names.add(operation.operationId);
    assert.ok(operation.summary.length > 5 && operation.tags.length === 1, name);
    for (const [status, { description }] of Object.entries(operation.responses)) {
      assert.ok(description.length > 0 && description !== 'Default Response', `${name} ${status}`);
    }
    for (const [, parameter] of path.matchAll(/\{(\w+)\}/g)) {
      assert.ok(
        operation.parameters?.some((one) => one.in === 'path' && one.name === parameter),
        name,
      );
    }
    if (!path.startsWith('/v1/')) continue;
    for (const status of ['400', '401', '403', '429', '503']) {
      assert.ok(operation.responses[status]?.content?.['application/problem+json'], `${name} ${status}`);
    }
  }
});

test('every reference in the document leads somewhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? '');
  assert.ok(references.length > 10);
  for (const reference of references) {
    const name = /^#\/components\/schemas\/(\w+)$/.exec(reference)?.[1];
    assert.ok(name !== undefined && Object.hasOwn(document.components.schemas, name), reference);
  }
});

/** Checks a value by a schema of the document. */
function conform(schema: Json, value: unknown, name: string): void {
  const whole = inline(schema) as Json;
  if (Check(whole, value)) return;
  assert.fail(`${name}: ${JSON.stringify(Errors(whole, value))} in ${JSON.stringify(value)}`);
}
/** The schema with what its references lead to in their place. */
function inline(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(inline);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { $ref } = schema as { $ref?: unknown };
  if (typeof $ref === 'string') return inline(document.components.schemas[$ref.split('/').at(-1) ?? '']);
  return Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, inline(part)]));
}

test('real answers, good and bad, are what the document says', async () => {
  const { run: done } = await api.ledger.accept(buildRequest('samples', 'done'));
  await endRun(api, done.id, 'done');
  const { run: partial } = await api.ledger.accept(buildRequest('samples', 'partial'));
  await endRun(api, partial.id, 'partial');
  const { run: live } = await api.ledger.accept(buildRequest('samples', 'live'));
  const fence = (await api.ledger.beginAttempt(live.id, 'w', 0)).fence;
  await api.ledger.saveEffects(fence, { outcomes: [{ key: 'k', code: 'source_changed', detail: 'd' }] });
  const unknown = '00000000-0000-4000-8000-000000000000';
  const samples: readonly (readonly ['GET' | 'POST', url: string, path: string, status: number, payload?: object])[] = [
    ['POST', '/v1/runs', '/v1/runs', 202, { pipeline: 'copy', run_id: 'r1' }],
    ['POST', '/v1/runs', '/v1/runs', 200, { pipeline: 'copy', run_id: 'r1' }],
    ['POST', '/v1/runs', '/v1/runs', 404, { pipeline: 'nope' }],
    ['POST', '/v1/runs', '/v1/runs', 409, { pipeline: 'twin', run_id: 'r2' }],
    ['POST', '/v1/runs', '/v1/runs', 400, {}],
    ['GET', '/v1/runs?limit=2', '/v1/runs', 200],
    ['GET', `/v1/runs/${done.id}`, '/v1/runs/{id}', 200],
    ['GET', `/v1/runs/${partial.id}`, '/v1/runs/{id}', 200],
    ['GET', `/v1/runs/${live.id}`, '/v1/runs/{id}', 200],
    ['GET', `/v1/runs/${unknown}`, '/v1/runs/{id}', 404],
    ['GET', `/v1/runs/${live.id}/objects`, '/v1/runs/{id}/objects', 200],
    ['GET', `/v1/runs/${partial.id}/attempts`, '/v1/runs/{id}/attempts', 200],
    ['POST', `/v1/runs/${done.id}/pause`, '/v1/runs/{id}/pause', 409],
    ['POST', `/v1/runs/${live.id}/pause`, '/v1/runs/{id}/pause', 202],
    ['GET', '/v1/manifests/none', '/v1/manifests/{hash}', 404],
    ['GET', '/v1/pipelines', '/v1/pipelines', 200],
    ['GET', '/healthz', '/healthz', 200],
    ['GET', '/readyz', '/readyz', 200],
  ];
  for (const [method, url, path, status, payload] of samples) {
    const name = `${method} ${url} ${status}`;
    const answer = await api.inject(method, url, payload === undefined ? {} : { payload });
    assert.equal(answer.statusCode, status, `${name}: ${answer.body}`);
    const type = String(answer.headers['content-type']).split(';')[0] ?? '';
    const documented = document.paths[path]?.[method.toLowerCase()]?.responses[String(status)]?.content?.[type];
    assert.ok(documented, `${name} is not documented as ${type}`);
    conform(documented.schema, answer.json(), name);
  }
});

test('a sample that is wrong does not pass this check', () => {
  const schema = document.components.schemas['Run'] ?? assert.fail();
  assert.throws(() => conform(schema, { id: 7 }, 'wrong'));
});

test('the examples of a request body are what its schema takes', () => {
  const checked: string[] = [];
  for (const { name, operation } of operations()) {
    const content = operation.requestBody?.content['application/json'];
    const { schema = {}, example, examples = {} } = content ?? {};
    const values = [...Object.values(examples).map(({ value }) => value), ...(example === undefined ? [] : [example])];
    for (const value of values) {
      conform(schema, value, name);
      checked.push(name);
    }
  }
  assert.deepEqual(checked.sort(), ['POST /v1/runs', 'POST /v1/runs', 'POST /v1/runs/{id}/concurrency']);
});

test('the documentation page loads nothing from elsewhere and runs no script of its own text', async () => {
  const page = await api.inject('GET', '/docs/');
  assert.equal(page.statusCode, 200);
  assert.doesNotMatch(page.body, /<script[^>]*>[^<\s]/);
  assert.doesNotMatch(page.body, /(src|href)="https?:/);
  assert.match(String(page.headers['content-security-policy']), /script-src 'self'/);
});

test('metrics count requests by route and status, and runs by what came of them', async () => {
  const { body } = await api.inject('GET', '/metrics');
  assert.match(body, /waybill_api_request_seconds_count\{method="POST",route="\/v1\/runs",status="202"\} 1/);
  assert.match(body, /waybill_api_runs_requested_total\{pipeline="copy",outcome="accepted"\} 1/);
});
