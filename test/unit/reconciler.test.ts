import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { createApiMetrics } from '../../api/metrics.ts';
import { Reconciler } from '../../api/reconciler.ts';
import type { Presence } from '../../control/run-control.ts';
import { WaybillError } from '../../core/failures.ts';
import type { RunState } from '../../core/run-state.ts';
import type { RunRecord } from '../../ledger/ledger.ts';

function buildRun(name: string, state: RunState, ageMs: number): RunRecord {
  const acceptedAt = new Date(Date.now() - ageMs).toISOString();
  return {
    id: name,
    mode: 'run',
    pipeline: 'copy',
    runId: name,
    nominalAt: null,
    attempt: { attemptId: `attempt of ${name}`, number: 1, state, acceptedAt },
  } as unknown as RunRecord;
}

/** A reconciler over these live attempts; what it did, and a way to make its dependencies fail. */
function setUp(live: readonly RunRecord[], presence: Readonly<Record<string, Presence>> = {}) {
  const done: string[] = [];
  const faults = { ledger: false, temporal: false };
  const check = (down: boolean, type: 'ledger_unavailable' | 'temporal_unavailable'): void => {
    if (down) throw new WaybillError(type, 'down');
  };
  const reconciler = new Reconciler(
    {
      ledger: {
        listLiveAttempts: async () => {
          check(faults.ledger, 'ledger_unavailable');
          return live;
        },
        loadRun: async (id) => live.find((run) => run.id === id) ?? assert.fail(),
        settleDeadAttempt: async (attemptId) => void done.push(`settle ${attemptId}`),
      },
      control: {
        look: async (run) => {
          check(faults.temporal, 'temporal_unavailable');
          return presence[run.id] ?? 'absent';
        },
        start: async (run) => void done.push(`start ${run.id}`),
      },
      logger: pino({ level: 'silent' }),
      metrics: createApiMetrics(),
    },
    20,
  );
  return { reconciler, done, faults };
}

test('what was accepted and never started is started', async () => {
  const { reconciler, done } = setUp([buildRun('old', 'accepted', 3000)]);
  await reconciler.look();
  assert.deepEqual(done, ['start old']);
});

test('what was accepted just now is left to the request that accepted it, until the next look', async () => {
  const { reconciler, done } = setUp([buildRun('young', 'accepted', 100)]);
  await reconciler.look();
  assert.deepEqual(done, []);
  await reconciler.look();
  assert.deepEqual(done, ['start young']);
});

test('a database whose clock is ahead delays a start by one look only', async () => {
  const { reconciler, done } = setUp([buildRun('ahead', 'accepted', -60_000)]);
  await reconciler.look();
  await reconciler.look();
  assert.deepEqual(done, ['start ahead']);
});

test('what runs, and what is beyond accepted, is left alone', async () => {
  const { reconciler, done } = setUp(
    [buildRun('running', 'accepted', 9000), buildRun('copying', 'copying', 9000), buildRun('paused', 'paused', 9000)],
    { running: 'running' },
  );
  await reconciler.look();
  assert.deepEqual(done, []);
});

test('a workflow that was terminated before its first activity is settled, and not started behind the operator’s back', async () => {
  const { reconciler, done } = setUp([buildRun('terminated', 'accepted', 9000)], { terminated: 'ended' });
  await reconciler.look();
  assert.deepEqual(done, ['settle attempt of terminated']);
});

for (const dependency of ['ledger', 'temporal'] as const) {
  test(`with the ${dependency} down it fails nobody, and goes on when that is back`, async () => {
    const { reconciler, done, faults } = setUp([buildRun('old', 'accepted', 9000)]);
    faults[dependency] = true;
    await reconciler.look();
    assert.deepEqual(done, []);
    faults[dependency] = false;
    await reconciler.look();
    assert.deepEqual(done, ['start old']);
  });
}

test('it looks at its start, and no more once it was stopped', async () => {
  const { reconciler, done } = setUp([buildRun('old', 'accepted', 9000)]);
  reconciler.start();
  await reconciler.stop();
  assert.deepEqual(done, ['start old']);
});
