/** A read that is sent again: what is not, who is told, and that nobody waits for an answer that nobody needs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InFlightLimit } from '../../activities/list/in-flight-limit.ts';
import { requestPatiently } from '../../activities/request-patiently.ts';
import { WaybillError, type FailureType } from '../../core/failures.ts';
import { catchFailure } from '../support/catch-failure.ts';

/** Fails `failures` times, and then answers. */
function begin(type: FailureType, failures: number, { isOver = false, retryAfterMs = 1 } = {}) {
  const limit = new InFlightLimit({ max: 64 });
  const controller = new AbortController();
  let asked = 0;
  const request = async (): Promise<string> => {
    asked += 1;
    if (asked <= failures) throw new WaybillError(type, 'no', {}, { retryAfterMs });
    return 'answer';
  };
  const answer = requestPatiently(request, { limit, signal: controller.signal, isOver: () => isOver });
  return { answer, limit, controller, asked: () => asked };
}

test('what may pass is asked again, a few times; a store that asks to slow down is told of, and asked for longer', async () => {
  const passing = begin('store_error', 2);
  assert.equal(await passing.answer, 'answer');
  assert.deepEqual([passing.asked(), passing.limit.current], [3, 8]);
  const lasting = begin('store_error', 3);
  await catchFailure('store_error', lasting.answer);
  assert.equal(lasting.asked(), 3);
  const slow = begin('store_slow_down', 7);
  assert.equal(await slow.answer, 'answer');
  // Once for a burst.
  assert.deepEqual([slow.asked(), slow.limit.current], [8, 4]);
});

test('what does not pass, and what nobody needs any more, is not asked again', async () => {
  const denied = begin('access_denied', 1);
  await catchFailure('access_denied', denied.answer);
  const over = begin('store_error', 1, { isOver: true });
  await catchFailure('store_error', over.answer);
  assert.deepEqual([denied.asked(), over.asked()], [1, 1]);
});

test('once cancelled nothing is sent, and the reason is what it fails with', async () => {
  const reason = new WaybillError('heartbeat_lost', 'cancelled');
  const cancelled = begin('store_error', 2);
  cancelled.controller.abort(reason);
  await assert.rejects(cancelled.answer);
  assert.ok(cancelled.asked() <= 1);
  const paused = begin('store_slow_down', 1, { retryAfterMs: 5000 });
  // The first has failed, and its pause is under way.
  await Promise.resolve();
  await new Promise(setImmediate);
  paused.controller.abort(reason);
  await assert.rejects(paused.answer, reason);
  assert.equal(paused.asked(), 1);
});
