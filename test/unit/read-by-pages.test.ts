/** Rows in keyset pages: all of them, each once, however they fall into pages, and one page ahead where that is asked for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readByPages, readByPagesAhead } from '../../ledger/postgres/stream.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const LIMIT = 3;

function createTable(rows: number): { load: (last: number | undefined) => Promise<number[]>; readonly asked: number } {
  let asked = 0;
  return {
    load(last = 0) {
      asked += 1;
      return Promise.resolve(Array.from({ length: Math.min(LIMIT, rows - last) }, (_, at) => last + at + 1));
    },
    get asked() {
      return asked;
    },
  };
}

test('every row comes once, in order, whether pages are read ahead or not', async () => {
  for (const read of [readByPages<number>, readByPagesAhead<number>]) {
    for (let rows = 0; rows <= 10; rows++) {
      const { load } = createTable(rows);
      const seen: number[] = [];
      for await (const row of read(LIMIT, load)) seen.push(row);
      assert.deepEqual(
        seen,
        Array.from({ length: rows }, (_, at) => at + 1),
      );
    }
  }
});

test('one page is loaded while the one before it is read, and no more', async () => {
  const table = createTable(100);
  for await (const row of readByPagesAhead<number>(LIMIT, table.load)) {
    await turn();
    assert.equal(table.asked, Math.ceil(row / LIMIT) + 1);
    if (row === 20) break;
  }
});

test('a page that cannot be loaded fails in its turn, also when nobody waits for it any more', async () => {
  const load = (last: number | undefined): Promise<number[]> =>
    last === undefined ? Promise.resolve([1, 2, 3]) : Promise.reject(new Error('broken'));
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const row of readByPagesAhead(LIMIT, load)) {
      await turn();
      seen.push(row);
    }
  }, /broken/);
  assert.deepEqual(seen, [1, 2, 3]);
  for await (const row of readByPagesAhead(LIMIT, load)) {
    await turn();
    assert.equal(row, 1);
    break;
  }
  await turn();
});
