import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TokenCycle } from '../../activities/list/token-cycle.ts';

const countUntilSeen = (tokenAt: (index: number) => number, most: number): number => {
  const cycle = new TokenCycle();
  for (let at = 0; at < most; at++) if (cycle.comesAgain(String(tokenAt(at)))) return at + 1;
  return Infinity;
};

test('tokens that go round are noticed, whatever comes before the round', () => {
  fc.assert(
    fc.property(fc.nat(300), fc.integer({ min: 1, max: 200 }), (before, round) => {
      const seen = countUntilSeen((at) => (at < before ? at : before + ((at - before) % round)), 10_000);
      assert.ok(seen > before + round && seen <= 3 * (before + round) + 1, `${String(seen)} tokens`);
    }),
  );
});

test('the same token twice is noticed at once, and tokens that are all new never', () => {
  assert.equal(
    countUntilSeen(() => 7, 10),
    2,
  );
  assert.equal(
    countUntilSeen((at) => at, 100_000),
    Infinity,
  );
});
