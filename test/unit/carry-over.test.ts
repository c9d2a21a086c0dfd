/** The MD5 that is kept beside an object: it never takes the room that the object's own metadata needs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withMd5 } from '../../activities/copy/carry-over.ts';

const MD5 = 'd41d8cd98f00b204e9800998ecf8427e';
/** `x-amz-meta-md5` with its value. */
const MD5_BYTES = 38;
const NAME = 'x-amz-meta-k';

test('an MD5 is added only where the metadata has room for it as a store counts that counts whole header names', () => {
  const fill = (bytes: number): Record<string, string> => ({ k: 'v'.repeat(bytes - NAME.length) });
  const fits = fill(2048 - MD5_BYTES);
  assert.deepEqual(withMd5({ metadata: fits }, MD5).metadata, { ...fits, md5: '1B2M2Y8AsgTpgAmY7PhCfg==' });
  for (const bytes of [2048 - MD5_BYTES + 1, 2048]) {
    const headers = { metadata: fill(bytes) };
    assert.equal(withMd5(headers, MD5), headers);
  }
});

test('metadata of that name is left as it is', () => {
  const headers = { metadata: { md5: 'theirs' } };
  assert.equal(withMd5(headers, MD5), headers);
});
