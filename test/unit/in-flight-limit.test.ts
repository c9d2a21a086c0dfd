import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InFlightLimit } from '../../activities/list/in-flight-limit.ts';

/** A store with a latency and a rate that it does not exceed: what is asked beyond that queues. */
function drive(limit: InFlightLimit, seconds: number, { latencyMs = 100, perSecond = Infinity } = {}): void {
  for (let now = 0; now < seconds * 1000; now += latencyMs) {
    const inFlight = limit.current;
    const queuedMs = (inFlight * 1000) / perSecond;
    for (let answer = 0; answer < inFlight; answer++) limit.answered(now, Math.max(latencyMs, queuedMs));
  }
}

test('it doubles with each round trip as long as answers come as fast as ever', () => {
  const limit = new InFlightLimit({ max: 64 });
  for (let page = 0; page < 5; page++) limit.answered(page * 100, 100);
  const seen: number[] = [];
  for (let round = 0; round < 4; round++) {
    seen.push(limit.current);
    drive(limit, 0.1);
  }
  const [first = 0] = seen;
  assert.ok(first >= 8 && first <= 12, seen.join());
  assert.deepEqual(seen, [first, 2 * first, 4 * first, 64]);
});

test('a store that asks to slow down gets half as many, once for a burst, and then one more for each round trip', () => {
  const limit = new InFlightLimit({ max: 64 });
  drive(limit, 2);
  assert.equal(limit.current, 64);
  for (let answer = 0; answer < 20; answer++) limit.slowDown(2000 + answer);
  assert.equal(limit.current, 32);
  limit.slowDown(3500);
  assert.equal(limit.current, 16);
  drive(limit, 1);
  assert.equal(limit.current, 26);
  for (let now = 10_000; now < 30_000; now += 1500) limit.slowDown(now);
  assert.equal(limit.current, 1);
});

test('where answers only queue there are fewer, and about as many as are answered in two and a half of the best times', () => {
  const limit = new InFlightLimit({ max: 64 });
  for (let page = 0; page < 5; page++) limit.answered(page * 100, 100);
  drive(limit, 60, { perSecond: 100 });
  assert.ok(limit.current >= 20 && limit.current <= 40, String(limit.current));
  // Answers that take six times as long are too many at once, whatever they were.
  const crowded = new InFlightLimit({ max: 64 });
  drive(crowded, 2);
  for (let answer = 0; answer < 40; answer++) crowded.answered(5000 + answer, 2000);
  assert.ok(crowded.current <= 32, String(crowded.current));
});

test('answers that differ are no congestion', () => {
  const limit = new InFlightLimit({ max: 64 });
  for (let answer = 0; answer < 2000; answer++) limit.answered(answer * 5, answer % 10 === 0 ? 400 : 75);
  assert.equal(limit.current, 64);
});
