/** The steps of a large object: what was delivered by an execution whose commit failed is not read and sent once more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyBatch } from '../../activities/copy-batch.ts';
import { completeLarge } from '../../activities/copy-large.ts';
import { packActions } from '../../activities/plan/action.ts';
import type { ActivityDeps, ActivityRuntime } from '../../activities/runtime.ts';
import type { BatchResult, BatchStep } from '../../activities/types.ts';
import { WaybillError } from '../../core/failures.ts';
import { MiB } from '../../core/limits.ts';
import type { DeliveryRecord, Ledger, StepEffects } from '../../ledger/ledger.ts';
import type { Store } from '../../stores/store.ts';
import { catchFailure } from '../support/catch-failure.ts';
import { createCopyGround } from '../support/copy-ground.ts';
import { buildBytes } from '../support/store-bytes.ts';

const BYTES = buildBytes(20 * MiB, 5);
const PARTS = 3;

for (const [name, execute] of [
  ['the first step, where its parts are one group', copyBatch],
  ['the completion', completeLarge],
] as const) {
  test(`${name}: a commit that fails after the deliveries were released does not copy it again`, async () => {
    let sent = 0;
    const ground = await createCopyGround({
      target: (store: Store) => ({
        uploadPart(upload, partNumber, body) {
          sent += 1;
          return store.uploadPart(upload, partNumber, body);
        },
      }),
    });
    const action = await ground.put('key', BYTES);
    const { step, spec } = ground.begin();
    const delivered = new Map<string, DeliveryRecord>();
    const committed: StepEffects[] = [];
    let isDown = true;
    const ledger: Partial<Ledger> = {
      ...step.deps.ledger,
      loadBatch: async () => ({
        ordinal: 0,
        kind: 'large',
        objects: 1,
        sizeBytes: 0,
        body: packActions(JSON.stringify([action])),
      }),
      loadAttempt: async () => ({ spec }) as Awaited<ReturnType<Ledger['loadAttempt']>>,
      loadStep: async () => null,
      claimStep: async () => undefined,
      async commitStep(_fence, _key, _holder, _result, effects) {
        if (isDown) throw new WaybillError('ledger_unavailable', 'on purpose');
        committed.push(effects);
      },
      async releaseStep(_fence, _key, _holder, { deliveries = [] }) {
        for (const delivery of deliveries) delivered.set(delivery.key, delivery);
        ground.uploads.clear();
      },
      loadDeliveries: async () => delivered,
    };
    const deps = { ...step.deps, ledger } as ActivityDeps;
    const run = (tryNumber: number): Promise<BatchResult> => {
      const guard = { ...step.runtime.guard, assertCurrent: () => undefined, assertMayWrite: () => undefined };
      const runtime: ActivityRuntime = { ...step.runtime, guard, tryNumber };
      const input: BatchStep = { fence: step.fence, manifestHash: 'hash', ordinal: 0 };
      return execute(deps, runtime, input);
    };
    await catchFailure('ledger_unavailable', run(1));
    assert.equal(sent, PARTS);
    assert.equal(delivered.size, 1);
    isDown = false;
    const { counts, large } = await run(2);
    assert.equal(sent, PARTS);
    assert.deepEqual([counts.copied, counts.copiedBytes, large], [1, BYTES.byteLength, null]);
    assert.deepEqual(
      committed.map(({ deliveries }) => deliveries),
      [[]],
    );
    assert.ok((await ground.readTarget('key')).equals(BYTES));
  });
}
