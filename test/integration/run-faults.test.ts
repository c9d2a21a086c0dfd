/** Providers that fail, lie and forget: what they do is tried again, and what is wrong is never committed. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MiB } from '../../core/limits.ts';
import { compareObjects } from '../../dev/compare-objects.ts';
import type { DemoObject } from '../../dev/demo-input.ts';
import { planFaults, toListing, toObject, type PlannedFault } from '../support/plan-faults.ts';
import { buildPipeline, listKeys, listSmallObjects } from '../support/run-objects.ts';
import { startRunStack, type RunStack } from '../support/run-stack.ts';
import type { Fault, ProxiedRequest } from '../support/start-fault-proxy.ts';

const HEADERS = { contentType: 'application/x-large', metadata: {} };
const READS = [...listSmallObjects('reads/', 12), { key: 'reads/large', sizeBytes: 9 * MiB, headers: HEADERS }];
const WRITES: DemoObject[] = [
  ...listSmallObjects('writes/', 12),
  { key: 'writes/large', sizeBytes: 9 * MiB, headers: HEADERS, tags: { tier: 'gold' } },
  { key: 'writes/in-parts', sizeBytes: 11 * MiB, headers: HEADERS, partSizeBytes: 5 * MiB },
];
const ROTTEN = listSmallObjects('rotten/', 10);
const LISTED = listSmallObjects('listed/', 15);

let stack: RunStack;
before(async () => {
  const pipelines = Object.fromEntries(
    ['reads', 'writes', 'rotten', 'listed'].map((name) => [name, buildPipeline(`${name}/`, `${name}/`)]),
  );
  stack = await startRunStack({ config: { pipelines } });
  await stack.putSource([...READS, ...WRITES, ...ROTTEN, ...LISTED]);
});
after(() => stack.dispose());

const answer = (status: number, code: string): Fault => ({ kind: 'answer', status, code });
const source = (name: string) => toObject('GET', `/source/${name}`);
const part = (name: string, number: number) => (request: ProxiedRequest) =>
  source(name)(request) && request.headers.range?.startsWith(`bytes=${(number - 1) * 8 * MiB}-`) === true;

test('a source that truncates, corrupts, fails, slows down or hangs up is read again, and the run is done', async () => {
  const faults = planFaults(stack.proxyA, [
    { match: source('reads/part-000.json'), fault: () => ({ kind: 'truncate-answer' }) },
    { match: source('reads/part-001.json'), fault: () => ({ kind: 'corrupt-answer' }) },
    { match: source('reads/part-002.json'), fault: () => answer(500, 'InternalError') },
    { match: source('reads/part-003.json'), fault: () => answer(503, 'SlowDown') },
    { match: source('reads/part-004.json'), fault: () => ({ kind: 'drop-answer' }) },
    { match: source('reads/part-005.json'), fault: () => ({ kind: 'drop-request' }), times: 4 },
    { match: source('reads/part-006.json'), fault: () => ({ kind: 'corrupt-answer' }), times: 4 },
    { match: part('reads/large', 1), fault: () => ({ kind: 'truncate-answer' }) },
    { match: part('reads/large', 2), fault: () => ({ kind: 'corrupt-answer' }) },
    { match: toListing('reads/'), fault: () => answer(503, 'SlowDown') },
  ]);
  const run = await stack.run('reads', { pipeline: 'reads' });
  assert.equal(faults.unused(), 0);
  faults.clear();
  assert.equal(run.state, 'done', JSON.stringify([run.failure, run.totals]));
  assert.equal(run.totals['copied'], READS.length);
  assert.deepEqual(await compareObjects(stack.storeB, 'target', READS, (key) => key), []);
  assert.deepEqual(await stack.storeB.listUploads({ bucket: 'target', prefix: '' }), []);
});

test('a target that gets other bytes, fails, slows down or forgets to answer ends with exactly what was sent', async () => {
  const put = (name: string) => toObject('PUT', `/target/${name}`);
  const posted = (name: string, query: string) => (request: ProxiedRequest) =>
    toObject('POST', `/target/${name}`)(request) && request.url.includes(query);
  const planned: PlannedFault[] = [
    { match: put('writes/part-000.json'), fault: () => ({ kind: 'corrupt-request' }) },
    { match: put('writes/part-001.json'), fault: () => ({ kind: 'drop-answer' }) },
    { match: put('writes/part-002.json'), fault: () => answer(500, 'InternalError') },
    { match: put('writes/part-003.json'), fault: () => answer(503, 'SlowDown') },
    { match: put('writes/part-004.json'), fault: () => ({ kind: 'drop-request' }) },
    { match: put('writes/part-005.json'), fault: () => answer(409, 'ConditionalRequestConflict') },
    { match: put('writes/part-006.json'), fault: () => ({ kind: 'corrupt-request' }), times: 4 },
    { match: posted('writes/large', 'uploads'), fault: () => ({ kind: 'drop-answer' }) },
    { match: put('writes/large'), fault: () => ({ kind: 'corrupt-request' }) },
    { match: put('writes/large'), fault: () => ({ kind: 'drop-answer' }) },
    { match: posted('writes/large', 'uploadId'), fault: () => ({ kind: 'drop-answer' }) },
    { match: posted('writes/in-parts', 'uploadId'), fault: () => answer(500, 'InternalError') },
    {
      match: ({ method, url }) => method === 'PUT' && url.includes('/manifests/'),
      fault: () => ({ kind: 'drop-answer' }),
    },
  ];
  const faults = planFaults(stack.proxyB, planned);
  const run = await stack.run('writes', { pipeline: 'writes' });
  assert.equal(faults.unused(), 0);
  faults.clear();
  assert.equal(run.state, 'done', JSON.stringify([run.failure, run.totals]));
  assert.equal(run.totals['copied'], WRITES.length);
  assert.deepEqual(await compareObjects(stack.storeB, 'target', WRITES, (key) => key), []);
  assert.deepEqual(await stack.storeB.listUploads({ bucket: 'target', prefix: '' }), []);
});

test('an object that never agrees with its checksum is an outcome; the rest is copied and there is no marker', async () => {
  const victim = ROTTEN[4]?.key ?? '';
  const faults = planFaults(stack.proxyA, [
    { match: source(victim), fault: () => ({ kind: 'corrupt-answer' }), times: Number.POSITIVE_INFINITY },
  ]);
  const run = await stack.run('rotten', { pipeline: 'rotten' });
  faults.clear();
  assert.equal(run.state, 'partial', JSON.stringify(run.failure));
  assert.deepEqual(run.totals.outcomes, { checksum_mismatch: 1 });
  assert.equal(run.totals['copied'], ROTTEN.length - 1);
  const held = await listKeys(stack.storeB, 'target', 'rotten/');
  assert.deepEqual(
    held,
    ROTTEN.map(({ key }) => key).filter((key) => key !== victim),
  );
});

test('a listing that breaks off, lies about its end or comes in no order never becomes another manifest', async () => {
  const plan = await stack.run('listed', { pipeline: 'listed', plan: true });
  const seen: unknown[] = [];
  let id = '';
  const look = async (): Promise<void> => {
    const now = await stack.api.send<{ manifest_hash: unknown; state: string }>('GET', `/v1/runs/${id}`);
    seen.push([now.manifest_hash, now.state]);
  };
  const edit = (change: (xml: string) => string): Fault => ({
    kind: 'edit-answer',
    edit: (body) => Buffer.from(change(body.toString())),
  });
  const faults = planFaults(stack.proxyA, [
    { match: toListing('listed/'), fault: () => edit((xml) => xml.slice(0, xml.indexOf('part-007'))) },
    { match: toListing('listed/'), fault: () => ({ kind: 'truncate-answer' }) },
    { match: toListing('listed/'), fault: () => ({ kind: 'hold-before', until: look() }) },
    {
      match: toListing('listed/'),
      fault: () => edit((xml) => xml.replace('>false</IsTruncated>', '>true</IsTruncated>')),
    },
    { match: toListing('listed/'), fault: () => edit(reverseContents), times: 2 },
  ]);
  // The third answer is right; what comes after it belongs to the second run below.
  id = (await stack.begin('listed', { pipeline: 'listed' })).id;
  const run = await stack.waitFor(id);
  assert.deepEqual(seen, [[null, 'listing']]);
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  assert.equal(run.manifest_hash, plan.manifest_hash);

  const again = await stack.run('listed', { pipeline: 'listed', again: true });
  assert.equal(faults.unused(), 0);
  faults.clear();
  assert.equal(again.state, 'done', JSON.stringify(again.failure));
  assert.equal(again.manifest_hash, plan.manifest_hash);
  assert.equal(again.totals['skipped'], LISTED.length);
});

function reverseContents(xml: string): string {
  const contents = xml.match(/<Contents>.*?<\/Contents>/gs) ?? [];
  assert.ok(contents.length > 1);
  const first = xml.indexOf('<Contents>');
  const end = xml.lastIndexOf('</Contents>') + '</Contents>'.length;
  return xml.slice(0, first) + contents.reverse().join('') + xml.slice(end);
}
