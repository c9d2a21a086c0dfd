/** What is copied is what was listed (invariant I7): objects that change or go between list and copy. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MiB } from '../../core/limits.ts';
import { compareObjects } from '../../dev/compare-objects.ts';
import type { DemoObject } from '../../dev/demo-input.ts';
import { planFaults, toObject } from '../support/plan-faults.ts';
import { buildPipeline, listKeys, listSmallObjects } from '../support/run-objects.ts';
import { countBetween, PATIENT, startRunStack, type RunStack } from '../support/run-stack.ts';

const SMALL = listSmallObjects('small/', 20);
const large = (key: string): DemoObject => ({
  key,
  sizeBytes: 9 * MiB,
  headers: { contentType: 'application/x-large', metadata: {} },
});
const LARGE = [large('large/deleted'), large('large/overwritten'), large('large/steady')];

let stack: RunStack;
before(async () => {
  const pipelines = { small: buildPipeline('small/', 'small/'), large: buildPipeline('large/', 'large/') };
  stack = await startRunStack({ config: { ...PATIENT, pipelines } });
  await stack.putSource([...SMALL, ...LARGE]);
});
after(() => stack.dispose());

/** Other bytes of the same size: nothing but the ETag tells. */
async function overwrite(object: DemoObject): Promise<void> {
  const content = Buffer.alloc(object.sizeBytes, 'changed ');
  const request = { bucket: 'source', key: object.key, headers: object.headers };
  await stack.storeA.put(request, { sizeBytes: content.length, content });
}

const remove = (object: DemoObject): Promise<void> => stack.storeA.delete({ bucket: 'source', key: object.key });

test('small objects that change between list and copy are source_changed; started again they alone are copied', async () => {
  const [overwritten, deleted] = [SMALL[5] as DemoObject, SMALL[11] as DemoObject];
  const faults = planFaults(stack.proxyA, [
    {
      match: toObject('GET', `/source/${overwritten.key}`),
      fault: () => ({ kind: 'hold-before', until: overwrite(overwritten) }),
    },
    {
      match: toObject('GET', `/source/${deleted.key}`),
      fault: () => ({ kind: 'hold-before', until: remove(deleted) }),
    },
  ]);
  const first = await stack.run('small', { pipeline: 'small' });
  assert.equal(faults.unused(), 0);
  faults.clear();
  assert.equal(first.state, 'partial', JSON.stringify(first.failure));
  assert.deepEqual(first.totals.outcomes, { source_changed: 2 });
  assert.equal(first.totals['copied'], SMALL.length - 2);
  const held = await listKeys(stack.storeB, 'target', 'small/');
  assert.equal(held.length, SMALL.length - 2, 'neither the changed objects nor a marker');

  const before = await stack.counts();
  const second = await stack.run('small', { pipeline: 'small' });
  const { a } = countBetween(before, await stack.counts());
  assert.equal(second.state, 'done', JSON.stringify(second.failure));
  assert.notEqual(second.manifest_hash, first.manifest_hash, 'it lists again');
  assert.equal(second.totals['objects'], SMALL.length - 1);
  assert.equal(second.totals['copied'], 1);
  assert.equal(a.requests['GetObject'], 1);
  const steady = SMALL.filter((object) => object !== overwritten && object !== deleted);
  assert.deepEqual(await compareObjects(stack.storeB, 'target', steady, (key) => key), []);
  const [copy, source] = await Promise.all([
    stack.storeB.head({ bucket: 'target', key: overwritten.key }),
    stack.storeA.head({ bucket: 'source', key: overwritten.key }),
  ]);
  assert.equal(copy.etag, source.etag);
});

test('an object that changes while its parts are copied is source_changed, and leaves no object and no open upload', async () => {
  const [deleted, overwritten] = LARGE as [DemoObject, DemoObject];
  const secondPart = (object: DemoObject) => (request: Parameters<ReturnType<typeof toObject>>[0]) =>
    toObject('GET', `/source/${object.key}`)(request) &&
    request.headers.range?.startsWith(`bytes=${8 * MiB}-`) === true;
  const faults = planFaults(stack.proxyA, [
    { match: secondPart(overwritten), fault: () => ({ kind: 'hold-before', until: overwrite(overwritten) }) },
    { match: secondPart(deleted), fault: () => ({ kind: 'hold-before', until: remove(deleted) }) },
  ]);
  const first = await stack.run('large', { pipeline: 'large' });
  assert.equal(faults.unused(), 0);
  faults.clear();
  assert.equal(first.state, 'partial', JSON.stringify(first.failure));
  assert.deepEqual(first.totals.outcomes, { source_changed: 2 });
  assert.deepEqual(await listKeys(stack.storeB, 'target', 'large/'), ['large/steady']);
  assert.deepEqual(await stack.storeB.listUploads({ bucket: 'target', prefix: '' }), []);

  const before = await stack.counts();
  const second = await stack.run('large', { pipeline: 'large' });
  const { b } = countBetween(before, await stack.counts());
  assert.equal(second.state, 'done', JSON.stringify(second.failure));
  assert.equal(second.totals['copied'], 1);
  assert.equal(b.requests['UploadPart'], 2);
  assert.deepEqual(await compareObjects(stack.storeB, 'target', LARGE.slice(2), (key) => key), []);
});
