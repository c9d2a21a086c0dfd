/**
 * A run between two stores whose traffic is proxied: the gateway copies what is small, and its bytes do not come to the worker. What the run
 * says it spent is what the stores counted, and every object is at the target with all that travels with it.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { compareObjects } from '../../dev/compare-objects.ts';
import type { DemoObject } from '../../dev/demo-input.ts';
import { subtractCounts } from '../../dev/store-counts.ts';
import { MiB } from '../../core/limits.ts';
import { planFaults, toObject } from '../support/plan-faults.ts';
import { startRunStack, type RunStack } from '../support/run-stack.ts';
import type { ProxiedRequest } from '../support/start-fault-proxy.ts';

/** Of the development stack's own pipeline. */
const PREFIX = 'copy/';
const headers = { contentType: 'text/plain', metadata: { name: 'Größe' } };
const PLAIN: readonly DemoObject[] = ['0', '1000', '40000', '1048576', String(8 * MiB)].map((size) => ({
  key: `plain/${size} %2F.bin`,
  sizeBytes: Number(size),
  headers,
}));
const OTHERS: readonly DemoObject[] = [
  { key: 'plain/tagged', sizeBytes: 50, headers, tags: { tier: 'gold' } },
  { key: 'plain/large', sizeBytes: 8 * MiB + 1, headers },
  { key: 'plain/in parts', sizeBytes: 6 * MiB, headers, partSizeBytes: 5 * MiB },
];
const ALL = [...PLAIN, ...OTHERS];

let stack: RunStack;
before(async () => {
  stack = await startRunStack({ watchGateway: true });
  await stack.putSource(ALL);
});
after(() => stack.dispose());

const gets = (requests: readonly ProxiedRequest[]): string[] =>
  requests.filter(({ method, url }) => method === 'GET' && url.startsWith('/source/')).map(({ url }) => url);

test('the worker reads what has tags, is large, or was made of parts, and nothing else', async () => {
  const { proxyGateway } = stack;
  assert.ok(proxyGateway !== null);
  const before = await stack.counts();
  const run = await stack.run('first');
  assert.equal(run.state, 'done', JSON.stringify(run.failure));
  const read = new Set(gets(proxyGateway.requests).map((url) => decodeURIComponent(url.split('?')[0] ?? '')));
  assert.deepEqual([...read].sort(), OTHERS.map(({ key }) => `/source/${key}`).sort());
  const copies = proxyGateway.requests.filter(({ headers: sent }) => sent['x-amz-copy-source'] !== undefined);
  assert.equal(copies.length, PLAIN.length + 1, 'the tagged one was asked for as well');
  assert.deepEqual(await compareObjects(stack.storeB, 'target', ALL, (key) => PREFIX + key), []);

  const after = await stack.counts();
  const a = subtractCounts(after.a, before.a);
  const b = subtractCounts(after.b, before.b);
  const spent = (store: string, operation: string) => run.summary?.traffic[`${store}/${operation}`];
  const fetched = spent('a', 'GetObject');
  const written = spent('b', 'PutObject');
  assert.deepEqual([fetched?.requests, fetched?.bytes_in], [a.requests['GetObject'], a.bytesOut]);
  assert.equal(written?.requests, b.requests['PutObject']);
  assert.equal(spent('a', 'CopyObject'), undefined);
  assert.equal(spent('b', 'CopyObject'), undefined);
});

test('an answer of the target that is lost, and a source that was overwritten, end as they do by the bytes', async () => {
  const [first, second, third] = PLAIN.map(({ key }) => key) as [string, string, string];
  for (const { key } of PLAIN) await stack.storeB.delete({ bucket: 'target', key: PREFIX + key });
  const path = (key: string): string => key.split('/').map(encodeURIComponent).join('/');
  const changed = { sizeBytes: 7, content: Buffer.from('changed') };
  const faults = planFaults(stack.proxyB, [
    { match: toObject('PUT', `/target/${PREFIX}${path(first)}`), fault: () => ({ kind: 'drop-answer' }) },
    { match: toObject('PUT', `/target/${PREFIX}${path(second)}`), fault: () => ({ kind: 'corrupt-request' }) },
  ]);
  planFaults(stack.proxyA, [
    {
      match: toObject('GET', `/source/${path(third)}`),
      fault: () => ({
        kind: 'hold-before',
        until: stack.storeA.put({ bucket: 'source', key: third, headers }, changed),
      }),
    },
  ]);
  const run = await stack.run('second');
  assert.equal(faults.unused(), 0);
  faults.clear();
  assert.equal(run.state, 'partial');
  assert.deepEqual(run.totals.outcomes, { source_changed: 1 });
  const kept = ALL.filter(({ key }) => key !== third);
  assert.deepEqual(await compareObjects(stack.storeB, 'target', kept, (key) => PREFIX + key), []);
});
