import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MiB } from '../../core/limits.ts';
import { ByteBudget } from '../../activities/copy/byte-budget.ts';

test('no more bytes are out than there are, whatever is asked in whatever order, and all are served', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 15 }), { maxLength: 30 }),
      fc.scheduler(),
      async (sizes, scheduler) => {
        const budget = new ByteBudget(10);
        let out = 0;
        let served = 0;
        const works = sizes.map((size) =>
          budget.use(size, async () => {
            out += Math.min(size, 10);
            assert.ok(out <= 10, `${out} bytes are out`);
            await scheduler.schedule(Promise.resolve());
            out -= Math.min(size, 10);
            served += 1;
          }),
        );
        await scheduler.waitFor(Promise.all(works));
        assert.equal(served, sizes.length);
        assert.equal(out, 0);
      },
    ),
  );
});

test('first come, first served: a small one does not overtake a large one that waits', async () => {
  const budget = new ByteBudget(10);
  const order: string[] = [];
  const giveBack = await budget.take(6);
  const large = budget.take(8).then((give) => {
    order.push('large');
    give();
  });
  const small = budget.take(1).then((give) => {
    order.push('small');
    give();
  });
  giveBack();
  await Promise.all([large, small]);
  assert.deepEqual(order, ['large', 'small']);
});

test('bytes that are given back twice count once', async () => {
  const budget = new ByteBudget(10);
  const giveBack = await budget.take(10);
  giveBack();
  giveBack();
  const whole = await budget.take(10);
  let granted = false;
  const next = budget.take(1).then((give) => {
    granted = true;
    give();
  });
  await Promise.resolve();
  assert.equal(granted, false, 'the budget is all taken');
  whole();
  await next;
});

test('a failure gives its bytes back', async () => {
  const budget = new ByteBudget(1);
  await assert.rejects(budget.use(1, () => Promise.reject(new Error('on purpose'))));
  await budget.use(1, async () => undefined);
});

test('memory is lent again once it was given back, of the length asked for, and to nobody before', async () => {
  const budget = new ByteBudget(4 * 65_536);
  const first = await budget.lend(50_000);
  const second = await budget.lend(50_000);
  assert.equal(first.memory?.byteLength, 50_000);
  assert.notEqual(first.memory.buffer, second.memory?.buffer);
  const { buffer } = first.memory;
  first.giveBack();
  first.giveBack();
  const [third, fourth] = [await budget.lend(60_000), await budget.lend(40_000)];
  assert.equal(third.memory?.byteLength, 60_000);
  assert.equal(third.memory.buffer, buffer);
  assert.notEqual(fourth.memory?.buffer, buffer, 'given back twice, it would be lent twice');
  for (const lent of [second, third, fourth]) lent.giveBack();
});

test('small bodies and those beyond the budget bring their own memory, and wait for their bytes all the same', async () => {
  const budget = new ByteBudget(100_000);
  assert.equal((await budget.lend(1_000)).memory, null);
  const large = budget.lend(200_000);
  assert.equal(await Promise.race([large.then(() => 'lent'), Promise.resolve('waits')]), 'waits');
});

test('what is lent without waiting is taken like any other, and never before one that waits', async () => {
  const budget = new ByteBudget(10);
  const first = budget.tryLend(6);
  assert.ok(first !== null);
  assert.equal(budget.tryLend(5), null, 'not free');
  const waiting = budget.lend(5);
  assert.equal(budget.tryLend(1), null, 'somebody waits');
  first.giveBack();
  first.giveBack();
  const second = await waiting;
  const third = budget.tryLend(5);
  assert.ok(third !== null, 'given back once');
  assert.equal(budget.tryLend(1), null);
  second.giveBack();
  third.giveBack();
  assert.ok(budget.tryLend(100) !== null, 'what is larger than all of it takes all of it');
});

test('memory that is kept makes room for memory of another size, which is lent again too', async () => {
  const budget = new ByteBudget(16 * MiB);
  const small = await Promise.all(Array.from({ length: 16 }, () => budget.lend(MiB)));
  for (const lent of small) lent.giveBack();
  const buffers = new Set<unknown>();
  for (let round = 0; round < 10; round++) {
    const large = await Promise.all([budget.lend(8 * MiB), budget.lend(8 * MiB)]);
    for (const lent of large) buffers.add(lent.memory?.buffer);
    for (const lent of large) lent.giveBack();
  }
  assert.equal(buffers.size, 2);
});

test('memory is hardly larger than what it is for', async () => {
  const budget = new ByteBudget(64 * MiB);
  for (const bytes of [33_000, MiB, 5 * MiB, 8 * MiB, 11 * MiB + 1]) {
    const lent = await budget.lend(bytes);
    assert.equal(lent.memory?.byteLength, bytes);
    assert.ok(lent.memory.buffer.byteLength <= bytes * (bytes > MiB ? 1.25 : 2));
    lent.giveBack();
  }
});
