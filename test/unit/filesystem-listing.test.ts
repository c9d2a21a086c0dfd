/** A listing costs what it returns, not what it passes over: counted in records read from the index. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { objectKey } from '../../stores/filesystem/index-keys.ts';
import { listObjects } from '../../stores/filesystem/list-objects.ts';
import { ObjectIndex } from '../../stores/filesystem/object-index.ts';
import type { Scan } from '../../stores/filesystem/object-index.ts';
import { toListPlan } from '../../stores/rules/list-cursor.ts';
import type { ListPage } from '../../stores/store.ts';
import { createScratchDirectory } from '../support/store-scratch.ts';

const FOLDERS = 20;
const PER_FOLDER = 500;

describe('a listing of the directory store', () => {
  let index: ObjectIndex;
  let remove = async (): Promise<void> => undefined;
  let records = 0;

  before(async () => {
    const scratch = await createScratchDirectory();
    remove = scratch.remove;
    index = await ObjectIndex.open(scratch.path);
    const keys = Array.from(
      { length: FOLDERS * PER_FOLDER },
      (_, n) => `f${String(n % FOLDERS).padStart(2, '0')}/${String(n)}`,
    );
    const value = JSON.stringify({ z: 1, e: 'e', m: 1, d: 'i0' });
    await index.write(
      [...keys, 'file'].map((key) => ({ key: objectKey('bkt', key), value })),
      false,
    );
    const scan = index.scan.bind(index);
    index.scan = (bounds) => counting(scan(bounds));
  });
  after(async () => {
    await index.close();
    await remove();
  });

  const counting = (scan: Scan): Scan => {
    const count = <T extends unknown[]>(entries: T): T => {
      records += entries.length;
      return entries;
    };
    return {
      next: async () => scan.next(),
      nextv: async (size) => count(await scan.nextv(size)),
      all: async () => count(await scan.all()),
      seek: (target) => scan.seek(target),
      close: () => scan.close(),
    };
  };
  const list = async (request: object): Promise<ListPage> => {
    records = 0;
    return listObjects(index, 'bkt', toListPlan({ bucket: 'bkt', ...request }));
  };

  it('passes a common prefix with one record, however many keys have it', async () => {
    const page = await list({ delimiter: '/' });
    assert.equal(page.commonPrefixes.length, FOLDERS);
    assert.deepEqual(
      page.objects.map((object) => object.key),
      ['file'],
    );
    assert.ok(records <= FOLDERS + 2, String(records));
  });

  it('reads one record more than a page has, at any offset', async () => {
    for (const startAfter of ['', 'f05/', 'f19/1']) {
      const page = await list({ startAfter, maxKeys: 100 });
      assert.equal(page.objects.length, 100);
      assert.ok(records <= 101, String(records));
    }
  });

  it('reads at most twice what it returns where objects and prefixes alternate', async () => {
    const page = await list({ delimiter: '9' });
    const entries = page.objects.length + page.commonPrefixes.length;
    assert.ok(records <= entries * 2 + 256, `${String(records)} records for ${String(entries)} entries`);
  });
});
