/** Targets without conditional writes: told so, a run asks first and then writes; not told, it says which setting is wrong. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MiB } from '../../core/limits.ts';
import { compareObjects } from '../../dev/compare-objects.ts';
import type { DemoObject } from '../../dev/demo-input.ts';
import { planFaults, toObject, type PlannedFault } from '../support/plan-faults.ts';
import { buildPipeline, listKeys, listSmallObjects, readBytes } from '../support/run-objects.ts';
import { startRunStack, type RunStack } from '../support/run-stack.ts';
import type { ProxiedRequest } from '../support/start-fault-proxy.ts';

const inputOf = (name: string): DemoObject[] => [
  ...listSmallObjects(`${name}/`, 8),
  { key: `${name}/large`, sizeBytes: 9 * MiB, headers: { contentType: 'application/x-large', metadata: {} } },
];

/** As Alibaba OSS answers, and others do. */
const REFUSE_CONDITIONS: PlannedFault = {
  match: ({ method, headers }: ProxiedRequest) =>
    method !== 'GET' && method !== 'HEAD' && (headers['if-none-match'] ?? headers['if-match']) !== undefined,
  fault: () => ({ kind: 'answer', status: 501, code: 'NotImplemented' }),
  times: Number.POSITIVE_INFINITY,
};

let told: RunStack;
let untold: RunStack;
before(async () => {
  [told, untold] = await Promise.all([
    startRunStack({
      config: {
        storeB: { conditional_writes: false },
        pipelines: { plain: buildPipeline('plain/', 'plain/'), theirs: buildPipeline('theirs/', 'theirs/') },
      },
    }),
    startRunStack({ config: { pipelines: { plain: buildPipeline('plain/', 'plain/') } } }),
  ]);
  await told.putSource([...inputOf('plain'), ...inputOf('theirs')]);
  await untold.putSource(inputOf('plain'));
});
after(() => Promise.all([told.dispose(), untold.dispose()]));

test('a store without conditional writes is asked before each write; a lost answer is found out, and a marker is not written twice', async () => {
  const putOf = (name: string) => toObject('PUT', `/target/plain/${name}`);
  const faults = planFaults(told.proxyB, [
    REFUSE_CONDITIONS,
    { match: putOf('part-003.json'), fault: () => ({ kind: 'drop-answer' }) },
    {
      match: ({ method, url }) => method === 'POST' && url.includes('uploadId'),
      fault: () => ({ kind: 'drop-answer' }),
    },
  ]);
  const run = await told.run('plain', { pipeline: 'plain' });
  assert.equal(run.state, 'done', JSON.stringify([run.failure, run.totals]));
  assert.equal(faults.unused(), 1, 'no conditional write was sent');
  assert.deepEqual(await compareObjects(told.storeB, 'target', inputOf('plain'), (key) => key), []);

  const sent = told.proxyB.requests.length;
  const again = await told.run('plain', { pipeline: 'plain', again: true });
  faults.clear();
  assert.equal(again.state, 'done', JSON.stringify(again.failure));
  const writes = told.proxyB.requests.slice(sent).filter(({ method }) => method === 'PUT' || method === 'POST');
  assert.deepEqual(writes, []);
});

test('without conditional writes, what somebody puts there between plan and copy is still not overwritten', async () => {
  const victims = [inputOf('theirs')[2], inputOf('theirs')[8]] as [DemoObject, DemoObject];
  const content = Buffer.from('theirs');
  const faults = planFaults(
    told.proxyA,
    victims.map(({ key, headers }) => ({
      match: toObject('GET', `/source/${key}`),
      fault: () => ({
        kind: 'hold-before',
        until: told.storeB.put({ bucket: 'target', key, headers }, { sizeBytes: content.length, content }),
      }),
    })),
  );
  const run = await told.run('theirs', { pipeline: 'theirs' });
  assert.equal(faults.unused(), 0);
  faults.clear();
  assert.equal(run.state, 'partial', JSON.stringify(run.failure));
  assert.deepEqual(run.totals.outcomes, { target_conflict: 2 });
  for (const { key } of victims) assert.equal((await readBytes(told.storeB, 'target', key)).toString(), 'theirs');
  assert.deepEqual(await told.storeB.listUploads({ bucket: 'target', prefix: '' }), []);
});

test('a store that answers 501 to a condition fails the run with the setting that mends it', async () => {
  const faults = planFaults(untold.proxyB, [REFUSE_CONDITIONS]);
  const run = await untold.run('plain', { pipeline: 'plain' });
  faults.clear();
  assert.equal(run.state, 'failed');
  assert.equal(run.failure?.type, 'not_implemented', JSON.stringify(run.failure));
  assert.match(run.failure.message, /store b .*conditional_writes: false/);
  assert.deepEqual(await listKeys(untold.storeB, 'target', ''), []);
  assert.deepEqual(await untold.storeB.listUploads({ bucket: 'target', prefix: '' }), []);
});
