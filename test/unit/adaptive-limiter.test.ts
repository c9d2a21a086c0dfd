import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdaptiveLimiter } from '../../activities/copy/adaptive-limiter.ts';

function createLimiter() {
  const clock = { now: 0 };
  const limiter = new AdaptiveLimiter({ min: 2, start: 4, max: 8, now: () => clock.now });
  const succeed = async (times: number, tookMs = 10): Promise<void> => {
    for (let count = 0; count < times; count++) {
      await limiter.use(async () => {
        clock.now += tookMs;
      }, true);
    }
  };
  return { clock, limiter, succeed };
}

test('a round of successes allows one more, up to the most', async () => {
  const { limiter, succeed } = createLimiter();
  await succeed(4);
  assert.equal(limiter.limit, 5);
  await succeed(100);
  assert.equal(limiter.limit, 8);
});

test('a store that asks to slow down halves the limit, once for a burst, and never below the least', async () => {
  const { limiter, clock } = createLimiter();
  clock.now = 5000;
  limiter.slowDown();
  limiter.slowDown();
  assert.equal(limiter.limit, 2);
  clock.now += 2000;
  limiter.slowDown();
  assert.equal(limiter.limit, 2);
});

test('answers that come much later than they used to count as congestion', async () => {
  const { limiter, succeed } = createLimiter();
  await succeed(20);
  const before = limiter.limit;
  await succeed(1, 60_000);
  assert.equal(limiter.limit, Math.floor(before / 2));
});

test('no more than the limit are in flight at once, and all get their turn', async () => {
  const { limiter } = createLimiter();
  let inFlight = 0;
  let most = 0;
  let done = 0;
  await Promise.all(
    Array.from({ length: 50 }, () =>
      limiter.use(async () => {
        inFlight += 1;
        most = Math.max(most, inFlight);
        assert.ok(inFlight <= limiter.limit, `${inFlight} in flight at a limit of ${limiter.limit}`);
        await new Promise((resolve) => setImmediate(resolve));
        inFlight -= 1;
        done += 1;
      }, false),
    ),
  );
  assert.equal(done, 50);
  assert.ok(most >= 4, 'the limit is used');
});
