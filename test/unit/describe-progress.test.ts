/** What a person reads of how far a run is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunJson } from '../../cli/api-client.ts';
import { createDescriber } from '../../cli/describe-progress.ts';

const RUN: RunJson = {
  ...{ id: 'the-id', pipeline: 'p', run_id: 'r', mode: 'run', attempt: 1, state: 'accepted' },
  ...{ manifest_hash: null, plan_hash: null, summary: null, verification: null, failure: null },
  totals: null as unknown as RunJson['totals'],
  ...{ accepted_at: '2026-01-01T00:00:00Z', ended_at: null },
};
type Told = NonNullable<RunJson['progress']>;
const told = (state: string, more: Partial<Told> = {}): RunJson => ({
  ...RUN,
  state,
  progress: { source: 'workflow', plan: null, manifest: null, counts: null, ...more },
});
const ended = (state: string, totals: Record<string, number>, mode: RunJson['mode'] = 'run'): RunJson => ({
  ...RUN,
  ...{ state, mode, progress: null, ended_at: '2026-01-01T00:00:01Z' },
  totals: { ...totals, outcomes: {} } as unknown as RunJson['totals'],
});
/** What the API says while no worker answers. */
const row = (state: string): RunJson => told(state, { source: 'ledger' });

const counts = (copied: number, failed = 0): Told['counts'] => ({
  ...{ copied, adopted: 2, copied_bytes: copied * 1024, failed },
});
const manifest = { objects: 6000 };
const plan = { to_copy: 5000, to_adopt: 2, skipped: 998 };

const follow = (...runs: readonly RunJson[]): string[] => {
  const describe = createDescriber();
  return runs.map((run) => describe(run).text);
};

test('a run says what it knows by then, and no number before', () => {
  assert.deepEqual(
    follow(
      told('accepted'),
      told('listing'),
      told('planning', { manifest }),
      told('copying', { manifest, plan, counts: counts(2000, 3) }),
      ended('partial', { objects: 6000, copied: 4997, copied_bytes: 2048, adopted: 2, skipped: 998 }),
    ),
    [
      'accepted',
      'listing',
      'planning: 6,000 objects listed',
      'copying 2,002/5,002 objects, 2.0 MiB, 3 failed',
      'partial: 4,997 copied (2.0 KiB), 2 adopted, 998 unchanged, 3 not copied',
    ],
  );
});

test('a run with nothing to copy says what is unchanged', () => {
  assert.deepEqual(
    follow(
      told('finalizing', { manifest, plan: { to_copy: 0, to_adopt: 0, skipped: 10_026 } }),
      ended('done', { objects: 10_026, copied: 0, copied_bytes: 0, adopted: 0, skipped: 10_026 }),
    ),
    ['finalizing: nothing to copy, 10,026 unchanged', 'done: 0 copied, 10,026 unchanged'],
  );
});

test('a plan has copied nothing', () => {
  const totals = { objects: 30, copied: 22, copied_bytes: 2200, adopted: 1, skipped: 5 };
  assert.deepEqual(follow(ended('done', totals, 'plan')), [
    'planned: 22 to copy (2.1 KiB), 1 to adopt, 5 unchanged, 2 refused',
  ]);
});

test('while no worker answers, what was told before stands, and nothing goes back', () => {
  const describe = createDescriber();
  const all = [
    told('copying', { manifest, plan, counts: counts(2000) }),
    row('copying'),
    told('finalizing', { manifest, plan, counts: counts(5000) }),
    row('copying'),
    { ...RUN, state: 'failed', progress: null },
  ].map((run) => describe(run));
  assert.deepEqual(
    all.map(({ text }) => text),
    [
      'copying 2,002/5,002 objects, 2.0 MiB',
      'copying 2,002/5,002 objects, 2.0 MiB',
      'finalizing 5,002/5,002 objects, 4.9 MiB',
      'finalizing 5,002/5,002 objects, 4.9 MiB',
      'failed, at least 5,002/5,002 objects, 4.9 MiB',
    ],
  );
  const fractions = all.map(({ fraction }) => fraction ?? -1);
  assert.deepEqual(fractions, [...fractions].sort());
});

test('a pause that only the workflow knows of lasts while it cannot be asked', () => {
  const paused = told('paused', { manifest, plan, counts: counts(2000) });
  assert.match(follow(paused, row('copying'))[1] ?? '', /^paused 2,002/);
});

test('where nothing was ever told, the row’s state is all', () => {
  assert.deepEqual(follow(row('copying'), { ...RUN, state: 'cancelled', progress: null }), ['copying', 'cancelled']);
});

test('another attempt begins anew', () => {
  const again: RunJson = { ...told('listing'), attempt: 2 };
  assert.equal(follow(told('copying', { manifest, plan, counts: counts(2000) }), again)[1], 'listing');
});
