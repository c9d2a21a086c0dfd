import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toKeyPage } from '../../activities/list/source.ts';
import { askStartAfter } from '../../activities/list/start-after.ts';
import { toListed } from '../support/sorted-store.ts';

const ask = (keys: readonly string[], prefix = '') => {
  const page = toKeyPage({ objects: keys.map(toListed), commonPrefixes: [], nextContinuationToken: 'more' });
  assert.ok(page !== null);
  return askStartAfter(page, prefix.length);
};
/** The first key that a store begins with which reads start-after in this way. */
const begin = (keys: readonly string[], startAfter: string): string | undefined => keys.find((key) => key > startAfter);

const PAGES: Readonly<Record<string, readonly string[]>> = {
  'a counter': Array.from({ length: 1000 }, (_, n) => `data/part-${String(n).padStart(9, '0')}`),
  'hexadecimal names': Array.from({ length: 1000 }, (_, n) => (n * 4_294_967).toString(16).padStart(8, '0')),
  'a tree': Array.from(
    { length: 300 },
    (_, n) => `y=${String(2021 + Math.floor(n / 100))}/d=${String(n % 100).padStart(2, '0')}/x`,
  ),
  'names with percent signs': Array.from({ length: 100 }, (_, n) => `a%2F${String(n).padStart(3, '0')}%7E`),
};

for (const [name, keys] of Object.entries(PAGES)) {
  test(`${name}: the question tells a store that decodes once from one that decodes twice, and from one that does not care`, () => {
    const question = ask(keys);
    assert.ok(question !== null);
    const { startAfter, expected } = question;
    assert.equal(begin(keys, startAfter), expected);
    assert.notEqual(begin(keys, decodeURIComponent(startAfter)), expected);
    assert.notEqual(keys[0], expected);
  });
}

test('where no two keys would tell, nothing is asked', () => {
  assert.equal(ask([]), null);
  assert.equal(ask(['a']), null);
  assert.equal(ask(['\u{1f600}a', '\u{1f600}b', '\u{1f600}c']), null);
});

test('the question stays within the prefix', () => {
  const question = ask(['p/aa', 'p/ba', 'p/ca'], 'p/');
  assert.ok(question?.startAfter.startsWith('p/') === true && question.startAfter.length > 5, JSON.stringify(question));
});
