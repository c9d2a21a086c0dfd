/** When the guard beats, and by which clock and from which moment it counts. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { startHeartbeat, type HeartbeatOptions } from '../../activities/heartbeat-guard.ts';
import { WaybillError } from '../../core/failures.ts';

const TIMEOUT_MS = 6000;
const DOWN = new Error('down');

/** A Temporal whose answers the test gives, and two clocks that it sets. */
function createBench(answers: 'at once' | 'by hand' = 'at once') {
  const clock = { monotonic: 1000, wall: 5_000_000 };
  const parent = new AbortController();
  const pending: { acknowledge: () => void; refuse: (error: Error) => void }[] = [];
  let answer: Error | null = null;
  const options: HeartbeatOptions = {
    timeoutMs: TIMEOUT_MS,
    parent: parent.signal,
    clocks: [() => clock.monotonic, () => clock.wall],
    toVerdict: () => null,
    beat: () => {
      if (answers === 'at once') return answer === null ? Promise.resolve() : Promise.reject(answer);
      return new Promise((acknowledge, refuse) => pending.push({ acknowledge, refuse }));
    },
  };
  return {
    clock,
    parent,
    pending,
    options,
    answerWith: (error: Error | null): void => void (answer = error),
    pass(ms: number): void {
      clock.monotonic += ms;
      clock.wall += ms;
    },
  };
}

/** Lets promises that are settled run their course. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const LOST = { type: 'heartbeat_lost' };

test('a heartbeat counts from when it was sent: an answer that lay unread while the process was stopped gives no time', async () => {
  const bench = createBench('by hand');
  const starting = startHeartbeat(bench.options);
  // The answer came at once; then the process stood still, with the answer in its socket.
  bench.pass(TIMEOUT_MS * 10);
  bench.pending[0]?.acknowledge();
  const guard = await starting;
  assert.throws(() => guard.assertMayWrite(), LOST);
  guard.stop();
});

test('an answer that overtakes an earlier one is not taken back by it', async (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const bench = createBench('by hand');
  const starting = startHeartbeat(bench.options);
  bench.pending[0]?.acknowledge();
  const guard = await starting;
  bench.pass(1000);
  context.mock.timers.tick(1000);
  bench.pass(1000);
  context.mock.timers.tick(1000);
  assert.equal(bench.pending.length, 3);
  bench.pending[2]?.acknowledge();
  await settle();
  bench.pending[1]?.acknowledge();
  await settle();
  bench.pass(TIMEOUT_MS / 2);
  guard.assertMayWrite();
  guard.stop();
});

test('it beats six times in a time-out, so that two may be lost', async (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const bench = createBench();
  const beat = mock.fn(bench.options.beat);
  const guard = await startHeartbeat({ ...bench.options, beat });
  for (let beats = 2; beats <= 7; beats++) {
    bench.pass(1000);
    context.mock.timers.tick(1000);
    assert.equal(beat.mock.callCount(), beats);
    await settle();
  }
  bench.answerWith(DOWN);
  for (let lost = 0; lost < 2; lost++) {
    bench.pass(1000);
    context.mock.timers.tick(1000);
    await settle();
    guard.assertMayWrite();
  }
  guard.stop();
  context.mock.timers.tick(10_000);
  assert.equal(beat.mock.callCount(), 9);
});

test('time in which the machine was suspended counts, though the monotonic clock stood still; a wall clock set back does not help', async () => {
  const suspended = createBench();
  const guard = await startHeartbeat(suspended.options);
  suspended.clock.wall += TIMEOUT_MS;
  assert.throws(() => guard.assertMayWrite(), LOST);
  guard.stop();
  const setBack = createBench();
  const other = await startHeartbeat(setBack.options);
  setBack.clock.wall -= 3_600_000;
  other.assertMayWrite();
  setBack.clock.monotonic += TIMEOUT_MS;
  assert.throws(() => other.assertMayWrite(), LOST);
  other.stop();
});

test('an execution that starts cancelled writes nothing', async () => {
  const bench = createBench();
  bench.parent.abort(new WaybillError('worker_shutdown', 'the worker is shutting down'));
  const guard = await startHeartbeat(bench.options);
  assert.throws(() => guard.assertMayWrite(), { type: 'worker_shutdown' });
  guard.stop();
});
