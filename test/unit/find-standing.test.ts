/** How far a batch that is carried out again looks for what it left at the target. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findStanding } from '../../activities/copy/find-standing.ts';
import type { Transfer } from '../../activities/copy/transfer.ts';
import type { CopyAction } from '../../activities/plan/action.ts';
import type { ETag } from '../../core/ids.ts';
import { BATCH_OBJECTS_MAX } from '../../core/limits.ts';
import type { ListRequest } from '../../stores/store.ts';
import { buildSpec } from '../support/ledger-fixtures.ts';

const ETAG = 'a'.repeat(32) as ETag;
const SIZE = 3;

const toName = (index: number): string => `k${String(index).padStart(6, '0')}`;

/** A batch of the most objects, all of which stand at the target, after so many others before each of them. */
async function find(othersBetween: number): Promise<{ readonly found: number; readonly pages: number }> {
  const names = Array.from({ length: BATCH_OBJECTS_MAX * (othersBetween + 1) }, (_, index) => toName(index));
  const ours = names.filter((_, index) => index % (othersBetween + 1) === othersBetween);
  const actions = ours.map((key): CopyAction => ({
    op: 'copy',
    key,
    sizeBytes: SIZE,
    etag: ETAG,
    expected: { absent: true },
  }));
  const stored = names.map((name) => ({ key: `in/${name}`, etag: ETAG, sizeBytes: SIZE, lastModifiedMs: 0 }));
  let pages = 0;
  const target = {
    list: ({ startAfter = '', continuationToken, maxKeys = 1000 }: ListRequest) => {
      pages += 1;
      const after = continuationToken ?? startAfter;
      const rest = stored.filter(({ key }) => key > after);
      const objects = rest.slice(0, maxKeys);
      const next = rest.length > maxKeys ? { nextContinuationToken: objects.at(-1)?.key } : {};
      return Promise.resolve({ objects, ...next });
    },
  };
  const facts = { etags: 'md5' };
  const transfer = {
    step: { runtime: { tryNumber: 2 }, deps: { storeFacts: () => facts } },
    spec: buildSpec('pipeline'),
    targetFacts: facts,
    target,
  } as unknown as Transfer;
  return { found: (await findStanding(transfer, actions)).size, pages };
}

test('all of the largest batch is found, also where others stand between', async () => {
  assert.deepEqual(await find(0), { found: BATCH_OBJECTS_MAX, pages: 3 });
  assert.deepEqual(await find(1), { found: BATCH_OBJECTS_MAX, pages: 5 });
});

test('among very many others it is not looked for to the end', async () => {
  const { found, pages } = await find(9);
  assert.equal(pages, 6);
  assert.ok(found < BATCH_OBJECTS_MAX);
});
