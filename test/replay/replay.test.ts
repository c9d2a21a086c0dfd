/**
 * Runs that are under way when a worker is replaced go on: every recorded history replays with the workflows of today. A change that
 * breaks one needs a patch marker in the workflow, not a new recording; `record.ts` says how histories are made.
 */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { DeterminismViolationError } from '@temporalio/workflow';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker, type ReplayWorkerOptions } from '@temporalio/worker';
import { WORKFLOW_TYPES } from '../../core/wire-names.ts';

type History = ReturnType<typeof historyFromJSON>;
interface Recorded {
  readonly name: string;
  readonly text: string;
}

const HISTORIES = path.join(import.meta.dirname, 'histories');
/** What each version has to have recorded. */
const NAMES = [
  'cancelled',
  'continued-1',
  'continued-2',
  'done',
  'failed',
  'large-object',
  'partial',
  'paused-and-resumed',
  'plan',
  'scheduled-run',
  'verify',
];
const WORKFLOWS = path.join(import.meta.dirname, '../../workflows/index.ts');

/** A violation is what the negative controls are for; it is told by the result, not by the log. */
Runtime.install({
  logger: new DefaultLogger('ERROR', () => undefined),
  telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' }, forward: {} } },
});

const bundle = (workflowsPath: string): ReturnType<typeof bundleWorkflowCode> =>
  bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
const parse = (text: string): History => historyFromJSON(JSON.parse(text));

let options: ReplayWorkerOptions;
let recorded: Recorded[];
let versions: string[];
before(async () => {
  options = { workflowBundle: await bundle(WORKFLOWS) };
  versions = (await readdir(HISTORIES)).sort();
  const files = versions.flatMap((version) => NAMES.map((name) => `${version}/${name}`));
  recorded = await Promise.all(
    files.map(async (name) => ({ name, text: await readFile(path.join(HISTORIES, `${name}.json`), 'utf8') })),
  );
});
after(() => Runtime.instance().shutdown());

/** The histories that do not replay, each with what is wrong. */
async function replay(with_: ReplayWorkerOptions, histories: readonly Recorded[]): Promise<Map<string, Error>> {
  const failures = new Map<string, Error>();
  const inputs = histories.map(({ name, text }) => ({ workflowId: name, history: parse(text) }));
  for await (const result of Worker.runReplayHistories(with_, inputs)) {
    if (result.error !== undefined) failures.set(result.workflowId, result.error);
  }
  return failures;
}

const find = (name: string): Recorded => {
  const found = recorded.find((one) => one.name.endsWith(`/${name}`));
  assert.ok(found !== undefined, `there is no history ${name}`);
  return found;
};

test('every recorded history replays with the workflows of today', async () => {
  assert.ok(versions.length > 0, 'at least one version is recorded');
  assert.deepEqual(await replay(options, recorded), new Map());
});

test('every workflow type has a recorded history', () => {
  const types = new Set(
    recorded.map(({ text }) => parse(text).events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name),
  );
  assert.deepEqual([...types].sort(), Object.values(WORKFLOW_TYPES).sort());
});

test('the histories are what their names say', () => {
  const count = (name: string, field: string): number =>
    (parse(find(name).text).events ?? []).filter((event) => Object.hasOwn(event, field)).length;
  assert.equal(count('cancelled', 'workflowExecutionCanceledEventAttributes'), 1);
  assert.equal(count('failed', 'workflowExecutionFailedEventAttributes'), 1);
  assert.equal(count('continued-1', 'workflowExecutionContinuedAsNewEventAttributes'), 1);
  assert.equal(count('continued-2', 'workflowExecutionCompletedEventAttributes'), 1);
  assert.equal(count('paused-and-resumed', 'workflowExecutionSignaledEventAttributes'), 3);
  for (const name of ['done', 'partial', 'plan', 'large-object', 'scheduled-run', 'verify']) {
    assert.equal(count(name, 'workflowExecutionCompletedEventAttributes'), 1, name);
  }
  assert.ok(find('large-object').text.includes('"completeLarge"'), 'a large object is completed by a step of its own');
});

test('a history that names another activity does not replay', async () => {
  const { name, text } = find('done');
  const tampered = { name, text: text.replaceAll('"buildManifest"', '"finalize"') };
  assert.notEqual(tampered.text, text);
  const failures = await replay(options, [tampered]);
  assert.ok(failures.get(name) instanceof DeterminismViolationError, String(failures.get(name)));
});

test('workflows with a step more do not replay what was recorded', async () => {
  const changed = { workflowBundle: await bundle(path.join(import.meta.dirname, 'changed-workflows.ts')) };
  const failures = await replay(changed, [find('done'), find('verify'), find('scheduled-run')]);
  assert.deepEqual([...failures.keys()].sort(), [find('done').name, find('scheduled-run').name, find('verify').name]);
});

test('no history holds a path of the machine that it was recorded on', () => {
  const PATHS = /(file:\/\/|\/node_modules\/|\/dist\/|\/home\/|\/root\/|\/tmp\/)[^"\s]*/g;
  for (const { name, text } of recorded) {
    const decoded = text.replaceAll(/"data": "([^"]*)"/g, (_, data: string) => Buffer.from(data, 'base64').toString());
    assert.deepEqual(decoded.match(PATHS) ?? [], [], name);
  }
});
