/** Transactions of the directory store's index, over a real LevelDB. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { WaybillError } from '../../core/failures.ts';
import { GroupCommit } from '../../stores/filesystem/group-commit.ts';
import { ObjectIndex } from '../../stores/filesystem/object-index.ts';
import type { Change } from '../../stores/filesystem/object-index.ts';
import { assertFails } from '../support/store-failure.ts';
import { createScratchDirectory } from '../support/store-scratch.ts';

describe('a group commit', () => {
  let index: ObjectIndex;
  let remove = async (): Promise<void> => undefined;
  let writes: number[] = [];
  let failNext: Error | undefined;
  let commits: GroupCommit;

  beforeEach(async () => {
    const scratch = await createScratchDirectory();
    remove = scratch.remove;
    index = await ObjectIndex.open(scratch.path);
    writes = [];
    failNext = undefined;
    const write = index.write.bind(index);
    index.write = async (changes: readonly Change[], sync: boolean) => {
      writes.push(changes.length);
      if (failNext !== undefined) {
        throw failNext;
      }
      await write(changes, sync);
    };
    commits = new GroupCommit(index, false);
  });
  afterEach(async () => {
    await index.close();
    await remove();
  });

  const put = (key: string, value: string): Promise<string> =>
    commits.commit(() => ({ changes: [{ key, value }], result: value }));
  const increment = (key: string): Promise<number> =>
    commits.commit((view) => {
      const value = Number(view.read(key) ?? '0') + 1;
      return { changes: [{ key, value: String(value) }], result: value };
    });

  it('writes what gathers meanwhile as one batch', async () => {
    await Promise.all(Array.from({ length: 100 }, (_, n) => put(`k${String(n)}`, 'v')));
    assert.equal(writes.length, 1, String(writes));
    const first = put('a', '1');
    await Promise.resolve();
    await Promise.resolve();
    const rest = Array.from({ length: 50 }, (_, n) => put(`b${String(n)}`, 'v'));
    await Promise.all([first, ...rest]);
    assert.deepEqual(writes.slice(1), [1, 50]);
  });

  it('lets a transaction see those before it, in its batch and on disk', async () => {
    const results = await Promise.all(Array.from({ length: 40 }, () => increment('n')));
    assert.deepEqual(
      results,
      Array.from({ length: 40 }, (_, n) => n + 1),
    );
    assert.equal(await increment('n'), 41);
    assert.equal(index.read('n'), '41');
  });

  it('shows a scan what the batch adds and what it deletes', async () => {
    await Promise.all([put('p1', 'a'), put('p2', 'b'), put('q', 'c')]);
    const seen = commits.commit(() => ({
      changes: [
        { key: 'p1', value: undefined },
        { key: 'p3', value: 'd' },
      ],
      result: 0,
    }));
    const scan = commits.commit(async (view) => ({ changes: [], result: new Map(await view.scanPrefix('p')) }));
    const empty = commits.commit(async (view) => ({
      changes: [],
      result: [await view.isEmpty('p'), await view.isEmpty('q'), await view.isEmpty('r')],
    }));
    await seen;
    assert.deepEqual(Object.fromEntries(await scan), { p2: 'b', p3: 'd' });
    assert.deepEqual(await empty, [false, false, true]);
    assert.equal(writes.length, 2);
  });

  it('refuses one transaction without harm to its neighbours', async () => {
    const before = put('a', '1');
    const refused = commits.commit(() => {
      throw new WaybillError('precondition_failed', 'no');
    });
    const refusedLater = commits.commit(async () => Promise.reject(new WaybillError('no_such_upload', 'no')));
    const after = put('b', '2');
    await assertFails(refused, 'precondition_failed');
    await assertFails(refusedLater, 'no_such_upload');
    await Promise.all([before, after]);
    assert.deepEqual([index.read('a'), index.read('b')], ['1', '2']);
  });

  it('takes nothing more after a batch was lost, for its fate is unknown', async () => {
    failNext = Object.assign(new Error('no space left'), { code: 'LEVEL_IO_ERROR' });
    const lost = [put('a', '1'), put('b', '2')];
    await Promise.all(lost.map((each) => assertFails(each, 'store_error')));
    failNext = undefined;
    assert.equal(commits.broken, true);
    await assertFails(put('c', '3'), 'store_error');
    assert.equal(writes.length, 1);
  });

  it('finishes what it took before it closes, and takes nothing afterwards', async () => {
    const taken = [put('a', '1'), put('b', '2')];
    await commits.close();
    await Promise.all(taken);
    await assertFails(put('c', '3'), 'store_error');
  });
});
