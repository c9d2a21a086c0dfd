/** What a person reads of a run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunJson } from '../../cli/api-client.ts';
import { printRun } from '../../cli/print-run.ts';

const RUN: RunJson = {
  ...{ id: 'the-id', pipeline: 'p', run_id: 'r', mode: 'run', attempt: 1, state: 'partial' },
  ...{ manifest_hash: null, plan_hash: null, summary: null, verification: null },
  totals: {
    objects: 8,
    skipped: 1,
    copied: 3,
    copied_bytes: 300,
    outcomes: { access_denied: 4 },
  } as unknown as RunJson['totals'],
  failure: { type: 'incomplete', message: '4 of 8 objects were not copied' },
  ...{ accepted_at: '2026-01-01T00:00:00Z', ended_at: '2026-01-01T00:00:01Z' },
};

test('a failure comes with what to do about it, for this run', () => {
  const text = printRun(RUN);
  assert.match(text, /^ {2}copied {5}3 \(300 B\)$/m);
  assert.match(text, /^ {2}failure {4}incomplete: 4 of 8/m);
  assert.match(text, /^ {2}hint {7}see GET \/v1\/runs\/the-id\/objects; start the run again to heal it$/m);
});

test('a plan has copied nothing', () => {
  const text = printRun({ ...RUN, mode: 'plan', state: 'done', failure: null });
  assert.match(text, /^ {2}to copy {4}3 \(300 B\)$/m);
  assert.doesNotMatch(text, /copied|hint/);
});
