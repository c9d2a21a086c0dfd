/** What is wrong from the start has a clear error: for the API's callers, for the run, and for whoever starts a process. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { isWaybillError, type FailureType } from '../../core/failures.ts';
import { toEnvironments } from '../../dev/secrets.ts';
import type { RunJson } from '../../cli/api-client.ts';
import { planFaults, toListing, toObject } from '../support/plan-faults.ts';
import { runCommand } from '../support/run-command.ts';
import { buildPipeline, listSmallObjects } from '../support/run-objects.ts';
import { startRunStack, type RunStack } from '../support/run-stack.ts';
import { createGate } from '../support/start-fault-proxy.ts';

const OBJECTS = listSmallObjects('some/', 4);

let stack: RunStack;
before(async () => {
  const some = buildPipeline('some/', 'some/');
  const pipelines = {
    some,
    'no-source': { ...some, source: { store: 'a', bucket: 'no-such-source' } },
    'no-target': { ...some, target: { store: 'b', bucket: 'no-such-target' } },
    denied: buildPipeline('some/', 'denied/'),
    elsewhere: buildPipeline('some/', 'elsewhere/'),
  };
  stack = await startRunStack({ config: { pipelines } });
  await stack.putSource(OBJECTS);
});
after(() => stack.dispose());

const cli = (...args: string[]) =>
  runCommand(args, { WAYBILL_URL: stack.apiUrl, WAYBILL_TOKEN: stack.secrets.apiToken });

async function assertRefused(started: Promise<unknown>, type: FailureType, says: RegExp): Promise<void> {
  await assert.rejects(started, (error) => {
    assert.ok(isWaybillError(error), String(error));
    assert.equal(error.type, type, error.message);
    assert.match(error.message, says);
    return true;
  });
}

test('an unknown pipeline and a malformed run_id are refused by name, and leave no run', async () => {
  const list = () => stack.api.send<{ items: unknown[] }>('GET', '/v1/runs');
  await assertRefused(stack.begin('r', { pipeline: 'nowhere' }), 'unknown_pipeline', /nowhere/);
  for (const runId of ['', 'a b', 'a/b', 'ü', 'x'.repeat(129), '../x']) {
    await assertRefused(stack.begin(runId, { pipeline: 'some' }), 'invalid_run_id', /1-128 of A-Z a-z 0-9/);
  }
  assert.deepEqual((await list()).items, []);
});

test('a bucket that does not exist fails the run with its name', async () => {
  for (const [pipeline, bucket] of [
    ['no-source', 'no-such-source'],
    ['no-target', 'no-such-target'],
  ] as const) {
    const run = await stack.run('r', { pipeline });
    assert.equal(run.state, 'failed');
    assert.equal(run.failure?.type, 'no_such_bucket', JSON.stringify(run.failure));
    assert.match(run.failure.message, new RegExp(bucket));
  }
});

test('credentials that the store does not accept fail the run, and the message holds none of them', async () => {
  const config = await readFile(stack.configFile, 'utf8');
  const wrong = 'wrong/SECRET+of=the gateway';
  const file = path.join(stack.stateDir, 'wrong-secret');
  await writeFile(file, wrong);
  await writeFile(stack.configFile, config.replace('env:STORE_A_SECRET_ACCESS_KEY', `file:${file}`));
  await stack.child('gateway').stop();
  await stack.start('gateway');
  const run = await stack.run('bad-credentials', { pipeline: 'some' });
  await writeFile(stack.configFile, config);
  await stack.child('gateway').stop();
  await stack.start('gateway');
  assert.equal(run.state, 'failed');
  assert.equal(run.failure?.type, 'bad_credentials', JSON.stringify(run.failure));
  assert.match(run.failure.message, /credentials/);
  const told = JSON.stringify(run);
  for (const secret of [wrong, stack.secrets.storeA.secretAccessKey, stack.secrets.workerA.secretAccessKey]) {
    assert.ok(!told.includes(secret));
  }
});

test('waybill run exits 0 for done, 1 for failed, 3 for partial, and prints the run as JSON', async () => {
  const run = async (code: number, state: string, ...args: string[]): Promise<RunJson> => {
    const ended = await cli('run', ...args, '--wait', '--json');
    assert.equal(ended.code, code, ended.stderr);
    const printed = JSON.parse(ended.stdout) as RunJson;
    assert.equal(printed.state, state, ended.stdout);
    return printed;
  };
  const done = await run(0, 'done', 'some', '--run-id', 'cli');
  assert.equal(done.totals['copied'], OBJECTS.length);
  const verified = await run(0, 'done', 'some', '--run-id', 'cli');
  assert.equal(verified.verification?.state, 'ok');
  const planned = await run(0, 'done', 'elsewhere', '--run-id', 'cli', '--plan');
  assert.equal(planned.mode, 'plan');
  const failed = await run(1, 'failed', 'no-source', '--run-id', 'cli');
  assert.equal(failed.failure?.type, 'no_such_bucket');
  const faults = planFaults(stack.proxyA, [
    {
      match: toObject('GET', `/source/${OBJECTS[1]?.key ?? ''}`),
      fault: () => ({ kind: 'answer', status: 403, code: 'AccessDenied' }),
      // To the gateway, and then to the worker.
      times: 2,
    },
  ]);
  const partial = await run(3, 'partial', 'denied', '--run-id', 'cli');
  faults.clear();
  assert.deepEqual(partial.totals.outcomes, { access_denied: 1 });
});

test('waybill run exits 2 for what the caller got wrong and 4 when it is refused or nobody answers', async () => {
  const expectCode = (ended: { code: number | null; stderr: string }, code: number, says: RegExp): void => {
    assert.equal(ended.code, code, ended.stderr);
    assert.match(ended.stderr, says);
    assert.doesNotMatch(ended.stderr, /\n\s+at /, 'no stack');
  };
  expectCode(await cli('run', 'nowhere'), 2, /nowhere/);
  expectCode(await cli('run', 'some', '--run-id', 'a b'), 2, /1-128 of/);
  expectCode(await cli('run', 'some', '--no-such-option'), 2, /no-such-option/);
  expectCode(await cli('run'), 2, /pipeline/);
  const strange = await runCommand(['run', 'some'], { WAYBILL_URL: stack.apiUrl, WAYBILL_TOKEN: 'wb_not-a-token' });
  expectCode(strange, 4, /token|credentials/);
  const nobody = await runCommand(['run', 'some'], { WAYBILL_URL: 'http://127.0.0.1:9', WAYBILL_TOKEN: 't' });
  expectCode(nobody, 4, /127\.0\.0\.1:9/);

  const gate = createGate();
  const faults = planFaults(stack.proxyA, [
    { match: toListing('some/'), fault: () => ({ kind: 'hold-before', until: gate.opened }) },
  ]);
  const holder = await stack.begin('holder', { pipeline: 'some' });
  const busy = await cli('run', 'some', '--run-id', 'other');
  gate.open();
  faults.clear();
  expectCode(busy, 4, /holder/);
  assert.equal((await stack.waitFor(holder.id)).state, 'done');
});

test('a process whose port is taken says which, and ends', async () => {
  const environments = toEnvironments(stack.secrets, stack.databaseUrl);
  const config = await readFile(stack.configFile, 'utf8');
  const alone = path.join(stack.stateDir, 'ports-taken.yaml');
  await writeFile(
    alone,
    config.replace(`admin_listen: 127.0.0.1:${stack.ports.gatewayAdmin}`, 'admin_listen: 127.0.0.1:0'),
  );
  const root = path.join(stack.stateDir, 'another-store');
  const store = ['store', '--root', root, '--listen', `127.0.0.1:${stack.ports.storeA}`];
  for (const [args, env, port] of [
    [store, environments['store-a'], stack.ports.storeA],
    [['gateway', '--config', alone], environments.gateway, stack.ports.gateway],
    [['api', '--config', alone], environments.api, stack.ports.api],
    [['worker', '--config', alone], environments.worker, stack.ports.workerMetrics],
  ] as const) {
    const { code, stderr } = await runCommand([...args, '--log-level', 'silent'], env);
    assert.equal(code, 4, `${args[0]}: ${stderr}`);
    assert.match(stderr, /in use|taken/, args[0]);
    assert.match(stderr, new RegExp(String(port)), args[0]);
  }
});
