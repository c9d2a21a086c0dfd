import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { acceptScheduled } from '../../activities/accept-scheduled.ts';
import { isWaybillError, WaybillError } from '../../core/failures.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { toApplicationFailure } from '../../worker/application-failure.ts';
import { buildSpec } from '../support/ledger-fixtures.ts';

const NOMINAL_AT = '2026-03-01T02:00:00Z';
const WINDOW_MS = 3_600_000;

/** Asks for the run so late, while an earlier one holds the target. */
async function acceptWhileBusy(lateMs: number): Promise<{ answer: unknown; warnings: string[] }> {
  const warnings: string[] = [];
  const ledger = {
    findRun: () => Promise.resolve(null),
    accept: () => Promise.reject(new WaybillError('target_busy', 'another run holds the target', { run: 'earlier' })),
  } as unknown as Ledger;
  const answer: unknown = await acceptScheduled(
    ledger,
    buildSpec,
    { info: () => undefined, warn: (_, message) => void warnings.push(message) },
    { pipeline: 'nightly', nominalAt: NOMINAL_AT, catchupWindowMs: WINDOW_MS },
    () => Date.parse(NOMINAL_AT) + lateMs,
  ).catch((error: unknown) => error);
  return { answer, warnings };
}

test('a nominal time that meets a busy target is asked for again, soon at first and twice a minute later', async () => {
  for (const [lateMs, retryAfterMs] of [
    [0, 1000],
    [60_000, 6000],
    [WINDOW_MS - 1, 30_000],
  ] as const) {
    const { answer, warnings } = await acceptWhileBusy(lateMs);
    assert.ok(isWaybillError(answer));
    assert.equal(answer.type, 'target_busy');
    assert.equal(answer.retryAfterMs, retryAfterMs);
    assert.deepEqual(warnings, []);
    const failure = toApplicationFailure(answer, 1);
    assert.ok(failure instanceof ApplicationFailure);
    assert.deepEqual([failure.nonRetryable, failure.nextRetryDelay], [false, retryAfterMs]);
  }
});

test('a nominal time whose catch-up window is over is skipped, and the log says so', async () => {
  const { answer, warnings } = await acceptWhileBusy(WINDOW_MS);
  assert.equal(answer, null);
  assert.equal(warnings.length, 1);
});
