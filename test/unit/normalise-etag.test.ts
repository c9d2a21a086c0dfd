import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normaliseEtag } from '../../manifest/normalise-etag.ts';

const FORMS: readonly (readonly [etag: string, normalised: string])[] = [
  ['"abc"', 'abc'],
  [' "abc"\t', 'abc'],
  ['"abc', 'abc'],
  ['abc"', 'abc'],
  ['abc', 'abc'],
  ['"abc-12"', 'abc-12'],
  ['ABC', 'ABC'],
  ['W/"abc"', 'W/"abc"'],
  ['""abc""', '""abc""'],
  ['a"b', 'a"b'],
  ['"a"b"', '"a"b"'],
  ['""', '""'],
  ['"', '"'],
  ['', ''],
];

test('an etag loses its quotes when what is between has none, and keeps every other form', () => {
  for (const [etag, normalised] of FORMS) assert.equal(normaliseEtag(etag), normalised, JSON.stringify(etag));
});
