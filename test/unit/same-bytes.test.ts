import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { proveSameBytes } from '../../activities/plan/same-bytes.ts';

const md5 = (data: string | Uint8Array): Buffer => createHash('md5').update(data).digest();
const whole = md5('bytes').toString('hex');
const inOnePart = `${md5(md5('bytes')).toString('hex')}-1`;

test('equal ETags, and a single PUT beside an upload of one part, prove the same bytes', () => {
  assert.ok(proveSameBytes(whole, whole));
  assert.ok(proveSameBytes(`${whole}-3`, `${whole}-3`));
  assert.ok(proveSameBytes(whole, inOnePart));
  assert.ok(proveSameBytes(inOnePart, whole));
});

test('other ETags prove nothing', () => {
  const other = md5('others').toString('hex');
  for (const [a, b] of [
    [whole, other],
    [other, inOnePart],
    [whole, `${whole}-1`],
    [whole, inOnePart.replace('-1', '-2')],
    ['opaque', 'opaque-1'],
    ['', whole],
    ['', ''],
    ['""', '""'],
    ['opaque', 'opaque'],
  ] as const) {
    assert.equal(proveSameBytes(a, b), false, `${a} ${b}`);
    assert.equal(proveSameBytes(b, a), false, `${b} ${a}`);
  }
});
