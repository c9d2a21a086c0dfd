/** What a bench is asked for: refused in one line when it is not what was expected, before anything is started. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { takeAtMost, toCount, toCounts, toNamed, toOneOf } from '../../bench/run/arguments.ts';
import { parseOptions } from '../../bench/run/options.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

test('a count is a whole number, and not too small', () => {
  assert.equal(toCount('KEYS', '1'), 1);
  assert.equal(toCount('LATENCY_MS', '0', 0), 0);
  assert.equal(toCount('KEYS', '1e6'), 1_000_000);
  assert.deepEqual(toCounts('COUNTS', '10,200'), [10, 200]);
  for (const text of ['x', '', ' ', '0', '-1', '1.5', 'NaN', 'Infinity', '1e300', '10,'])
    assert.throws(() => toCount('KEYS', text), { message: `KEYS is a whole number from 1, not "${text}"` });
  assert.throws(() => toCounts('COUNTS', '10,,20'), /^Error: COUNTS is a whole number from 1, not ""$/);
});

test('a name is one of those that are known, or a part of one', () => {
  assert.equal(toOneOf('CASE', 'b', ['a', 'b']), 'b');
  assert.throws(() => toOneOf('CASE', 'c', ['a', 'b']), { message: 'CASE is one of a, b, not "c"' });
  const known = [{ name: 'uniform hex' }, { name: 'date tree' }];
  assert.deepEqual(toNamed('NAME', 'hex', known), [known[0]]);
  assert.deepEqual(toNamed('NAME', '', known), known);
  const message = 'NAME is a part of one of "uniform hex", "date tree", not "bogus"';
  assert.throws(() => toNamed('NAME', 'bogus', known), { message });
});

test('more than is known is refused', () => {
  assert.deepEqual(takeAtMost(['1', '2'], 2), ['1', '2']);
  assert.throws(() => takeAtMost(['1', '2', '3'], 2), { message: 'at most 2 arguments, not also "3"' });
});

test('the options of the bench name the one that is wrong', () => {
  assert.equal(parseOptions(['W1', '--runs', '1']).runs, 1);
  assert.throws(() => parseOptions(['--runs', '0']), /--runs is a whole number from 1/);
  assert.throws(() => parseOptions(['W9']), /a workload is one of W1, W2/);
  assert.throws(() => parseOptions(['--only', 'direct,bogus']), /--only is one of direct,.*not "bogus"/);
});

test('a script ends with 2 and one line, and with 0 and its usage when that is asked for', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'bench/listing-sim.ts', ...args], { cwd: ROOT, encoding: 'utf8' });
  const refused = run('x');
  assert.equal(refused.status, 2);
  assert.equal(refused.stdout, '');
  assert.equal(refused.stderr, 'KEYS is a whole number from 1, not "x"; --help prints the usage\n');
  const helped = run('--help');
  assert.equal(helped.status, 0);
  assert.match(helped.stdout, /listing-sim\.ts \[KEYS\]/);
});
