/** What stands at the target where a write's condition did not hold: ours by its bytes, whatever its metadata says. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { holdsSameBytes } from '../../activities/copy/holds-same-bytes.ts';
import { createCopyGround } from '../support/copy-ground.ts';

const OURS = Buffer.from('what is copied');
const OTHER = Buffer.from('something else');
const md5 = (bytes: Buffer) => createHash('md5').update(bytes);

/** The object `held` with the MD5 of `labelled` in its metadata, at a target whose ETags are no hashes. */
async function isOurs(held: Buffer, labelled: Buffer): Promise<boolean> {
  const ground = await createCopyGround({ targetETags: 'opaque' });
  const place = { bucket: 'target', key: 'key' };
  const request = { ...place, headers: { metadata: { md5: md5(labelled).digest('base64') } } };
  await ground.target.put(request, { sizeBytes: held.length, content: held });
  const info = { ...(await ground.target.head(place)), etagIsContentHash: false };
  const wanted = { sizeBytes: OURS.length, etag: 'ours-2', md5: md5(OURS).digest('hex'), crc: null };
  return holdsSameBytes(ground.begin(), 'key', info, wanted);
}

test('an object with our bytes is ours, also where its metadata tells another MD5', async () => {
  assert.equal(await isOurs(OURS, OURS), true);
  assert.equal(await isOurs(OURS, OTHER), true);
});

test('an object with other bytes is not ours, also where it kept the MD5 of ours', async () => {
  assert.equal(await isOurs(OTHER, OTHER), false);
  assert.equal(await isOurs(OTHER, OURS), false);
});
