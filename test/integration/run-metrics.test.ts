/** What each process says of itself: /metrics for a machine, log lines for people, both with the names that lead from one to another. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { RunJson } from '../../cli/api-client.ts';
import { until } from '../support/until.ts';
import type { ProcessName } from '../../dev/secrets.ts';
import { startRunStack, type RunStack } from '../support/run-stack.ts';

let stack: RunStack;
let run: RunJson;
before(async () => {
  stack = await startRunStack();
  const headers = { contentType: 'text/plain', metadata: {} };
  await stack.putSource(['a', 'b', 'refused'].map((key) => ({ key, sizeBytes: 10, headers })));
  stack.proxyA.decide = ({ method, url }) =>
    method === 'GET' && url.includes('/refused')
      ? { kind: 'answer', status: 403, code: 'AccessDenied' }
      : { kind: 'pass' };
  run = await stack.run('one');
});
after(() => stack.dispose());

async function readMetrics(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain/);
  return response.text();
}

/** Names of samples, each once. */
const listNames = (text: string): Set<string> =>
  new Set(text.split('\n').flatMap((line) => /^([a-z_][a-z0-9_]*)[{ ]/i.exec(line)?.[1] ?? []));

async function readLog(name: ProcessName): Promise<Record<string, unknown>[]> {
  const text = await readFile(path.join(stack.stateDir, 'logs', `${name}.log`), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(`waybill ${name.replace(/-[ab]$/, '')}:`))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("the worker's page has our counters, the process's and Temporal's", async () => {
  // The run is done for its caller a moment before Temporal's core has counted that its workflow completed.
  await until(async () => listNames(await readMetrics(stack.ports.workerMetrics)).has('temporal_workflow_completed'));
  const text = await readMetrics(stack.ports.workerMetrics);
  const names = listNames(text);
  for (const name of [
    'waybill_activity_seconds_count',
    'waybill_copy_limit',
    'process_cpu_seconds_total',
    'temporal_activity_execution_latency_count',
    'temporal_workflow_completed',
    'temporal_worker_task_slots_available',
  ]) {
    assert.ok(names.has(name), `${name} is not among the page's names`);
  }
  assert.match(text, /waybill_activity_seconds_count\{activity="copyBatch",outcome="completed"\} 1/);
});

test('the pages of the API and the gateway have their counters', async () => {
  const api = listNames(await readMetrics(stack.ports.api));
  for (const name of ['waybill_api_request_seconds_count', 'waybill_api_runs_requested_total'])
    assert.ok(api.has(name), name);
  const gateway = await readMetrics(stack.ports.gatewayAdmin);
  for (const name of ['waybill_s3_requests_total', 'waybill_s3_object_bytes_total']) {
    assert.ok(listNames(gateway).has(name), name);
  }
});

test("the worker's log is JSON, and a batch's line names the run, the attempt and the batch", async () => {
  const lines = await readLog('worker');
  const done = lines.filter(({ msg }) => msg === 'a batch is done');
  assert.equal(done.length, 1);
  const [{ workflow, activity, attempt, batch, copied, refused }] = done as [Record<string, unknown>];
  assert.deepEqual(
    { workflow, activity, batch, copied, refused },
    { workflow: 'run:a-to-b:one', activity: 'copyBatch', batch: 0, copied: 2, refused: 1 },
  );
  assert.match(String(attempt), /^[0-9a-f-]{36}$/);
  assert.equal(run.state, 'partial');
});

test("a request that the store refused is found in the gateway's log and in the run's outcome by one id", async () => {
  const page = await stack.api.send<{ items: { key: string; detail: string }[] }>(
    'GET',
    `/v1/runs/${run.id}/objects?outcome=access_denied`,
  );
  const [outcome] = page.items;
  assert.equal(outcome?.key, 'refused');
  const requestId = /requestId=([^,\]]+)/.exec(outcome.detail)?.[1];
  assert.ok(requestId !== undefined, `no request id in: ${outcome.detail}`);
  const lines = await readLog('gateway');
  assert.ok(
    lines.some((line) => line['requestId'] === requestId),
    `the gateway logged no ${requestId}`,
  );
});
