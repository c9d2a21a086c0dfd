/** What a run is keyed on: the same manifest for two targets, one live run a target, a restart that heals, a ledger that was lost. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { isWaybillError } from '../../core/failures.ts';
import { MiB } from '../../core/limits.ts';
import { compareObjects } from '../../dev/compare-objects.ts';
import type { DemoObject } from '../../dev/demo-input.ts';
import type { StoreCounts } from '../../dev/store-counts.ts';
import { buildPipeline, listKeys, listSmallObjects, readBytes } from '../support/run-objects.ts';
import { countBetween, PATIENT, startRunStack, type RunStack } from '../support/run-stack.ts';
import { createGate } from '../support/start-fault-proxy.ts';

const headers = { contentType: 'application/x-large', metadata: { kind: 'large' } };
const INPUT: Record<string, DemoObject[]> = {
  twin: listSmallObjects('twin/', 30),
  busy: listSmallObjects('busy/', 10),
  heal: listSmallObjects('heal/', 40),
  adopt: [
    ...listSmallObjects('adopt/', 30),
    { key: 'adopt/empty', sizeBytes: 0, headers },
    { key: 'adopt/one-put.bin', sizeBytes: 9 * MiB + 1, headers },
    { key: 'adopt/in-parts-of-5.bin', sizeBytes: 12 * MiB + 77, headers, partSizeBytes: 5 * MiB },
    { key: 'adopt/in-parts-of-6.bin', sizeBytes: 20 * MiB + 5, headers, partSizeBytes: 6 * MiB },
    { key: 'adopt/in-one-part.bin', sizeBytes: 700_000, headers, partSizeBytes: 5 * MiB },
    { key: 'adopt/small-in-parts.bin', sizeBytes: 6 * MiB, headers, partSizeBytes: 5 * MiB },
  ],
  crowd: listSmallObjects('crowd/', 5),
  plan: [...listSmallObjects('plan/', 12), { key: 'plan/large.bin', sizeBytes: 9 * MiB, headers }],
};

const sumOf = (counts: StoreCounts, names: readonly string[]): number =>
  names.reduce((sum, name) => sum + (counts.requests[name] ?? 0), 0);
const MOVING = ['GetObject', 'PutObject', 'CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload'];
const WRITING = [...MOVING.slice(1), 'DeleteObject', 'AbortMultipartUpload', 'PutObjectTagging'];
const inputOf = (name: string): DemoObject[] => INPUT[name] ?? [];

let stack: RunStack;
before(async () => {
  const pipelines = {
    'twin-one': buildPipeline('twin/', 'twin-one/'),
    'twin-two': buildPipeline('twin/', 'twin-two/'),
    'busy-one': buildPipeline('busy/', 'busy/'),
    'busy-two': buildPipeline('busy/', 'busy/'),
    ...Object.fromEntries(
      ['heal', 'adopt', 'crowd', 'plan'].map((name) => [name, buildPipeline(`${name}/`, `${name}/`)]),
    ),
  };
  stack = await startRunStack({ config: { ...PATIENT, pipelines } });
  await stack.putSource(Object.values(INPUT).flat());
});
after(() => stack.dispose());

test('two pipelines over one source with the same run_id and different targets both copy', async () => {
  const [one, two] = await Promise.all([
    stack.run('same', { pipeline: 'twin-one' }),
    stack.run('same', { pipeline: 'twin-two' }),
  ]);
  assert.equal(one.manifest_hash, two.manifest_hash);
  const markers = [];
  for (const [run, prefix] of [
    [one, 'twin-one/'],
    [two, 'twin-two/'],
  ] as const) {
    assert.equal(run.state, 'done', JSON.stringify(run.failure));
    assert.equal(run.totals['copied'], inputOf('twin').length);
    const toKey = (key: string): string => key.replace('twin/', prefix);
    assert.deepEqual(await compareObjects(stack.storeB, 'target', inputOf('twin'), toKey), []);
    markers.push(await readBytes(stack.storeB, 'target', `${prefix}manifests/${String(run.manifest_hash)}.json`));
  }
  assert.deepEqual(markers[0], markers[1]);
});

test('while a run holds a target another is refused, with the name of the holder, and accepted when it has ended', async () => {
  const gate = createGate();
  const held = new Promise<void>((resolve) => {
    stack.proxyA.decide = ({ url }) => {
      if (!url.includes('prefix=busy')) return { kind: 'pass' };
      resolve();
      return { kind: 'hold-before', until: gate.opened };
    };
  });
  const first = await stack.begin('first', { pipeline: 'busy-one' });
  await held;
  for (const [pipeline, runId] of [
    ['busy-two', 'first'],
    ['busy-one', 'second'],
  ] as const) {
    await assert.rejects(stack.begin(runId, { pipeline }), (error) => {
      assert.ok(isWaybillError(error));
      assert.equal(error.type, 'target_busy');
      assert.match(error.message, /busy-one/);
      assert.match(error.message, /first/);
      return true;
    });
  }
  gate.open();
  stack.proxyA.decide = () => ({ kind: 'pass' });
  assert.equal((await stack.waitFor(first.id)).state, 'done');
  const second = await stack.run('first', { pipeline: 'busy-two' });
  assert.equal(second.state, 'done', JSON.stringify(second.failure));
  assert.equal(second.totals['skipped'], inputOf('busy').length, 'it is the same target, and so the same ledger');
});

test('a run that failed on three objects is partial without a marker; started again it copies those three and is done', async () => {
  const denied = [3, 17, 39].map((index) => inputOf('heal')[index]?.key ?? '');
  stack.proxyA.decide = ({ method, url }) =>
    method === 'GET' && denied.some((key) => url.startsWith(`/source/${key}`))
      ? { kind: 'answer', status: 403, code: 'AccessDenied' }
      : { kind: 'pass' };
  const first = await stack.run('heal', { pipeline: 'heal' });
  stack.proxyA.decide = () => ({ kind: 'pass' });
  assert.equal(first.state, 'partial', JSON.stringify(first.failure));
  assert.equal(first.failure?.type, 'incomplete');
  assert.deepEqual(first.totals.outcomes, { access_denied: 3 });
  assert.deepEqual(await listKeys(stack.storeB, 'target', 'heal/manifests/'), []);
  const { items } = await stack.api.send<{ items: { key: string }[] }>(
    'GET',
    `/v1/runs/${first.id}/objects?outcome=access_denied`,
  );
  assert.deepEqual(items.map(({ key }) => key).sort(), denied);

  const before = await stack.counts();
  const second = await stack.run('heal', { pipeline: 'heal' });
  const { a, b } = countBetween(before, await stack.counts());
  assert.equal(second.state, 'done', JSON.stringify(second.failure));
  assert.equal(second.id, first.id);
  assert.equal(second.attempt, first.attempt + 1);
  assert.equal(second.manifest_hash, first.manifest_hash);
  assert.equal(second.totals['copied'], 3);
  assert.equal(a.requests['GetObject'], 3);
  assert.equal(b.requests['PutObject'], 4, 'three objects and the marker');
  assert.deepEqual(await listKeys(stack.storeB, 'target', 'heal/manifests/'), [
    `heal/manifests/${String(first.manifest_hash)}.json`,
  ]);
  assert.deepEqual(await compareObjects(stack.storeB, 'target', inputOf('heal'), (key) => key), []);
});

test('with the ledger lost the next run adopts everything, in one part or in many, and moves nothing', async () => {
  const first = await stack.run('adopt', { pipeline: 'adopt' });
  assert.equal(first.state, 'done', JSON.stringify(first.failure));
  for (const [loss, runId] of [
    ['delivery', 'adopt-2'],
    ['target, run, manifest', 'adopt'],
  ] as const) {
    const client = new pg.Client({ connectionString: stack.databaseUrl });
    await client.connect();
    await client.query(`truncate ${loss} cascade`);
    await client.end();
    const before = await stack.counts();
    const run = await stack.run(runId, { pipeline: 'adopt' });
    const { a, b } = countBetween(before, await stack.counts());
    assert.equal(run.state, 'done', `${JSON.stringify(run.failure)} ${JSON.stringify(run.totals)}`);
    assert.equal(run.totals['adopted'], inputOf('adopt').length);
    assert.equal(run.totals['copied'], 0);
    assert.equal(sumOf(a, MOVING), 0, JSON.stringify(a));
    const hasMarker = run.manifest_hash === first.manifest_hash;
    assert.equal(sumOf(b, MOVING), hasMarker ? 2 : 1, `the marker alone: ${JSON.stringify(b)}`);
  }
  assert.deepEqual(await compareObjects(stack.storeB, 'target', inputOf('adopt'), (key) => key), []);
});

test('twenty callers who start one run at once make one attempt', async () => {
  const started = await Promise.all(Array.from({ length: 20 }, () => stack.begin('crowd', { pipeline: 'crowd' })));
  assert.equal(new Set(started.map(({ id }) => id)).size, 1);
  assert.deepEqual([...new Set(started.map(({ attempt }) => attempt))], [1]);
  assert.equal(started.filter(({ already }) => already === 'no').length, 1);
  const run = await stack.waitFor(started[0]?.id ?? '');
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  assert.equal(run.attempt, 1);
  assert.equal(run.totals['copied'], inputOf('crowd').length);
});

test('a plan writes nothing to any store and reports what the run then does', async () => {
  await stack.run('before', { pipeline: 'plan' });
  const changed = { ...inputOf('plan')[0], sizeBytes: 5000 } as DemoObject;
  await stack.putSource([changed, ...listSmallObjects('plan/new-', 2)]);
  await stack.storeB.delete({ bucket: 'target', key: 'plan/large.bin' });
  const before = await stack.counts();
  const plan = await stack.run('now', { pipeline: 'plan', plan: true });
  const { a, b } = countBetween(before, await stack.counts());
  assert.equal(plan.state, 'done', JSON.stringify(plan.failure));
  assert.equal(plan.mode, 'plan');
  assert.equal(sumOf(a, MOVING), 0);
  assert.equal(sumOf(b, WRITING), 0, JSON.stringify(b));

  const run = await stack.run('now', { pipeline: 'plan' });
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  assert.equal(run.mode, 'run');
  assert.equal(run.manifest_hash, plan.manifest_hash);
  const { outcomes: planned, ...planTotals } = plan.totals;
  const { outcomes: done, ...runTotals } = run.totals;
  assert.deepEqual(planTotals, runTotals);
  assert.deepEqual(planned, done);
  assert.equal(run.totals['copied'], 4);
  assert.equal(run.totals['repaired'], 1);
});
