import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileFilters } from '../../core/filters.ts';
import type { Filters } from '../../core/pipeline.ts';

const NOMINAL_MS = Date.parse('2026-04-08T00:00:00Z');
const HOUR_MS = 3_600_000;
const ALL: Filters = {
  include: [],
  exclude: [],
  minSizeBytes: null,
  maxSizeBytes: null,
  minAgeMs: null,
  maxAgeMs: null,
};
const compile = (filters: Partial<Filters>, nominalMs: number | null = NOMINAL_MS) =>
  compileFilters({ ...ALL, ...filters }, { sourcePrefix: 'in/', nominalMs });
const object = (key: string, sizeBytes = 10, ageMs = 0) => ({
  key: `in/${key}`,
  sizeBytes,
  lastModifiedMs: NOMINAL_MS - ageMs,
});

test('without filters everything passes, whatever its age', () => {
  const passes = compile({}, null);
  assert.ok(passes(object('a')));
  assert.ok(passes(object('', 0, -HOUR_MS)));
});

test('globs see the key without the source prefix', () => {
  assert.ok(compile({ include: ['/a.csv'] })(object('a.csv')));
  assert.ok(!compile({ include: ['/in/a.csv'] })(object('a.csv')));
});

test('exclude wins over include, whatever the order', () => {
  const passes = compile({ include: ['*.csv', '/keep/**'], exclude: ['tmp/'] });
  assert.ok(passes(object('a.csv')));
  assert.ok(passes(object('keep/b.txt')));
  assert.ok(!passes(object('b.txt')));
  assert.ok(!passes(object('tmp/a.csv')));
  assert.ok(!passes(object('keep/tmp/a.csv')));
});

test('the limits of size and age belong to what passes, and age counts from the nominal time', () => {
  const sizes = compile({ minSizeBytes: 5, maxSizeBytes: 10 });
  assert.deepEqual(
    [4, 5, 10, 11].map((size) => sizes(object('a', size))),
    [false, true, true, false],
  );
  const ages = compile({ minAgeMs: HOUR_MS, maxAgeMs: 2 * HOUR_MS });
  const at = [HOUR_MS - 1, HOUR_MS, 2 * HOUR_MS, 2 * HOUR_MS + 1, -HOUR_MS];
  assert.deepEqual(
    at.map((age) => ages(object('a', 1, age))),
    [false, true, true, false, false],
  );
});

test('a pattern that is wrong, or an age without a nominal time, is refused before anything is listed', () => {
  assert.throws(() => compile({ exclude: ['a', '[x'] }), { type: 'invalid_config', message: /"\[x"/ });
  assert.throws(() => compile({ minAgeMs: 1 }, null), { type: 'invalid_request' });
});
