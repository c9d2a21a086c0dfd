/** Headers that two readers could understand differently. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHeaders, toHeaderValue } from '../../gateway/request/parse-headers.ts';

test('a second value of a header that decides anything is refused, in any case of letters', () => {
  for (const name of [
    'Authorization',
    'Host',
    'Content-Length',
    'Content-MD5',
    'X-Amz-Date',
    'x-amz-meta-a',
    'Range',
  ]) {
    assert.throws(() => parseHeaders([name, 'a', name.toUpperCase(), 'a']), { type: 'invalid_request' }, name);
  }
  assert.throws(() => parseHeaders(['Content-Length', '1', 'Transfer-Encoding', 'chunked']), {
    type: 'invalid_request',
  });
  assert.equal(parseHeaders(['Accept', 'a', 'accept', 'b']).byName.get('accept'), 'a, b');
});

test('UTF-8 on the wire is read as UTF-8, other bytes as latin1, and both are written back as UTF-8', () => {
  const wire = Buffer.from('käthe').toString('latin1');
  const { byName, pairs } = parseHeaders(['x-amz-meta-a', wire, 'x-amz-meta-b', 'k\u00e4the']);
  assert.deepEqual([byName.get('x-amz-meta-a'), byName.get('x-amz-meta-b')], ['käthe', 'käthe']);
  assert.deepEqual(pairs[0], ['x-amz-meta-a', wire]);
  assert.equal(toHeaderValue('käthe'), wire);
});
