/** A plan over a real ledger and stores in memory: what it forgets, and what it keeps though source and target do not have it. */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { buildManifest } from '../../activities/build-manifest.ts';
import { list } from '../../activities/list.ts';
import { plan } from '../../activities/plan.ts';
import type { ActivityDeps, ActivityRuntime } from '../../activities/runtime.ts';
import type { Sha256Hex } from '../../core/ids.ts';
import { createMemoryStore } from '../../stores/memory/create-memory-store.ts';
import type { Store } from '../../stores/store.ts';
import {
  buildDelivery,
  buildRequest,
  buildSpec,
  createLedgerFixture,
  type LedgerFixture,
} from '../support/ledger-fixtures.ts';

let fixture: LedgerFixture;
before(async () => {
  fixture = await createLedgerFixture();
});
after(() => fixture.close());

const runtime = (): ActivityRuntime => ({
  tryNumber: 1,
  holder: randomUUID(),
  guard: { signal: new AbortController().signal, assertCurrent: () => undefined, assertMayWrite: () => undefined },
  log: { info: () => undefined, warn: () => undefined },
});

async function put(store: Store, bucket: string, key: string, text: string): Promise<string> {
  const content = Buffer.from(text);
  const sha256 = createHash('sha256').update(content).digest('hex') as Sha256Hex;
  const body = { sizeBytes: content.length, sha256, content };
  return (await store.put({ bucket, key, headers: { metadata: {} } }, body)).etag;
}

/** Source and target hold `k2` and `k4`, the target an orphan `k3` too; the ledger has deliveries of k0 to k6. Returns what it has then. */
async function planOver(name: string, mode: 'run' | 'plan', listTarget: boolean) {
  const { ledger } = fixture;
  const store = createMemoryStore();
  const spec = {
    ...buildSpec(name),
    target: { store: 'b', bucket: name, prefix: 'in/', encryption: null },
    listTarget,
  };
  for (const bucket of ['source', name]) await store.createBucket(bucket);
  const etags = new Map<string, string>();
  for (const key of ['k2', 'k4']) {
    etags.set(key, await put(store, 'source', key, key));
    await put(store, name, `in/${key}`, key);
  }
  await put(store, name, 'in/k3', 'k3');
  const seeding = buildRequest(name, 'r0', { spec });
  const { run: seeded } = await ledger.accept(seeding);
  const first = await ledger.beginAttempt(seeded.id, `seed ${name}`, 1000);
  const deliveries = Array.from({ length: 7 }, (_, index) => {
    const key = `k${String(index)}`;
    return { ...buildDelivery(`in/${key}`, etags.get(key) ?? 'gone'), sizeBytes: key.length };
  });
  await ledger.saveEffects(first.fence, { deliveries });
  await ledger.endAttempt(first.fence, { state: 'failed' });

  const { run } = await ledger.accept(buildRequest(name, 'r1', { spec, mode }));
  const { fence } = await ledger.beginAttempt(run.id, `workflow ${name}`, 1000);
  const facts = {
    etags: 'md5',
    conditionalWrites: true,
    currency: 'USD',
    perThousandWrites: 0,
    perThousandReads: 0,
    perGibOut: 0,
  };
  const deps = { ledger, openStore: () => store, storeFacts: () => facts } as unknown as ActivityDeps;
  await ledger.setState(fence, 'listing');
  await list(deps, runtime(), { fence });
  const manifest = await buildManifest(deps, runtime(), { fence });
  const { counts } = await plan(deps, runtime(), { fence, manifest });
  const left = await ledger.readDeliveries(first.fence.targetId ?? '', null, 100);
  return { counts, left: left.map(({ key }) => key) };
}

test('deliveries of what neither source nor target has are forgotten, before, between and behind the keys of the manifest', async () => {
  const { counts, left } = await planOver('gone', 'run', true);
  assert.deepEqual([counts.skipped, counts.orphans], [2, 1]);
  assert.deepEqual(left, ['in/k2', 'in/k3', 'in/k4']);
});

test('nothing is forgotten by a plan without a run, nor where the target was not looked at', async () => {
  const all = Array.from({ length: 7 }, (_, index) => `in/k${String(index)}`);
  assert.deepEqual((await planOver('asked', 'plan', true)).left, all);
  const blind = await planOver('blind', 'run', false);
  assert.equal(blind.counts.skipped, 2);
  assert.deepEqual(blind.left, all);
});
