/**
 * The order in which the directory store makes a write durable, recorded at its system calls: bytes synced, then renamed, then the
 * directory synced, then the index written with sync, then acknowledged; and nothing removed before what replaces it is on disk.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createFilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import type { FilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import { isDataId } from '../../stores/filesystem/data-id.ts';
import { createObservedGround } from '../support/observed-ground.ts';
import type { DiskCall } from '../support/observed-ground.ts';
import { buildBytes, toBody } from '../support/store-bytes.ts';
import { createScratchDirectory } from '../support/store-scratch.ts';

const NONE = { metadata: {} };

interface Recorded extends DiskCall {
  /** Positions in one sequence over all calls; `end` is absent while the call runs. */
  readonly start: number;
  end?: number;
}

describe('the directory store makes a write durable in order', () => {
  let root = '';
  let removeRoot = async (): Promise<void> => undefined;
  let store: FilesystemStore;
  let calls: Recorded[] = [];
  let position = 0;
  let atRootSync: boolean[] = [];

  beforeEach(async () => {
    const scratch = await createScratchDirectory();
    root = join(scratch.path, 'new', 'root');
    removeRoot = scratch.remove;
    calls = [];
    position = 0;
    atRootSync = [];
    const open = new Map<DiskCall, Recorded>();
    const ground = createObservedGround({
      before: (call) => {
        const recorded: Recorded = { ...call, start: ++position };
        open.set(call, recorded);
        calls.push(recorded);
        if (call.name === 'sync-directory' && call.path === root) {
          atRootSync.push(['index', 'data', 'tmp'].every((name) => existsSync(join(root, name))));
        }
      },
      after: (call) => {
        (open.get(call) as Recorded).end = ++position;
      },
    });
    store = await createFilesystemStore({ root, fsync: true }, ground);
  });
  afterEach(async () => {
    await store.close();
    await removeRoot();
  });

  const acknowledged = async (write: Promise<unknown>): Promise<number> => {
    await write;
    return ++position;
  };
  const writing = (key: string): Recorded[] =>
    calls.filter((call) => call.name === 'index-write' && call.changes?.some((change) => change.key === key));
  const before = (earlier: Recorded | undefined, later: { start: number }, message: string): void => {
    assert.ok(earlier?.end !== undefined && earlier.end < later.start, message);
  };

  /** What must hold of every data file that the index came to name. */
  function checkFiles(): number {
    const named = calls
      .filter((call) => call.name === 'index-write')
      .flatMap((call) =>
        (call.changes ?? [])
          .filter((change) => change.key.startsWith('d') && isDataId(change.key.slice(1)) && change.value === '')
          .map((change) => ({ id: change.key.slice(1), naming: call })),
      );
    for (const { id, naming } of named) {
      const of = (name: DiskCall['name']): Recorded[] =>
        calls.filter((call) => call.name === name && basename(call.from ?? call.path) === id);
      const [created, synced, renamed] = [of('create')[0], of('datasync')[0], of('rename')[0]];
      assert.ok(created && synced && renamed, id);
      before(created, synced, `${id} is created before it is synced`);
      for (const write of of('write')) {
        before(write, synced, `${id} is synced after its last write`);
      }
      before(synced, renamed, `${id} is synced before it is renamed`);
      before(renamed, naming, `${id} is renamed before the index names it`);
      const directory = dirname(renamed.path);
      const covered = calls.some(
        (call) =>
          call.name === 'sync-directory' &&
          call.path === directory &&
          call.start > (renamed.end ?? Infinity) &&
          (call.end ?? Infinity) < naming.start,
      );
      assert.ok(covered, `the directory of ${id} is synced after the rename and before the index names it`);
      const made = calls.find((call) => call.name === 'mkdir' && call.path === directory) as Recorded;
      const parentSynced = calls.some(
        (call) =>
          call.name === 'sync-directory' &&
          call.path === join(root, 'data') &&
          call.start > (made.end ?? Infinity) &&
          (call.end ?? Infinity) < naming.start,
      );
      assert.ok(parentSynced, `the name of the directory of ${id} is synced before the index names the file`);
      assert.equal(naming.sync, true);
    }
    for (const removed of calls.filter((call) => call.name === 'unlink' && dirname(call.path) !== join(root, 'tmp'))) {
      const id = basename(removed.path);
      const unnaming = calls.find(
        (call) =>
          call.name === 'index-write' &&
          call.changes?.some((change) => change.key === `d${id}` && change.value === undefined),
      );
      before(unnaming, removed, `${id} is removed after the index stopped naming it`);
    }
    return named.length;
  }

  it('an opening puts the names of its directories, and of its root, on disk', () => {
    assert.deepEqual(atRootSync, [true]);
    const synced = calls.filter((call) => call.name === 'sync-directory').map((call) => call.path);
    assert.ok(synced.includes(dirname(root)) && synced.includes(dirname(dirname(root))), synced.join(' '));
    assert.ok(calls.filter((call) => call.name === 'index-write').every((call) => call.sync === true));
  });

  it('a large object: bytes, rename, directory, index, answer', async () => {
    await store.createBucket('bkt');
    const put = store.put({ bucket: 'bkt', key: 'k', headers: NONE }, toBody(buildBytes(700_000, 1)));
    const answer = await acknowledged(put);
    assert.equal(checkFiles(), 1);
    const [index] = writing('obkt\0k');
    before(index, { start: answer }, 'the index is on disk before the answer');
  });

  it('a small object: bytes and record in one synced batch, then the answer', async () => {
    await store.createBucket('bkt');
    const answer = await acknowledged(
      store.put({ bucket: 'bkt', key: 'k', headers: NONE }, toBody(buildBytes(700, 1))),
    );
    const [index, ...more] = writing('obkt\0k');
    assert.deepEqual(more, []);
    assert.ok(index?.sync === true && index.changes?.some((change) => change.key.startsWith('i')));
    before(index, { start: answer }, 'the index is on disk before the answer');
  });

  it('every other write is on disk before its answer too', async () => {
    const place = { bucket: 'bkt', key: 'k' };
    const begun = ++position;
    const answers: [name: string, position: number][] = [];
    const run = async <T>(name: string, write: () => Promise<T>): Promise<T> => {
      const result = await write();
      answers.push([name, ++position]);
      return result;
    };
    await run('createBucket', () => store.createBucket('bkt'));
    const upload = {
      ...place,
      ...(await run('createUpload', () => store.createUpload({ ...place, headers: NONE }))),
    };
    const { etag } = await run('uploadPart', () => store.uploadPart(upload, 1, toBody(buildBytes(30_000, 1))));
    await run('uploadPart again', () => store.uploadPart(upload, 1, toBody(buildBytes(30_000, 1))));
    await run('completeUpload', () => store.completeUpload(upload, [{ partNumber: 1, etag }]));
    await run('putTags', () => store.putTags(place, { t: 'v' }));
    const second = { ...place, ...(await run('createUpload', () => store.createUpload({ ...place, headers: NONE }))) };
    await run('abortUpload', () => store.abortUpload(second));
    await run('delete', () => store.delete(place));
    await run('deleteBucket', () => store.deleteBucket('bkt'));
    let from = begun;
    for (const [name, answer] of answers) {
      const own = calls.filter((call) => call.name === 'index-write' && call.start > from && call.start < answer);
      assert.equal(own.length, 1, name);
      assert.ok(own[0]?.sync === true && (own[0].end ?? Infinity) < answer, name);
      from = answer;
    }
    await store.close();
    assert.equal(checkFiles(), 2);
  });

  it('holds for many at once, which share their syncs', async () => {
    await store.createBucket('bkt');
    const answers = await Promise.all(
      Array.from({ length: 120 }, async (_, n) => {
        const key = `k${String(n)}`;
        const body = toBody(buildBytes(n % 3 === 0 ? 500 : 20_000 + n * 500, n));
        const answer = await acknowledged(store.put({ bucket: 'bkt', key, headers: NONE }, body));
        return { key, answer };
      }),
    );
    await Promise.all(answers.map(({ key }) => store.delete({ bucket: 'bkt', key })));
    await store.close();
    assert.equal(checkFiles(), 80);
    for (const { key, answer } of answers) {
      const ended = writing(`obkt\0${key}`).filter((call) => (call.end ?? Infinity) < answer);
      assert.ok(ended.length > 0, key);
    }
    const batches = calls.filter((call) => call.name === 'index-write').length;
    assert.ok(batches < 200, `${String(batches)} batches for 240 writes: nothing is shared`);
  });
});
