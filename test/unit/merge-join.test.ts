import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeJoin } from '../../manifest/merge-join.ts';

const self = (key: string): string => key;

/** Arrays of keys, then perhaps a failure; notes when it was closed. */
function stream(arrays: readonly (readonly string[])[], more: { fail?: Error; onClose?: () => void } = {}) {
  return (async function* () {
    try {
      yield* arrays;
      if (more.fail) throw more.fail;
    } finally {
      more.onClose?.();
    }
  })();
}

async function join(a: AsyncIterable<readonly string[]>, b = stream([]), c = stream([])): Promise<string[]> {
  const lines: string[] = [];
  for await (const joined of mergeJoin(a, b, c, self, self, self)) {
    for (const { key, a: x, b: y, c: z } of joined) lines.push(`${key}:${x ?? '-'}${y ?? '-'}${z ?? '-'}`);
  }
  return lines;
}

test('every key of the three streams comes once, ascending, with what each stream holds of it', async () => {
  const lines = await join(stream([['a', 'b'], [], ['d']]), stream([['b'], ['c', 'd']]), stream([['d', 'e']]));
  assert.deepEqual(lines, ['a:a--', 'b:bb-', 'c:-c-', 'd:ddd', 'e:--e']);
});

test('streams without items, and empty arrays, are joined like any other', async () => {
  assert.deepEqual(await join(stream([])), []);
  assert.deepEqual(await join(stream([[], []]), stream([['x']])), ['x:-x-']);
});

test('keys are joined in UTF-8 order', async () => {
  assert.deepEqual(await join(stream([['\u{e000}']]), stream([['\u{1f600}']])), [
    '\u{e000}:\u{e000}--',
    '\u{1f600}:-\u{1f600}-',
  ]);
});

test('a stream that repeats a key or goes backwards, also across arrays, is refused', async () => {
  const incomplete = { type: 'listing_incomplete' };
  await assert.rejects(join(stream([['a', 'a']])), incomplete);
  await assert.rejects(join(stream([]), stream([['b'], ['a']])), incomplete);
  await assert.rejects(join(stream([]), stream([]), stream([['\u{1f600}', '\u{e000}']])), incomplete);
});

test('when one stream fails, or the reader leaves, the others are closed', async () => {
  const closed: string[] = [];
  const endless = (name: string) => stream([['a'], ['b'], ['c']], { onClose: () => closed.push(name) });
  const fail = new Error('the database went away');
  await assert.rejects(join(stream([['a']], { fail }), endless('b'), endless('c')), fail);
  assert.deepEqual(closed.sort(), ['b', 'c']);

  closed.length = 0;
  for await (const _ of mergeJoin(endless('a'), endless('b'), endless('c'), self, self, self)) break;
  assert.deepEqual(closed.sort(), ['a', 'b', 'c']);
});
