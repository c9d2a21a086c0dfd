/** An object that is replaced between the look at it and the read of its range: nobody gets a piece of the new one as one of the old. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDirectoryBackend } from '../../gateway/directory/directory-backend.ts';
import { createMemoryStore } from '../../stores/memory/create-memory-store.ts';
import type { Store } from '../../stores/store.ts';
import { serveBackend, toVerifiedRequest } from '../support/serve-backend.ts';

const PLACE = { bucket: 'bucket', key: 'key' };

test('a range whose object is replaced while it is asked for is answered with all of the new one', async () => {
  const store = createMemoryStore();
  await store.createBucket('bucket');
  const put = (text: string) =>
    store.put(
      { ...PLACE, headers: { metadata: {} } },
      { sizeBytes: text.length, content: new Uint8Array(Buffer.from(text)) },
    );
  const { etag } = await put('before');
  const replacing: Store = {
    ...store,
    get: async (request) => {
      if (request.range !== undefined) await put('afterwards');
      return store.get(request);
    },
  };
  const served = await serveBackend(createDirectoryBackend({ store: replacing, region: 'us-east-1' }));
  try {
    const headers = { range: 'bytes=2-3', 'if-range': `"${etag}"` };
    const answer = await served.ask(toVerifiedRequest({ operation: 'GetObject', method: 'GET', headers }));
    assert.deepEqual([answer.status, answer.text, answer.failure], [200, 'afterwards', null]);
    assert.equal(answer.headers['content-range'], undefined);
  } finally {
    await served.close();
  }
});
