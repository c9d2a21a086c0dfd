/** A batch of small objects: what one object is refused with is its own, where the others are taken. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyBatch } from '../../activities/copy-batch.ts';
import { packActions } from '../../activities/plan/action.ts';
import type { CopyAction } from '../../activities/plan/action.ts';
import type { ActivityDeps, ActivityRuntime } from '../../activities/runtime.ts';
import type { BatchResult } from '../../activities/types.ts';
import { WaybillError } from '../../core/failures.ts';
import type { Ledger, StepEffects } from '../../ledger/ledger.ts';
import type { Store } from '../../stores/store.ts';
import { catchFailure } from '../support/catch-failure.ts';
import { createCopyGround } from '../support/copy-ground.ts';

const KEYS = Array.from({ length: 40 }, (_, index) => `key-${String(index)}`);

/** What a store answers whose verifier reads a header otherwise than it was signed. */
const mismatch = (): WaybillError =>
  new WaybillError('bad_credentials', 'the signature does not match', { s3Code: 'SignatureDoesNotMatch' });

/** @param refuse the failure of a write of this key, or null; `isAnswered`: whether questions are answered */
async function copyAll(
  refuse: (key: string) => WaybillError | null,
  isAnswered = true,
  source?: (store: Store) => Partial<Store>,
  /** Of an execution that died: what stands at the target, by key. */
  left?: ReadonlyMap<string, string>,
  list: Store['list'] | null = null,
) {
  const ground = await createCopyGround({
    ...(source && { source }),
    target: (store: Store) => ({
      ...(list && { list }),
      // Without a body, a refusal does not say why.
      head: (request) => (isAnswered ? store.head(request) : Promise.reject(new WaybillError('access_denied', '403'))),
      put(request, body) {
        const refusal = refuse(request.key);
        return refusal === null ? store.put(request, body) : Promise.reject(refusal);
      },
    }),
  });
  const actions: CopyAction[] = [];
  for (const key of KEYS) actions.push(await ground.put(key, Buffer.from(key)));
  for (const [key, text] of left ?? []) {
    const content = Buffer.from(text);
    await ground.target.put(
      { bucket: 'target', key, headers: { metadata: {} } },
      { sizeBytes: content.byteLength, content },
    );
  }
  const { step, spec } = ground.begin();
  const committed: StepEffects[] = [];
  const ledger: Partial<Ledger> = {
    ...step.deps.ledger,
    loadBatch: async () => ({
      ...({ ordinal: 0, kind: 'objects', objects: KEYS.length, sizeBytes: 0 } as const),
      body: packActions(JSON.stringify(actions)),
    }),
    loadAttempt: async () => ({ spec }) as Awaited<ReturnType<Ledger['loadAttempt']>>,
    loadStep: async () => null,
    loadDeliveries: async () => new Map(),
    claimStep: async () => undefined,
    releaseStep: async () => undefined,
    async commitStep(_fence, _key, _holder, _result, effects) {
      committed.push(effects);
    },
  };
  const deps = { ...step.deps, ledger } as ActivityDeps;
  const guard = { ...step.runtime.guard, assertCurrent: () => undefined, assertMayWrite: () => undefined };
  const runtime: ActivityRuntime = { ...step.runtime, guard, tryNumber: left === undefined ? 1 : 2 };
  const copied: Promise<BatchResult> = copyBatch(deps, runtime, {
    fence: step.fence,
    manifestHash: 'hash',
    ordinal: 0,
  });
  return { copied, committed };
}

test('objects whose signature does not match are outcomes, however many, where the store knows the credentials', async () => {
  const isRefused = (key: string): boolean => Number(key.slice(4)) % 3 === 1;
  const { copied, committed } = await copyAll((key) => (isRefused(key) ? mismatch() : null));
  const refused = KEYS.filter(isRefused);
  assert.ok(refused.length > 8);
  assert.equal((await copied).counts.failed, refused.length);
  assert.equal((await copied).counts.copied, KEYS.length - refused.length);
  const outcomes = committed[0]?.outcomes ?? [];
  assert.deepEqual(outcomes.map(({ key }) => key).sort(), refused.sort());
  assert.ok(outcomes.every(({ code }) => code === 'store_error'));
});

test('so they are where they alone are left to copy, as on the next night', async () => {
  const { copied, committed } = await copyAll(mismatch);
  assert.equal((await copied).counts.failed, KEYS.length);
  assert.equal(committed[0]?.outcomes?.length, KEYS.length);
});

test('a store that takes nothing that is signed so fails the batch, and is not asked for every object', async () => {
  let asked = 0;
  const { copied, committed } = await copyAll(() => {
    asked += 1;
    return mismatch();
  }, false);
  await catchFailure('bad_credentials', copied);
  assert.ok(asked < KEYS.length);
  assert.deepEqual(committed, []);
});

test('a source that takes nothing that is signed so fails the batch, though the target answers', async () => {
  const { copied, committed } = await copyAll(
    () => null,
    true,
    () => ({
      get: () => Promise.reject(mismatch()),
      head: () => Promise.reject(new WaybillError('access_denied', '403')),
    }),
  );
  await catchFailure('bad_credentials', copied);
  assert.deepEqual(committed, []);
});

test('a question that a store does not answer at once does not make an object’s own failure that of the credentials', async () => {
  let asked = 0;
  const { copied } = await copyAll(
    (key) => (key === 'key-7' ? mismatch() : null),
    true,
    (store) => ({
      head: (request) =>
        ++asked === 1
          ? Promise.reject(new WaybillError('store_slow_down', 'slow down', {}, { retryAfterMs: 1 }))
          : store.head(request),
    }),
  );
  assert.equal((await copied).counts.failed, 1);
  assert.equal(asked, 2);
});

test('credentials that are not accepted any more fail the batch, whatever was taken before', async () => {
  let asked = 0;
  const refusal = (): WaybillError =>
    new WaybillError('bad_credentials', 'no such key', { s3Code: 'InvalidAccessKeyId' });
  const { copied, committed } = await copyAll(() => (++asked > 5 ? refusal() : null));
  await catchFailure('bad_credentials', copied);
  assert.deepEqual(committed, []);
});

test('what a killed worker wrote and did not record is neither read nor sent again', async () => {
  const left = new Map(KEYS.slice(0, 25).map((key) => [key, key]));
  // Somebody else's, as long as ours.
  left.set('key-30', 'KEY-30');
  for (const isListed of [true, false]) {
    const read: string[] = [];
    const sent: string[] = [];
    const { copied, committed } = await copyAll(
      (key) => {
        sent.push(key);
        return null;
      },
      true,
      (store) => ({
        get(request) {
          read.push(request.key);
          return store.get(request);
        },
      }),
      left,
      isListed ? null : () => Promise.reject(new WaybillError('access_denied', 'no listing')),
    );
    const { counts } = await copied;
    assert.deepEqual([counts.copied, counts.failed], [39, 1]);
    assert.equal(committed[0]?.deliveries?.length, 39);
    assert.deepEqual(
      committed[0].outcomes?.map(({ key, code }) => [key, code]),
      [['key-30', 'target_conflict']],
    );
    const todo = isListed ? KEYS.slice(25) : KEYS;
    assert.deepEqual(read.sort(), [...todo].sort());
    assert.deepEqual(sent.sort(), [...todo].sort());
  }
});
