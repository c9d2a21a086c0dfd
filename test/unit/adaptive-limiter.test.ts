import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdaptiveLimiter } from '../../activities/copy/adaptive-limiter.ts';

/** More than the copies of one judgement and those before it that count for nothing. */
const ENOUGH = 100;
const HOLD_MS = 10_000;
const STORES = ['source', 'target'];
const RUN = { run: 'one', stores: STORES };
const OTHER = { run: 'other', stores: STORES };

function createLimiter(max = 16) {
  const clock = { now: 0 };
  const limiter = new AdaptiveLimiter({ min: 2, start: 4, max, now: () => clock.now });
  /** A store of so many milliseconds, that serves at most so many at once: the others wait. */
  const succeed = (times: number, serviceMs = 10, atOnceMax = Infinity): void => {
    for (let count = 0; count < times; count++) {
      const tookMs = serviceMs * Math.max(1, limiter.limit / atOnceMax);
      clock.now += tookMs / limiter.limit;
      limiter.succeeded(tookMs);
    }
  };
  return { clock, limiter, succeed };
}

test('the limit doubles up to the most while that brings more', () => {
  const { limiter, succeed } = createLimiter();
  succeed(ENOUGH);
  assert.equal(limiter.limit, 8);
  succeed(10 * ENOUGH);
  assert.equal(limiter.limit, 16);
});

test('next to stores that are far a round at each limit is enough to go on, beside what was begun before it', () => {
  const { limiter, succeed, clock } = createLimiter(64);
  succeed(4 + 4, 50);
  assert.equal(limiter.limit, 8);
  succeed(4 + 8, 50);
  assert.equal(limiter.limit, 16);
  succeed(8 + 16, 50);
  succeed(16 + 32, 50);
  assert.equal(limiter.limit, 64);
  assert.ok(clock.now < 400, `${String(clock.now)} ms`);
});

test('a store that is far and serves no more at once is not given up after a round, and no more is asked of it either', () => {
  const { limiter, succeed } = createLimiter(64);
  succeed(4 + 4, 50, 4);
  assert.equal(limiter.limit, 8);
  succeed(4 + 63, 50, 4);
  assert.equal(limiter.limit, 8);
  succeed(1, 50, 4);
  assert.equal(limiter.limit, 4);
});

test('a doubling that brings nothing is taken back, and not tried again for a while', () => {
  const { limiter, succeed, clock } = createLimiter();
  succeed(70, 10, 4);
  assert.equal(limiter.limit, 8);
  succeed(75, 10, 4);
  assert.equal(limiter.limit, 4);
  const heldFrom = clock.now;
  while (clock.now < heldFrom + HOLD_MS - 1000) {
    succeed(1, 10, 4);
    assert.equal(limiter.limit, 4);
  }
  clock.now += 1000;
  succeed(ENOUGH, 10);
  assert.equal(limiter.limit, 8, 'the store bears more now');
});

test('a store that asks to slow down halves the limit, once for a burst, and never below the least', () => {
  const { limiter, clock } = createLimiter();
  clock.now = 5000;
  limiter.slowDown(STORES);
  limiter.slowDown(STORES);
  assert.equal(limiter.limit, 2);
  clock.now += 2000;
  limiter.slowDown(STORES);
  assert.equal(limiter.limit, 2);
});

test('after a store has asked to slow down a round of successes allows one more', () => {
  const { limiter, succeed, clock } = createLimiter();
  succeed(10 * ENOUGH);
  clock.now += 5000;
  limiter.slowDown(STORES);
  assert.equal(limiter.limit, 8);
  succeed(8);
  assert.equal(limiter.limit, 9);
  succeed(9);
  assert.equal(limiter.limit, 10);
  succeed(10 * ENOUGH);
  assert.equal(limiter.limit, 16);
});

test('copies of any size let the limit rise one by one', () => {
  const { limiter } = createLimiter();
  for (let count = 0; count < 4; count++) limiter.succeeded(undefined);
  assert.equal(limiter.limit, 5);
});

test('answers that come much later than they used to count as congestion', () => {
  const { limiter, succeed } = createLimiter();
  succeed(20);
  const before = limiter.limit;
  succeed(1, 60_000);
  assert.equal(limiter.limit, Math.floor(before / 2));
});

/** `count` pieces of work, each ending when it is told to. */
function createWork(count: number) {
  const ends: (() => void)[] = [];
  let begun = 0;
  return {
    get begun() {
      return begun;
    },
    beginNext: (): Promise<void> | null => {
      if (begun === count) return null;
      begun += 1;
      return new Promise((resolve) => ends.push(resolve));
    },
    endOne: async (): Promise<void> => {
      ends.shift()?.();
      await Promise.resolve();
      await Promise.resolve();
    },
  };
}

test('no more than the limit are in flight at once, and all get their turn', async () => {
  const { limiter } = createLimiter();
  const work = createWork(50);
  let isOver = false;
  const ended = limiter.run(RUN, work.beginNext).then(() => (isOver = true));
  for (let done = 0; done < 50; done++) {
    assert.ok(work.begun - done <= limiter.limit, `${work.begun - done} in flight at a limit of ${limiter.limit}`);
    assert.equal(work.begun, Math.min(50, done + limiter.limit), 'the limit is used');
    assert.ok(!isOver, 'not before the last has ended');
    await work.endOne();
  }
  await ended;
  assert.equal(work.begun, 50);
});

test('the queues of one run come one after the other', async () => {
  const { limiter } = createLimiter();
  const [first, second, other] = [createWork(8), createWork(8), createWork(20)];
  const ended = limiter.run(RUN, first.beginNext);
  void limiter.run(RUN, second.beginNext);
  void limiter.run(OTHER, other.beginNext);
  for (let count = 0; count < 4; count++) await first.endOne();
  assert.deepEqual([first.begun, second.begun, other.begun], [6, 0, 2]);
  for (let count = 0; count < 4; count++) await other.endOne();
  assert.deepEqual([first.begun, second.begun], [8, 0]);
  for (let count = 0; count < 4; count++) await first.endOne();
  await ended;
  assert.ok(second.begun > 0);
});

test('there is room while less is in flight than may be', async () => {
  const { limiter } = createLimiter();
  const work = createWork(5);
  assert.ok(limiter.hasRoom);
  const ended = limiter.run(RUN, work.beginNext);
  assert.ok(!limiter.hasRoom);
  await work.endOne();
  assert.ok(!limiter.hasRoom, 'the fifth is in flight');
  await work.endOne();
  assert.ok(limiter.hasRoom);
  for (let count = 0; count < 3; count++) await work.endOne();
  await ended;
});

test('runs take turns, and a queue that has nothing left leaves its places to the others', async () => {
  const { limiter } = createLimiter();
  const first = createWork(3);
  const second = createWork(20);
  const ended = limiter.run(RUN, first.beginNext);
  void limiter.run(OTHER, second.beginNext);
  assert.equal(first.begun, 3);
  assert.equal(second.begun, 1);
  for (let count = 0; count < 3; count++) await first.endOne();
  await ended;
  assert.equal(second.begun, limiter.limit);
});

test('a place that comes free goes to each run in turn', async () => {
  const { limiter } = createLimiter();
  const first = createWork(20);
  const second = createWork(20);
  void limiter.run(RUN, first.beginNext);
  void limiter.run(OTHER, second.beginNext);
  assert.equal(first.begun, 4);
  for (let count = 0; count < 4; count++) await first.endOne();
  assert.deepEqual([first.begun, second.begun], [6, 2]);
});

test('a queue that is told to stop ends with what it has in flight, also while the limit leaves no room', async () => {
  const { limiter, clock } = createLimiter();
  const work = createWork(20);
  let isStopped = false;
  const ended = limiter.run(RUN, () => (isStopped ? null : work.beginNext()));
  clock.now = 5000;
  limiter.slowDown(STORES);
  isStopped = true;
  for (let count = 0; count < 4; count++) await work.endOne();
  await ended;
  assert.equal(work.begun, 4);
});

test('an empty queue ends at once', async () => {
  const { limiter } = createLimiter();
  await limiter.run(RUN, () => null);
});

test('what a store asks is told to others, once for a burst; what others tell halves the limit where that store is copied from or to', async () => {
  const told: (readonly string[])[] = [];
  const clock = { now: 5000 };
  const limiter = new AdaptiveLimiter({
    ...{ min: 2, start: 16, max: 64, now: () => clock.now },
    onSlowDown: (stores) => told.push(stores),
  });
  limiter.slowDown(STORES);
  limiter.slowDown(STORES);
  assert.deepEqual([limiter.limit, told], [8, [STORES]]);
  clock.now += 2000;
  limiter.heardSlowDown(STORES);
  assert.equal(limiter.limit, 8, 'nothing is copied');
  const work = createWork(20);
  const ended = limiter.run(RUN, work.beginNext);
  limiter.heardSlowDown(['another']);
  assert.equal(limiter.limit, 8);
  limiter.heardSlowDown(['another', 'target']);
  limiter.heardSlowDown(['source']);
  assert.equal(limiter.limit, 4);
  assert.equal(told.length, 1, 'what was heard is not told again');
  for (let count = 0; count < 20; count++) await work.endOne();
  await ended;
});
