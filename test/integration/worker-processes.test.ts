/** A worker of several processes: one line when all carry out runs, one page of metrics, one end. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { toEnvironments } from '../../dev/secrets.ts';
import { runCommand } from '../support/run-command.ts';
import { listSmallObjects } from '../support/run-objects.ts';
import { startRunStack, type RunStack } from '../support/run-stack.ts';
import { until } from '../support/until.ts';

const COUNT = 3;
const OBJECTS = listSmallObjects('', 20);

let stack: RunStack;
before(async () => {
  stack = await startRunStack({ config: { workerProcesses: COUNT } });
  await stack.putSource(OBJECTS);
});
after(() => stack.dispose());

/** Linux tells a process's children; elsewhere these tests have nothing to look at. */
const listChildren = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);

const isAlive = (pid: number): boolean => {
  try {
    // One that has ended and was not asked for yet is a zombie.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

test('all processes are there when it says so, and a run goes through', async () => {
  const worker = stack.child('worker');
  assert.match(worker.readyLine, new RegExp(`in ${COUNT} processes$`));
  assert.equal(listChildren(worker.pid).length, COUNT);
  const run = await stack.run('one');
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  assert.equal(run.totals['copied'], OBJECTS.length);
});

test('the metrics of all are one page', async () => {
  const response = await fetch(`http://127.0.0.1:${stack.ports.workerMetrics}/metrics`);
  const lines = (await response.text()).split('\n');
  for (let number = 1; number <= COUNT; number++) {
    assert.ok(
      lines.some((line) => line.startsWith(`waybill_copy_limit{process="${number}"} `)),
      String(number),
    );
  }
  const types = lines.filter((line) => line.startsWith('# TYPE '));
  assert.equal(new Set(types).size, types.length);
  assert.ok(lines.some((line) => line.startsWith('temporal_') && line.includes('process="2"')));
});

test('told to stop, all of them end, and it ends with 0', async () => {
  const worker = stack.child('worker');
  const children = listChildren(worker.pid);
  worker.kill('SIGTERM');
  assert.equal(await worker.exited, 0);
  assert.deepEqual(children.filter(isAlive), []);
});

test('when one is killed all end, and it ends with a failure', async () => {
  const worker = await stack.start('worker');
  const [first = 0, ...others] = listChildren(worker.pid);
  process.kill(first, 'SIGKILL');
  assert.equal(await worker.exited, 1);
  assert.deepEqual(others.filter(isAlive), []);
});

test('when the one that started them is killed the others stop by themselves', async () => {
  const worker = await stack.start('worker');
  const children = listChildren(worker.pid);
  worker.kill('SIGKILL');
  await worker.exited;
  await until(() => !children.some(isAlive));
});

test('what hinders all of them is said once', async () => {
  const { worker } = toEnvironments(stack.secrets, 'postgres://nobody:nothing@127.0.0.1:1/none');
  const ended = await runCommand(['worker', '--config', stack.configFile, '--log-level', 'silent'], worker);
  assert.equal(ended.code, 4, ended.stderr);
  assert.equal(ended.stderr.split('waybill: ').length, 2, ended.stderr);
});
