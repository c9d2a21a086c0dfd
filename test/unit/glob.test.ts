import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileGlob } from '../../core/glob.ts';

const CASES: readonly (readonly [pattern: string, matching: readonly string[], other: readonly string[]])[] = [
  ['*.csv', ['a.csv', '2026/a.csv', '.csv', 'x/.csv'], ['a.csv.gz', 'a.csvx', 'csv']],
  ['/*.csv', ['a.csv'], ['2026/a.csv']],
  ['a/b', ['a/b', 'x/a/b'], ['xa/b', 'a/b/c', 'a']],
  ['/a/b', ['a/b'], ['x/a/b']],
  ['tmp/**', ['tmp/a', 'tmp/a/b', 'x/tmp/a', 'tmp/'], ['tmp', 'xtmp/a']],
  ['tmp/', ['tmp/a', 'tmp/a/b', 'x/tmp/a', 'tmp/'], ['tmp', 'xtmp/a']],
  ['/', ['a', 'a/b', ''], []],
  [
    '/data/*/part-?.json',
    ['data/x/part-1.json'],
    ['data/x/y/part-1.json', 'data/x/part-12.json', 'data/x/part-/.json'],
  ],
  ['a**z', ['az', 'a/b/z', 'x/a/z', 'abz'], ['azb']],
  ['/a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['ab', 'a/xb', 'x/a/b']],
  ['**/x.json', ['x.json', 'a/x.json', 'a/b/x.json'], ['ax.json']],
  ['/**', ['a', 'a/b'], []],
  ['[abc].txt', ['a.txt', 'c.txt'], ['d.txt', '.txt', 'ab.txt']],
  ['/[!a-c]x', ['dx', '\u{1f600}x'], ['ax', 'bx', '/x', 'x']],
  ['/[^a-c]x', ['dx'], ['ax']],
  ['[a-]', ['a', '-'], ['b']],
  ['[\\]\\\\]', [']', '\\'], ['[']],
  ['/a[/]b', [], ['a/b']],
  ['*.{jpg,png}', ['a.jpg', 'b/c.png'], ['a.gif', 'a.jpgpng', 'a.']],
  ['/{a,b/*}/c', ['a/c', 'b/x/c'], ['b/c', 'a/x/c']],
  ['/x{,y,z{1,2}}', ['x', 'xy', 'xz1', 'xz2'], ['xz', 'xz3', 'xyz1']],
  ['/{a}', ['a'], ['', '{a}']],
  ['/a,b', ['a,b'], ['a', 'b']],
  ['\\*\\?\\{\\}', ['*?{}'], ['ab{}']],
  ['/?', ['\u{1f600}', '\u00e9', 'a'], ['ab', '', '/']],
  ['/A', ['A'], ['a']],
  ['//a', ['/a'], ['a']],
];

for (const [pattern, matching, other] of CASES) {
  test(`${pattern} matches what the grammar says, and nothing else`, () => {
    const matches = compileGlob(pattern);
    for (const text of matching) assert.ok(matches(text), `${pattern} matches ${JSON.stringify(text)}`);
    for (const text of other) assert.ok(!matches(text), `${pattern} does not match ${JSON.stringify(text)}`);
  });
}

test('a pattern that is wrong is refused by its name', () => {
  for (const pattern of [
    '',
    '[',
    '[]',
    '[a',
    '[b-a]',
    '{a',
    '{a,{b}',
    'a}',
    'a\\',
    'a***b',
    '{{x}}',
    'x'.repeat(1025),
    '[a\\',
  ]) {
    assert.throws(
      () => compileGlob(pattern),
      (error: Error & { type?: string }) =>
        error.type === 'invalid_config' && error.message.includes(JSON.stringify(pattern)),
      pattern,
    );
  }
});

test('patterns that make a backtracking matcher take forever are decided within their bound', () => {
  const key = 'a'.repeat(1024);
  const patterns = [
    `${'*a'.repeat(60)}b`,
    `${'**a'.repeat(60)}b`,
    `${'{a,a,a}'.repeat(100)}b`,
    `/${'{*,**}'.repeat(40)}b`,
    `${'a*/'.repeat(40)}b`,
  ];
  const before = process.cpuUsage();
  for (const pattern of patterns) assert.ok(!compileGlob(pattern)(key));
  for (const pattern of patterns) compileGlob(pattern)('a/'.repeat(512));
  // A backtracking matcher would need longer than the age of the universe; ours takes some 100 ms.
  assert.ok(process.cpuUsage(before).user < 10_000_000);
});

test('a pattern with more states than are kept is still decided rightly', () => {
  const matches = compileGlob(`*a${'?'.repeat(14)}`);
  let bits = 1;
  for (let n = 0; n < 200; n++) {
    let text = '';
    for (let i = 0; i < 40; i++) {
      // A linear congruence: the same texts every time.
      bits = (Math.imul(bits, 1_103_515_245) + 12_345) >>> 0;
      text += (bits >>> 16) & 1 ? 'a' : 'b';
    }
    assert.equal(matches(text), text.at(-15) === 'a', text);
  }
});
