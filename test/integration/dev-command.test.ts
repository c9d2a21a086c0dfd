/** `waybill dev` as its users run it: what it prints is enough for the other commands, in a shell that knows nothing else. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { startChild, type Child } from '../../dev/child.ts';
import { runShell, type ShellEnd } from '../support/run-shell.ts';
import { stackCommand } from '../support/stack-command.ts';
import { quoteShell } from '../../cli/sign/quote-shell.ts';
import { until } from '../support/until.ts';

let directory: string;
let dev: Child;
let printed = '';

before(async () => {
  // A blank, as in many a home directory.
  directory = await mkdtemp(path.join(os.tmpdir(), 'waybill dev-'));
  dev = await startChild({
    name: 'dev',
    command: stackCommand('dev', '--state-dir', path.join(directory, 'state')),
    env: {},
    logFile: path.join(directory, 'dev.log'),
    ready: /^try: /,
  });
  await until(async () => {
    printed = await readFile(path.join(directory, 'dev.log'), 'utf8');
    return printed.includes('waybill doctor');
  });
});
after(async () => {
  await dev.stop(60_000);
  await rm(directory, { recursive: true, force: true });
});

/** The command lines that it offers to try. */
const listOffered = (): string[] => {
  const lines = printed.split('\n');
  const first = lines.findIndex((line) => line.startsWith('try: '));
  return lines
    .slice(first)
    .filter(Boolean)
    .map((line) => line.slice('try: '.length));
};

/** Where there is no .waybill, so that nothing is found by itself. */
function runLine(line: string): Promise<ShellEnd> {
  const npx = `npx() { shift; ${stackCommand().map(quoteShell).join(' ')} "$@"; }`;
  return runShell('dash', ['-c', `${npx}\n${line}`], {}, directory);
}

const environment = (): string => `. ${quoteShell(path.join(directory, 'state', 'env.sh'))}`;

test('the doctor that it offers examines store a, and the key is good', async () => {
  const offered = listOffered().find((line) => line.includes('doctor')) ?? '';
  const { code, stdout, stderr } = await runLine(offered);
  assert.equal(code, 0, `${stdout.toString()}${stderr}`);
});

test('without the environment the doctor says which variables it lacks', async () => {
  const config = quoteShell(path.join(directory, 'state', 'waybill.yaml'));
  const { code, stdout } = await runLine(`npx waybill doctor a --config ${config} --bucket source`);
  assert.notEqual(code, 0);
  assert.match(stdout.toString(), /env:STORE_A_ACCESS_KEY_ID/);
});

test('a run is started and found with the environment, from any directory', async () => {
  const run = listOffered().find((line) => line.includes('waybill run ')) ?? '';
  const { code, stderr } = await runLine(`${environment()} && ${run}`);
  assert.equal(code, 0, stderr);
  const list = await runLine(`${environment()} && npx waybill runs list`);
  assert.equal(list.code, 0, list.stderr);
  assert.match(list.stdout.toString(), /a-to-b/);
  const pipelines = await runLine(`${environment()} && npx waybill pipelines`);
  assert.match(pipelines.stdout.toString(), /^a-to-b {4}a:source\/ {2}b:target\/copy\/ {2}-$/m, pipelines.stderr);
  const json = await runLine(`${environment()} && npx waybill pipelines --json`);
  const { items } = JSON.parse(json.stdout.toString()) as { items: { name: string }[] };
  assert.deepEqual(
    items.map(({ name }) => name),
    ['a-to-b'],
  );
});

test('the other commands that read the configuration find what it refers to', async () => {
  const config = quoteShell(path.join(directory, 'state', 'waybill.yaml'));
  for (const command of [`migrate --config ${config}`, `config check ${config}`]) {
    const { code, stdout, stderr } = await runLine(`${environment()} && npx waybill ${command}`);
    assert.equal(code, 0, `${command}: ${stdout.toString()}${stderr}`);
  }
});

test('a second one over the same state is told of the first, also with --fresh, and changes nothing', async () => {
  const state = quoteShell(path.join(directory, 'state'));
  for (const more of ['', ' --fresh']) {
    const { code, stderr } = await runLine(`npx waybill dev --state-dir ${state}${more}`);
    assert.equal(code, 4, stderr);
    assert.match(stderr, new RegExp(`in use by process ${String(dev.pid)}\\n`));
    assert.match(stderr, /^hint: stop the process/m);
  }
  const { code } = await runLine(`${environment()} && npx waybill runs list`);
  assert.equal(code, 0);
});

test('what it writes with secrets in it is its owner’s alone', async () => {
  for (const name of ['env.sh', 'access.json', 'secrets.json']) {
    assert.equal((await stat(path.join(directory, 'state', name))).mode & 0o077, 0, name);
  }
});
