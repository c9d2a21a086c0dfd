/** An object that the store copies by itself: what travels with it is told, and is not left to the store. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyWithin } from '../../activities/copy/copy-within.ts';
import type { CopyAction } from '../../activities/plan/action.ts';
import type { CopyRequest, ObjectHeaders } from '../../stores/store.ts';
import { createCopyGround, type CopyGround } from '../support/copy-ground.ts';

const BYTES = Buffer.from('what is copied');
const OTHER = { sizeBytes: 5, content: Buffer.from('other') };
const HEADERS: ObjectHeaders = {
  contentType: 'text/html',
  cacheControl: 'no-cache',
  contentDisposition: 'inline',
  contentEncoding: 'gzip',
  contentLanguage: 'de',
  expires: 'Thu, 01 Dec 2033 16:00:00 GMT',
  metadata: { name: 'Größe' },
};

async function createGround(asked: CopyRequest[]): Promise<{ ground: CopyGround; action: CopyAction }> {
  const ground = await createCopyGround({
    target: (store) => ({
      // As MinIO: what it is told it keeps; of what it is not told it would lose something.
      async copy(request) {
        asked.push(request);
        const { bucket, key, headers } = request;
        return store.put({ bucket, key, headers }, { sizeBytes: BYTES.byteLength, content: BYTES });
      },
    }),
  });
  const body = { sizeBytes: BYTES.byteLength, content: BYTES };
  const { etag } = await ground.source.put({ bucket: 'source', key: 'key', headers: HEADERS }, body);
  return {
    ground,
    action: { op: 'copy', key: 'key', sizeBytes: BYTES.byteLength, etag, expected: { absent: true } },
  };
}

test('a copy within the store is told all headers and metadata of its source', async () => {
  const asked: CopyRequest[] = [];
  const { ground, action } = await createGround(asked);
  const transfer = ground.begin();
  transfer.within.isOffered = true;
  assert.equal((await copyWithin(transfer, action))?.targetEtag, action.etag);
  assert.deepEqual(asked[0]?.headers, HEADERS);
  const { expires, metadata } = await ground.target.head({ bucket: 'target', key: 'key' });
  assert.deepEqual({ expires, metadata }, { expires: HEADERS.expires, metadata: HEADERS.metadata });
});

for (const [what, change] of [
  ['overwritten', ({ source }: CopyGround) => source.put({ bucket: 'source', key: 'key', headers: HEADERS }, OTHER)],
  ['deleted', ({ source }: CopyGround) => source.delete({ bucket: 'source', key: 'key' })],
] as const) {
  test(`a source that was ${what} since it was listed is not copied by the store`, async () => {
    const asked: CopyRequest[] = [];
    const { ground, action } = await createGround(asked);
    await change(ground);
    const transfer = ground.begin();
    transfer.within.isOffered = true;
    assert.equal(await copyWithin(transfer, action), null);
    assert.deepEqual(asked, []);
    assert.equal(transfer.within.isOffered, true);
  });
}
