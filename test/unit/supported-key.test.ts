import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSupportedKey } from '../../core/keys.ts';

test('a key is supported exactly when it is 1 to 1,024 bytes of UTF-8 without NUL', () => {
  for (const character of ['a', '\u00e9', '\u20ac', '\u{1f600}']) {
    const bytes = Buffer.byteLength(character);
    assert.ok(isSupportedKey(character.repeat(1024 / bytes)), `${character} up to the limit`);
    assert.ok(!isSupportedKey(character.repeat(Math.floor(1024 / bytes) + 1)), `${character} beyond the limit`);
  }
  assert.ok(isSupportedKey('\u20ac'.repeat(341) + 'a'));
  assert.ok(!isSupportedKey('\u20ac'.repeat(341) + '\u00e9'));
  for (const key of ['..', 'a//b', ' ', '\u0001', '\ud83d\ude00']) assert.ok(isSupportedKey(key), JSON.stringify(key));
  for (const key of ['', 'a\0b', '\ud83d', 'a\ude00']) assert.ok(!isSupportedKey(key), JSON.stringify(key));
});
