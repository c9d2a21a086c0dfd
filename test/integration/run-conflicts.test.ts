/** What stands at the target and is not ours: markers and objects of somebody else, orphans, and keys that belong to the markers. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { compareObjects } from '../../dev/compare-objects.ts';
import type { DemoObject } from '../../dev/demo-input.ts';
import { planFaults, toObject } from '../support/plan-faults.ts';
import { buildPipeline, listKeys, listSmallObjects, readBytes } from '../support/run-objects.ts';
import { startRunStack, type RunStack } from '../support/run-stack.ts';

const INPUT: Record<string, DemoObject[]> = {
  marker: listSmallObjects('marker/', 5),
  theirs: listSmallObjects('theirs/', 8),
  late: listSmallObjects('late/', 8),
  orphans: listSmallObjects('orphans/', 5),
  reserved: [...listSmallObjects('reserved/', 4), ...listSmallObjects('reserved/manifests/', 2)],
  filtered: [
    ...listSmallObjects('filtered/keep/', 6),
    ...listSmallObjects('filtered/keep/tmp/', 3),
    ...listSmallObjects('filtered/leave/', 3),
  ],
};
const inputOf = (name: string): DemoObject[] => INPUT[name] ?? [];
const HEADERS = { contentType: 'text/plain', metadata: { owner: 'somebody else' } };

let stack: RunStack;
before(async () => {
  const pipelines = {
    ...Object.fromEntries(Object.keys(INPUT).map((name) => [name, buildPipeline(`${name}/`, `${name}/`)])),
    'theirs-always': buildPipeline('theirs/', 'theirs-always/', { overwrite: 'always' }),
    empty: buildPipeline('empty/', 'empty/'),
    filtered: buildPipeline('filtered/', 'filtered/', {
      include: ['keep/**'],
      exclude: ['**/tmp/**'],
      min_size: 107,
      max_size: 128,
    }),
  };
  stack = await startRunStack({ config: { pipelines } });
  await stack.putSource(Object.values(INPUT).flat());
});
after(() => stack.dispose());

/** Behind the service's back. */
async function putTheirs(key: string, text = `theirs: ${key}`): Promise<void> {
  const content = Buffer.from(text);
  await stack.storeB.put({ bucket: 'target', key, headers: HEADERS }, { sizeBytes: content.length, content });
}
const readTarget = async (key: string): Promise<string> => (await readBytes(stack.storeB, 'target', key)).toString();

async function listOutcomes(id: string, code: string): Promise<string[]> {
  const { items } = await stack.api.send<{ items: { key: string }[] }>('GET', `/v1/runs/${id}/objects?outcome=${code}`);
  return items.map(({ key }) => key);
}

test('a marker with other bytes under our name fails the run and stays as it is', async () => {
  const plan = await stack.run('marked', { pipeline: 'marker', plan: true });
  const key = `marker/manifests/${String(plan.manifest_hash)}.json`;
  await putTheirs(key, '{"not":"ours"}');
  const run = await stack.run('marked', { pipeline: 'marker' });
  assert.equal(run.state, 'failed');
  assert.equal(run.failure?.type, 'marker_conflict', JSON.stringify(run.failure));
  assert.equal(await readTarget(key), '{"not":"ours"}');
});

test('a marker with the very bytes of ours is success, and is not written again', async () => {
  const plan = await stack.run('marked-well', { pipeline: 'marker', plan: true });
  const { manifest_hash: hash } = await stack.run('marked-elsewhere', { pipeline: 'marker' });
  const key = `marker/manifests/${String(plan.manifest_hash)}.json`;
  const marker = (await readTarget(`marker/manifests/${String(hash)}.json`)).replace('marked-elsewhere', 'marked-well');
  await putTheirs(key, marker);
  const run = await stack.run('marked-well', { pipeline: 'marker' });
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  assert.equal(run.manifest_hash, plan.manifest_hash);
  const { metadata } = await stack.storeB.head({ bucket: 'target', key });
  assert.equal(metadata['owner'], 'somebody else', 'it is still the one that was there');
});

test("somebody else's object at the target is not overwritten, unless the pipeline says always", async () => {
  const taken = [inputOf('theirs')[2], inputOf('theirs')[6]] as [DemoObject, DemoObject];
  for (const { key, sizeBytes } of taken) {
    await putTheirs(key);
    // Of the very size of ours: only the bytes differ.
    await putTheirs(key.replace('theirs/', 'theirs-always/'), 'x'.repeat(sizeBytes));
  }
  const refused = await stack.run('refused', { pipeline: 'theirs' });
  assert.equal(refused.state, 'partial', JSON.stringify(refused.failure));
  assert.deepEqual(refused.totals.outcomes, { target_conflict: 2 });
  assert.equal(refused.totals['copied'], inputOf('theirs').length - 2);
  const keys = taken.map(({ key }) => key);
  assert.deepEqual(await listOutcomes(refused.id, 'target_conflict'), keys);
  for (const key of keys) assert.equal(await readTarget(key), `theirs: ${key}`);
  assert.deepEqual(await listKeys(stack.storeB, 'target', 'theirs/manifests/'), []);

  const replaced = await stack.run('replaced', { pipeline: 'theirs-always' });
  assert.equal(replaced.state, 'done', JSON.stringify(replaced.failure));
  const toKey = (key: string): string => key.replace('theirs/', 'theirs-always/');
  assert.deepEqual(await compareObjects(stack.storeB, 'target', inputOf('theirs'), toKey), []);
});

test('an object that somebody puts at the target between plan and copy is not overwritten', async () => {
  const [fresh, known] = [inputOf('late')[1], inputOf('late')[4]] as [DemoObject, DemoObject];
  const during = (object: DemoObject) => ({
    match: toObject('GET', `/source/${object.key}`),
    fault: () => ({ kind: 'hold-before', until: putTheirs(object.key) }) as const,
  });
  const faults = planFaults(stack.proxyA, [during(fresh)]);
  const first = await stack.run('late', { pipeline: 'late' });
  assert.equal(faults.unused(), 0);
  assert.equal(first.state, 'partial', JSON.stringify(first.failure));
  assert.deepEqual(await listOutcomes(first.id, 'target_conflict'), [fresh.key]);
  assert.equal(await readTarget(fresh.key), `theirs: ${fresh.key}`);

  // One that is ours, has a new version at the source, and is overwritten by somebody just before the copy.
  await stack.storeB.delete({ bucket: 'target', key: fresh.key });
  await stack.putSource([{ ...known, sizeBytes: 900 }]);
  const more = planFaults(stack.proxyA, [during(known)]);
  const second = await stack.run('late', { pipeline: 'late' });
  assert.equal(more.unused(), 0);
  more.clear();
  assert.equal(second.state, 'partial', JSON.stringify(second.failure));
  assert.deepEqual(await listOutcomes(second.id, 'target_conflict'), [known.key]);
  assert.equal(await readTarget(known.key), `theirs: ${known.key}`);
});

test('orphans are reported and stay; an empty source is an outcome of its own, and nothing is deleted', async () => {
  await putTheirs('orphans/extra-1');
  await putTheirs('orphans/extra-2');
  const run = await stack.run('orphans', { pipeline: 'orphans' });
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  assert.equal(run.totals['orphans'], 2);
  assert.deepEqual(await listOutcomes(run.id, 'orphan'), ['orphans/extra-1', 'orphans/extra-2']);
  assert.equal(await readTarget('orphans/extra-1'), 'theirs: orphans/extra-1');
  assert.equal(run.summary?.empty_source, false);

  await putTheirs('empty/left-1');
  const before = await stack.counts();
  const empty = await stack.run('empty', { pipeline: 'empty' });
  const after = await stack.counts();
  assert.equal(empty.state, 'done', JSON.stringify(empty.failure));
  assert.equal(empty.summary?.empty_source, true);
  assert.equal(empty.totals['objects'], 0);
  assert.equal(empty.totals['orphans'], 1);
  assert.equal(await readTarget('empty/left-1'), 'theirs: empty/left-1');
  assert.equal(after.b.requests['DeleteObject'] ?? 0, before.b.requests['DeleteObject'] ?? 0);
});

test('a source key that would land among the markers is refused and written nowhere', async () => {
  const run = await stack.run('reserved', { pipeline: 'reserved' });
  assert.equal(run.state, 'partial', JSON.stringify(run.failure));
  assert.deepEqual(run.totals.outcomes, { reserved_key: 2 });
  assert.equal(run.totals['copied'], 4);
  const refused = inputOf('reserved').filter(({ key }) => key.includes('/manifests/'));
  assert.deepEqual(
    await listOutcomes(run.id, 'reserved_key'),
    refused.map(({ key }) => key),
  );
  assert.deepEqual(await listKeys(stack.storeB, 'target', 'reserved/manifests/'), []);
});

test('only what passes the filters is in the manifest, is copied, and can be an orphan', async () => {
  await putTheirs('filtered/leave/extra', 'x'.repeat(110));
  await putTheirs('filtered/keep/tmp/extra', 'x'.repeat(110));
  await putTheirs('filtered/keep/extra', 'x'.repeat(110));
  const wanted = inputOf('filtered').filter(
    ({ key, sizeBytes }) => /keep\/part/.test(key) && sizeBytes >= 107 && sizeBytes <= 128,
  );
  assert.equal(wanted.length, 4);
  const run = await stack.run('filtered', { pipeline: 'filtered' });
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  assert.equal(run.totals['objects'], wanted.length);
  assert.deepEqual(await listOutcomes(run.id, 'orphan'), ['filtered/keep/extra']);
  assert.deepEqual(await compareObjects(stack.storeB, 'target', wanted, (key) => key), []);
  const parts = (await listKeys(stack.storeB, 'target', 'filtered/')).filter((key) => key.includes('part-'));
  assert.deepEqual(
    parts,
    wanted.map(({ key }) => key),
  );
  const manifest = JSON.parse(await readTarget(String(run.summary?.marker_key))) as { objects: { key: string }[] };
  assert.deepEqual(
    manifest.objects.map(({ key }) => key),
    wanted.map(({ key }) => key),
  );
});
