import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
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
