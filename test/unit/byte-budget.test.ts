import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MiB } from '../../core/limits.ts';
import { ByteBudget, type Lent } from '../../activities/copy/byte-budget.ts';

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
  assert.equal(overlaps(first, second), false);
  const { byteOffset } = first.memory;
  first.giveBack();
  first.giveBack();
  const [third, fourth] = [await budget.lend(50_000), await budget.lend(40_000)];
  assert.equal(third.memory?.byteOffset, byteOffset);
  assert.equal(overlaps(third, fourth), false, 'given back twice, it would be lent twice');
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

test('what is lent is of one piece, whatever sizes are asked for by turns, as long as free bytes lie together', async () => {
  const budget = new ByteBudget(16 * MiB);
  const buffers = new Set<unknown>();
  for (const bytes of [MiB, 8 * MiB, 3 * MiB + 1, 16 * MiB, 40_000]) {
    const lent = await Promise.all(
      Array.from({ length: Math.min(64, Math.floor((16 * MiB) / bytes)) }, () => budget.lend(bytes)),
    );
    for (const one of lent) buffers.add(one.memory?.buffer);
    for (const one of lent) one.giveBack();
  }
  assert.equal(buffers.size, 1);
});

test('where free bytes lie apart, new memory is lent, and not kept', async () => {
  const budget = new ByteBudget(4 * MiB);
  const lent = await Promise.all([0, 1, 2, 3].map(() => budget.lend(MiB)));
  lent[0]?.giveBack();
  lent[2]?.giveBack();
  const apart = await budget.lend(2 * MiB);
  assert.equal(apart.memory?.byteLength, 2 * MiB);
  assert.ok(lent.every(({ memory }) => memory?.buffer !== apart.memory?.buffer));
  apart.giveBack();
  for (const one of [lent[1], lent[3]]) one?.giveBack();
  assert.equal((await budget.lend(4 * MiB)).memory?.buffer, lent[0]?.memory?.buffer, 'all of it is free again');
});

const overlaps = ({ memory: a }: Lent, { memory: b }: Lent): boolean =>
  a !== null &&
  b !== null &&
  a.buffer === b.buffer &&
  a.byteOffset < b.byteOffset + b.byteLength &&
  b.byteOffset < a.byteOffset + a.byteLength;

test('no two lent at once overlap, and all is free once all was given back', async () => {
  const step = fc.oneof(
    fc.record({ lend: fc.oneof(fc.integer({ min: 32_768, max: 300_000 }), fc.constantFrom(65_536, 131_072, 262_144)) }),
    fc.record({ giveBack: fc.nat(20) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const budget = new ByteBudget(MiB);
      const first = await budget.lend(32_768);
      const out: Lent[] = [first];
      for (const step of steps) {
        if ('giveBack' in step) out.splice(step.giveBack, 1)[0]?.giveBack();
        else {
          const lent = budget.tryLend(step.lend);
          if (lent === null) continue;
          assert.ok(out.every((other) => !overlaps(lent, other)));
          out.push(lent);
        }
      }
      for (const lent of out) lent.giveBack();
      assert.equal(budget.tryLend(MiB)?.memory?.buffer, first.memory?.buffer);
    }),
  );
});
