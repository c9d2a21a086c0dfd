/**
 * I6 and I11 for listing by ranges: whatever the keys, the pages' sizes, the order in which answers come, the moments at which they are
 * committed and the moments at which the process dies, the ranges together hold what a serial listing holds, each key once.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertComplete } from '../../activities/list/assert-complete.ts';
import { Ladder, type Ask } from '../../activities/list/ladder.ts';
import { Ranges, type KeyPage } from '../../activities/list/ranges.ts';
import { failureTypeOf } from '../../core/failures.ts';
import { isWellFormed } from '../../core/utf8-order.ts';
import type { ListingRange } from '../../ledger/ledger.ts';

const SERIAL: ListingRange = { ordinal: 0, after: null, until: null, cursor: null, done: false };
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Characters at which encoders, orders and pivots go wrong, among those that keys are made of. */
const character = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...'0123456789abcdefxyzABZ/-_=.') },
  {
    weight: 2,
    arbitrary: fc.constantFrom('%', '+', ' ', '~', '\u007f', '\u0001', '\u001f', '\u0085', '\ue000', '\uffff'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('é', '用', '户', '\ud7ff', '\u{10000}', '\u{1f600}', '\u{10ffff}', '\u2028'),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
);
const text = (maxLength: number) =>
  fc.array(character, { minLength: 1, maxLength }).map((characters) => characters.join(''));
const keySet = fc
  .oneof(
    fc.array(text(8), { maxLength: 80 }),
    // Counters and trees under a few stems: what gets cut.
    fc
      .tuple(fc.array(text(6), { minLength: 1, maxLength: 3 }), fc.array(fc.nat(9999), { maxLength: 120 }))
      .map(([stems, numbers]) =>
        numbers.map((n, at) => `${stems[at % stems.length] ?? ''}${String(n).padStart(4, '0')}`),
      ),
    fc.array(text(3), { maxLength: 120 }),
  )
  .map((keys) => [...new Set(keys)].filter(isWellFormed).sort(byBytes));

interface World {
  readonly keys: readonly string[];
  readonly pageKeys: number;
  readonly slots: number;
  /** What happens next, each time that something can. */
  readonly choices: readonly number[];
}
const world: fc.Arbitrary<World> = fc.record({
  keys: keySet,
  pageKeys: fc.integer({ min: 1, max: 7 }),
  slots: fc.integer({ min: 1, max: 9 }),
  choices: fc.array(fc.nat(1_000_000), { minLength: 40, maxLength: 400 }),
});

interface Told {
  readonly ranges: readonly ListingRange[];
  readonly keys: readonly string[];
}

interface End {
  readonly keys: readonly string[];
  readonly ranges: number;
  readonly deaths: number;
}

/** A listing whose every step is chosen: an answer comes, what was taken is committed, the process dies and another goes on. */
function run({ keys, pageKeys, slots, choices }: World, mayDie: boolean): End {
  let committed: Told = { ranges: [SERIAL], keys: [] };
  let next = 0;
  const choose = (): number => choices[(next += 1) % choices.length] ?? 0;
  let deaths = 0;
  for (;;) {
    const outcome = runOnce();
    if (outcome === 'done') break;
    deaths += 1;
  }
  assertComplete(committed.ranges);
  return { keys: committed.keys, ranges: committed.ranges.length, deaths };

  function runOnce(): 'done' | 'died' {
    const ranges = new Ranges(committed.ranges);
    const ladder = new Ladder(ranges, '');
    const underWay: Ask[] = [];
    let taken = [...committed.keys];
    for (;;) {
      underWay.push(...ladder.next(slots - underWay.length, true));
      const choice = choose();
      // A process dies a few times only, or nothing would ever end.
      if (mayDie && deaths < 6 && choice % 11 === 0) return 'died';
      if (underWay.length === 0 || choice % 3 === 0) {
        committed = { ranges: ranges.all.map(toRow), keys: taken };
        for (const range of ranges.all) range.recorded = true;
        if (ladder.isDone) return 'done';
        continue;
      }
      const [ask] = underWay.splice(choice % underWay.length, 1);
      assert.ok(ask !== undefined);
      const page = toPage(ask, choice);
      const arrival = ladder.arrived(ask, page);
      if (arrival === null) continue;
      assert.equal(arrival.kind, 'taken');
      if (arrival.kind === 'taken') {
        taken = [...taken, ...Array.from({ length: arrival.taken.count }, (_, index) => page.keyAt(index))];
      }
    }
  }

  function toPage(ask: Ask, choice: number): KeyPage {
    const token = ask.kind === 'page' ? ask.token : null;
    const after = ask.kind === 'page' ? ask.startAfter : ask.pivot;
    const from =
      token !== null
        ? Number(token.split(' ')[0])
        : keys.filter((key) => after !== null && byBytes(key, after) <= 0).length;
    // Stores may return less than asked for, and even nothing, while more follows.
    const count = Math.min(keys.length - from, choice % 13 === 0 ? 0 : choice % 7 === 0 ? 1 : pageKeys);
    const page = keys.slice(from, from + count);
    return {
      count,
      keyAt: (index) => page[index] ?? assert.fail(),
      countUpTo: (key) => page.filter((each) => byBytes(each, key) <= 0).length,
      token: from + count < keys.length ? `${String(from + count)} ${String(next)}` : null,
    };
  }
}

const toRow = ({ ordinal, after, until, cursor, done }: ListingRange): ListingRange => ({
  ordinal,
  after,
  until,
  cursor,
  done,
});

test('the union of the ranges is the serial listing, for any keys, pages and order of answers', () => {
  let cut = 0;
  fc.assert(
    fc.property(world, (input) => {
      const end = run(input, false);
      if (end.ranges > 1) cut += 1;
      assert.deepEqual([...end.keys].sort(byBytes), input.keys);
    }),
    { numRuns: 600 },
  );
  // Enough that the generator reaches what is to be shown, and seven standard deviations below what it gives (167 ± 12).
  assert.ok(cut > 75, `${String(cut)} of 600 listings were cut`);
});

test('a listing whose process dies anywhere goes on from what is committed, and ends as the serial listing', () => {
  let died = 0;
  let cut = 0;
  fc.assert(
    fc.property(world, (input) => {
      const end = run(input, true);
      if (end.deaths > 0) died += 1;
      if (end.deaths > 0 && end.ranges > 1) cut += 1;
      assert.deepEqual([...end.keys].sort(byBytes), input.keys);
    }),
    { numRuns: 600 },
  );
  // 258 ± 14 and 112 ± 9.
  assert.ok(died > 150 && cut > 45, `${String(died)} died, ${String(cut)} of them with more than one range`);
});

test('a pivot never ends with what encoders disagree about, nor takes over what stores stumble over', () => {
  let pivots = 0;
  fc.assert(
    fc.property(world, ({ keys, pageKeys, slots }) => {
      const ladder = new Ladder(new Ranges([SERIAL]), '');
      const from = (after: string | null): number =>
        keys.filter((key) => after !== null && byBytes(key, after) <= 0).length;
      while (!ladder.isDone) {
        for (const range of ladder.ranges.all) range.recorded = true;
        for (const ask of ladder.next(slots, true)) {
          const after = ask.kind === 'page' ? ask.startAfter : ask.pivot;
          const page = keys.slice(from(after), from(after) + pageKeys);
          if (ask.kind === 'probe') {
            pivots += 1;
            assert.doesNotMatch(ask.pivot, /[\0-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]|[%+ ]$/u);
            assert.ok(Buffer.byteLength(ask.pivot) <= 1024);
          }
          ladder.arrived(ask, {
            count: page.length,
            keyAt: (index) => page[index] ?? assert.fail(),
            countUpTo: (key) => page.filter((each) => byBytes(each, key) <= 0).length,
            token: from(after) + page.length < keys.length ? String(from(after) + page.length) : null,
          });
        }
      }
    }),
    { numRuns: 300 },
  );
  // 580 ± 65.
  assert.ok(pivots > 150, String(pivots));
});

test('ranges that are not done, do not meet or do not reach the end are no listing', () => {
  const done = { ...SERIAL, done: true };
  const type = (ranges: readonly ListingRange[]): string => {
    try {
      assertComplete(ranges);
      return 'complete';
    } catch (error) {
      return failureTypeOf(error);
    }
  };
  const left = { ...done, until: 'm' };
  const right = { ...done, ordinal: 1, after: 'm' };
  assert.equal(type([done]), 'complete');
  assert.equal(type([right, left]), 'complete');
  for (const ranges of [
    [],
    [SERIAL],
    [left],
    [right],
    [left, { ...right, done: false }],
    [left, { ...right, after: 'n' }],
    [left, { ...right, after: 'l' }],
    [left, { ...right, until: 'z' }],
    [done, right],
  ]) {
    assert.equal(type(ranges), 'listing_incomplete', JSON.stringify(ranges));
  }
});

test('a range that a successor goes on with, and that brought nothing yet, takes no page from before its beginning', () => {
  const ranges = new Ranges([
    { ordinal: 0, after: null, until: 'm', cursor: 'm', done: true },
    { ordinal: 1, after: 'm', until: null, cursor: null, done: false },
  ]);
  const keys = ['c', 'd', 'x'];
  const range = ranges.all[1];
  assert.ok(range !== undefined);
  const page = { count: keys.length, keyAt: (at: number) => keys[at] ?? '', countUpTo: () => keys.length, token: null };
  assert.deepEqual(ranges.arrived(range, page), { kind: 'not-after' });
});
