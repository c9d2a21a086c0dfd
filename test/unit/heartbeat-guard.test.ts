import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startHeartbeat, type BeatVerdict } from '../../activities/heartbeat-guard.ts';
import { isWaybillError } from '../../core/failures.ts';

const TIMEOUT_MS = 60_000;
const isLost = (error: unknown): boolean => isWaybillError(error) && error.type === 'heartbeat_lost';

/** A guard whose one beat ended so, at 0 on a clock that only the test moves. */
async function guardAfter(beat: () => Promise<void>, toVerdict: (error: unknown) => BeatVerdict = () => null) {
  const clock = { atMs: 0 };
  const parent = new AbortController();
  const clocks = [(): number => clock.atMs];
  const guard = await startHeartbeat({ beat, toVerdict, timeoutMs: TIMEOUT_MS, parent: parent.signal, clocks });
  guard.stop();
  return { guard, clock };
}
const acknowledged = (): Promise<void> => Promise.resolve();
const refused = (): Promise<void> => Promise.reject(new Error('refused'));

test('a write begins until the last acknowledged heartbeat is older than half the time-out', async () => {
  const { guard, clock } = await guardAfter(acknowledged);
  clock.atMs = TIMEOUT_MS / 2;
  guard.assertMayWrite();
  clock.atMs += 1;
  assert.throws(() => guard.assertMayWrite(), isLost);
  assert.ok(guard.signal.aborted, 'what is in flight ends too');
  assert.throws(() => guard.assertCurrent(), isLost);
});

test('a Temporal that never answered lets nothing begin', async () => {
  const { guard } = await guardAfter(refused);
  assert.throws(() => guard.assertMayWrite(), isLost);
});

test('an execution that is cancelled begins no write, fails as cancelled, and may still say what it did', async () => {
  const reason = new Error('cancelled');
  const { guard, clock } = await guardAfter(refused, () => ({ ended: reason }));
  assert.equal(guard.signal.reason, reason);
  assert.throws(
    () => guard.assertMayWrite(),
    (error) => error === reason,
  );
  clock.atMs = TIMEOUT_MS / 2;
  guard.assertCurrent();
  clock.atMs += 1;
  assert.throws(() => guard.assertCurrent(), isLost);
});

test('an execution that was superseded neither writes nor says anything', async () => {
  const { guard } = await guardAfter(refused, () => 'superseded');
  assert.ok(isLost(guard.signal.reason));
  assert.throws(() => guard.assertMayWrite(), isLost);
  assert.throws(() => guard.assertCurrent(), isLost);
});

test('a worker that shuts down ends its executions, which may still say what they did', async () => {
  const parent = new AbortController();
  const guard = await startHeartbeat({
    beat: acknowledged,
    toVerdict: () => null,
    timeoutMs: TIMEOUT_MS,
    parent: parent.signal,
  });
  try {
    const reason = new Error('WORKER_SHUTDOWN');
    parent.abort(reason);
    assert.throws(
      () => guard.assertMayWrite(),
      (error) => error === reason,
    );
    guard.assertCurrent();
  } finally {
    guard.stop();
  }
});

test('an execution that the worker knows to be nobody’s says nothing', async () => {
  const parent = new AbortController();
  const guard = await startHeartbeat({
    beat: acknowledged,
    toVerdict: (error) => (error instanceof Error && error.message === 'NOT_FOUND' ? 'superseded' : null),
    timeoutMs: TIMEOUT_MS,
    parent: parent.signal,
  });
  try {
    parent.abort(new Error('NOT_FOUND'));
    assert.throws(() => guard.assertCurrent(), isLost);
  } finally {
    guard.stop();
  }
});
