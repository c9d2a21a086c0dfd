import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areRangesWorthIt } from '../../activities/list/lister.ts';

/** The fewest pages after which a listing goes on by ranges. */
function findPages(usualMs: number, pageMsMin?: number): number | null {
  for (let pages = 1; pages <= 1000; pages++) if (areRangesWorthIt(pages, usualMs, pageMsMin)) return pages;
  return null;
}

test('the faster a store answers, the longer it is listed one page after the other', () => {
  assert.equal(findPages(300), 4);
  assert.equal(findPages(75), 4);
  assert.equal(findPages(50), 12);
  assert.equal(findPages(25), 12);
  assert.equal(findPages(24), null);
});

test('where any store is fast enough, as in tests, four pages are', () => {
  assert.equal(findPages(0, 0), 4);
});
