/** What the directory store does beyond the port: its directory, its files, its end. */
import assert from 'node:assert/strict';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { MiB } from '../../core/limits.ts';
import { createFilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import type { FilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import { buildBytes, toBody } from '../support/store-bytes.ts';
import { drain, inPieces } from '../support/store-drain.ts';
import { assertFails } from '../support/store-failure.ts';
import { createScratchDirectory } from '../support/store-scratch.ts';

const NONE = { metadata: {} };

describe('the directory store', () => {
  let root = '';
  let removeRoot = async (): Promise<void> => undefined;
  const opened: FilesystemStore[] = [];
  const open = async (): Promise<FilesystemStore> => {
    const store = await createFilesystemStore({ root, fsync: false });
    opened.push(store);
    return store;
  };
  const files = async (): Promise<string[]> => {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && !entry.parentPath.endsWith('index'))
      .map((entry) => entry.name)
      .sort();
  };
  beforeEach(async () => {
    const scratch = await createScratchDirectory();
    root = scratch.path;
    removeRoot = scratch.remove;
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
    await removeRoot();
  });

  it('has one owner: a second opening is refused, and succeeds once the first has closed', async () => {
    const first = await open();
    await assertFails(open(), 'store_refused');
    await first.close();
    await open();
  });

  it('does not settle in a directory that holds something else', async () => {
    await writeFile(join(root, 'thesis.txt'), 'x');
    await assertFails(open(), 'store_refused');
    await rm(join(root, 'thesis.txt'));
    await mkdir(join(root, 'lost+found'));
    await open();
  });

  it('keeps buckets, objects, headers, tags and open uploads over a restart', async () => {
    const first = await open();
    await first.createBucket('bkt');
    const place = { bucket: 'bkt', key: '../k' };
    const request = { ...place, headers: { contentType: 'a/b', metadata: { m: 'v' } }, tags: { t: '1' } };
    await first.put(request, toBody(buildBytes(50_000, 1)));
    const ref = { ...place, ...(await first.createUpload(request)) };
    const part = { partNumber: 1, ...(await first.uploadPart(ref, 1, toBody(buildBytes(10, 2)))) };
    const before = await first.head(place);
    await first.close();
    const second = await open();
    assert.deepEqual(await second.head(place), before);
    assert.deepEqual(await second.getTags(place), { t: '1' });
    assert.ok((await drain((await second.get(place)).body)).equals(buildBytes(50_000, 1)));
    const completed = await second.completeUpload(ref, [part]);
    assert.ok(completed.checksum !== undefined);
    await second.close();
    assert.deepEqual(await (await open()).completeUpload(ref, [part]), completed);
  });

  it('leaves no file of a body that was refused, replaced, deleted or aborted', async () => {
    const store = await open();
    await store.createBucket('bkt');
    const place = { bucket: 'bkt', key: 'k', headers: NONE };
    const large = buildBytes(100_000, 1);
    await assertFails(store.put(place, { sizeBytes: 100_001, content: () => inPieces(large, 9000) }), 'body_corrupt');
    await store.put(place, toBody(large));
    await assertFails(store.put({ ...place, ifNoneMatch: '*' }, toBody(large)), 'precondition_failed');
    await store.put(place, toBody(large));
    await store.put({ ...place, key: 'other' }, toBody(large));
    await store.delete({ bucket: 'bkt', key: 'other' });
    const ref = { bucket: 'bkt', key: 'k', ...(await store.createUpload(place)) };
    await store.uploadPart(ref, 1, toBody(large));
    await store.uploadPart(ref, 1, toBody(large));
    await store.abortUpload(ref);
    await store.close();
    assert.equal((await files()).length, 1);
  });

  it('completes an upload without copying: the files of the parts are those of the object', async () => {
    const store = await open();
    await store.createBucket('bkt');
    const place = { bucket: 'bkt', key: 'k', headers: NONE };
    const ref = { bucket: 'bkt', key: 'k', ...(await store.createUpload(place)) };
    const parts = [];
    for (const [partNumber, sizeBytes] of [[1, 5 * MiB] as const, [2, 5 * MiB] as const, [3, 10] as const]) {
      const { etag } = await store.uploadPart(ref, partNumber, toBody(Buffer.alloc(sizeBytes, partNumber)));
      parts.push({ partNumber, etag });
    }
    const before = await files();
    await store.completeUpload(
      ref,
      [parts[0], parts[2]].filter((part) => part !== undefined),
    );
    await store.close();
    const after = await files();
    assert.equal(after.length, 2);
    assert.ok(after.every((name) => before.includes(name)));
    const again = await open();
    await again.delete({ bucket: 'bkt', key: 'k' });
    await again.close();
    assert.deepEqual(await files(), []);
  });

  it('keeps the file of an object that was deleted until its reader is done', async () => {
    const store = await open();
    await store.createBucket('bkt');
    const place = { bucket: 'bkt', key: 'k', headers: NONE };
    await store.put(place, toBody(buildBytes(300_000, 1)));
    const reader = (await store.get(place)).body;
    await store.delete(place);
    assert.equal((await files()).length, 1);
    assert.ok((await drain(reader)).equals(buildBytes(300_000, 1)));
    await store.close();
    assert.deepEqual(await files(), []);
  });

  it('reports a data file that was cut behind its back as body_corrupt, and one that is gone as store_error', async () => {
    const store = await open();
    await store.createBucket('bkt');
    const place = { bucket: 'bkt', key: 'k', headers: NONE };
    await store.put(place, toBody(buildBytes(300_000, 1)));
    const [name = ''] = await files();
    const path = join(root, 'data', name.slice(-4, -2), name);
    await writeFile(path, 'short');
    await assertFails(drain((await store.get(place)).body), 'body_corrupt');
    await rm(path);
    await assertFails(drain((await store.get(place)).body), 'store_error');
  });

  it('fails what is asked of it after it was closed, and a put that is under way', async () => {
    const store = await open();
    await store.createBucket('bkt');
    const place = { bucket: 'bkt', key: 'k', headers: NONE };
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const content = async function* (): AsyncGenerator<Uint8Array> {
      yield buildBytes(50_000, 1);
      await gate;
      yield buildBytes(50_000, 2);
    };
    const put = store.put(place, { sizeBytes: 100_000, content });
    const refusedPut = assertFails(put, 'store_error');
    await store.close();
    release();
    await refusedPut;
    await assertFails(store.head(place), 'store_error');
    await assertFails(store.list({ bucket: 'bkt' }), 'store_error');
    await assertFails(store.put(place, toBody(buildBytes(10, 1))), 'store_error');
    await store.close();
    const again = await open();
    await assertFails(again.head(place), 'no_such_key');
    await again.swept;
    assert.deepEqual(await files(), []);
  });

  it('does not encrypt, and says so instead of storing in the clear', async () => {
    const store = await open();
    await store.createBucket('bkt');
    const encryption = { algorithm: 'aws:kms' as const, kmsKeyId: null };
    const put = store.put({ bucket: 'bkt', key: 'k', headers: NONE, encryption }, toBody(Buffer.from('x')));
    await assertFails(put, 'not_implemented');
  });
});
