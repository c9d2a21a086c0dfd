import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HeartbeatGuard } from '../../activities/heartbeat-guard.ts';
import { runStep } from '../../activities/run-step.ts';
import type { ActivityDeps, ActivityRuntime } from '../../activities/runtime.ts';
import { WaybillError } from '../../core/failures.ts';
import type { Fence, Ledger, StepEffects, StepKey } from '../../ledger/ledger.ts';
import type { Store } from '../../stores/store.ts';

const FENCE: Fence = { attemptId: 'attempt', targetId: 'target', epoch: 1 };
const KEY: StepKey = { manifestHash: 'hash', step: 'copy', ordinal: 3 };
const DELIVERY = {
  key: 'k',
  sourceEtag: 'e',
  sourceVersion: null,
  sizeBytes: 1,
  targetEtag: 't',
  checksum: 'md5:x',
};

/** A ledger that keeps one step in memory and notes every call, and a store that counts requests. */
function createBench(options: { stored?: unknown; failOn?: string } = {}) {
  const calls: string[] = [];
  let requests = 0;
  let lost = false;
  let saved: StepEffects | undefined;
  const note = (name: string): void => {
    calls.push(name);
    if (options.failOn === name) throw new WaybillError('ledger_unavailable', 'on purpose');
  };
  const assertCurrent = (): void => {
    if (lost) throw new WaybillError('heartbeat_lost', 'too old');
  };
  const guard: HeartbeatGuard = { signal: new AbortController().signal, assertCurrent, assertMayWrite: assertCurrent };
  const ledger: Partial<Ledger> = {
    loadStep: async () => (note('load'), options.stored ?? null),
    claimStep: async (_fence, _key, holder) => note(`claim ${holder}`),
    commitStep: async (_fence, _key, holder, _result, effects) => {
      note(`commit ${holder}`);
      saved = effects;
    },
    releaseStep: async (_fence, _key, holder, effects) => {
      note(`release ${holder}`);
      saved = effects;
    },
  };
  const deps = {
    ledger,
    openStore: (_name: string, onTraffic: (operation: 'PutObject', bytesIn: number, bytesOut: number) => void) =>
      ({
        delete: async () => {
          requests += 1;
          onTraffic('PutObject', 0, 7);
        },
      }) as unknown as Store,
  } as unknown as ActivityDeps;
  const warnings: string[] = [];
  const runtime: ActivityRuntime = {
    tryNumber: 1,
    holder: 'me',
    guard,
    log: { info: () => undefined, warn: (_fields, message) => void warnings.push(message) },
  };
  return {
    calls,
    warnings,
    requests: (): number => requests,
    saved: (): StepEffects | undefined => saved,
    lose: (): void => void (lost = true),
    run: (work: Parameters<typeof runStep<{ n: number }>>[4]) => runStep(deps, runtime, FENCE, KEY, work),
  };
}

test('a step whose result is stored is answered from the ledger, without a claim or a request to a store', async () => {
  const bench = createBench({ stored: { n: 7 } });
  assert.deepEqual(await bench.run(() => assert.fail('it was done')), { n: 7 });
  assert.deepEqual(bench.calls, ['load']);
  assert.equal(bench.requests(), 0);
});

test('a step is claimed before it is worked, and committed together with what it leaves', async () => {
  const bench = createBench();
  const result = await bench.run(async (step) => {
    assert.deepEqual(bench.calls, ['load', 'claim me']);
    await step.open('b').delete({ bucket: 'b', key: 'k' });
    step.deliveries.push(DELIVERY);
    step.outcomes.push({ key: 'o', code: 'store_error', detail: '' });
    return { n: 1 };
  });
  assert.deepEqual(result, { n: 1 });
  assert.deepEqual(bench.calls, ['load', 'claim me', 'commit me']);
  assert.deepEqual(bench.saved(), {
    deliveries: [DELIVERY],
    outcomes: [{ key: 'o', code: 'store_error', detail: '' }],
    traffic: { 'b/PutObject': { requests: 1, bytesIn: 0, bytesOut: 7 } },
  });
});

test('a step that fails releases what it did, and fails with its own failure', async () => {
  const bench = createBench();
  const failing = bench.run(async (step) => {
    await step.open('b').delete({ bucket: 'b', key: 'k' });
    step.deliveries.push(DELIVERY);
    throw new WaybillError('store_error', 'on purpose');
  });
  await assert.rejects(failing, { type: 'store_error' });
  assert.deepEqual(bench.calls, ['load', 'claim me', 'release me']);
  assert.deepEqual(bench.saved()?.deliveries, [DELIVERY]);
  assert.equal(bench.saved()?.traffic?.['b/PutObject']?.requests, 1);
});

test('a step whose heartbeat was lost begins no write, commits nothing and releases nothing', async () => {
  const bench = createBench();
  const losing = bench.run(async (step) => {
    step.deliveries.push(DELIVERY);
    bench.lose();
    await assert.rejects(step.open('b').delete({ bucket: 'b', key: 'k' }), { type: 'heartbeat_lost' });
    return { n: 1 };
  });
  await assert.rejects(losing, { type: 'heartbeat_lost' });
  assert.deepEqual(bench.calls, ['load', 'claim me']);
  assert.equal(bench.requests(), 0);
  assert.deepEqual(bench.warnings, ['nothing could be released']);
});

test('a commit that fails is followed by a release with the same effects, whose own failure does not hide the first', async () => {
  const bench = createBench({ failOn: 'commit me' });
  await assert.rejects(
    bench.run(async (step) => {
      await step.open('b').delete({ bucket: 'b', key: 'k' });
      return { n: 1 };
    }),
    { type: 'ledger_unavailable' },
  );
  assert.deepEqual(bench.calls, ['load', 'claim me', 'commit me', 'release me']);
  assert.equal(bench.saved()?.traffic?.['b/PutObject']?.requests, 1);

  const both = createBench({ failOn: 'release me' });
  const failing = both.run(() => Promise.reject(new WaybillError('store_timeout', 'on purpose')));
  await assert.rejects(failing, { type: 'store_timeout' });
});

test('a step that cannot be claimed makes no request', async () => {
  const bench = createBench({ failOn: 'claim me' });
  await assert.rejects(
    bench.run(() => assert.fail('unclaimed')),
    { type: 'ledger_unavailable' },
  );
  assert.deepEqual(bench.calls, ['load', 'claim me']);
});
