import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ListingPage, ListingRange, ManifestRecord } from '../../ledger/ledger.ts';
import { beginRun, createLedgerFixture, savePage, toHash, type LedgerFixture } from '../support/ledger-fixtures.ts';

let fixture: LedgerFixture;
before(async () => {
  fixture = await createLedgerFixture();
});
after(() => fixture.close());

const START: ListingRange = { ordinal: 0, after: null, until: null, cursor: null, done: false };
const toPage = (firstKey: string, lastKey: string): ListingPage => ({
  firstKey,
  lastKey,
  objects: 2,
  sizeBytes: 2 ** 40,
  body: Buffer.from(`${firstKey}\0${lastKey}`),
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function buildManifest(listingId: string, name: string): ManifestRecord {
  const common = { runId: 'r1', objects: 4, sizeBytes: 2 ** 41, manifestBytes: 99, chunks: 1 };
  return { hash: toHash(name), contentHash: toHash(`${name} content`), listingId, ...common };
}

test('a page and its cursor go in together; the same page again changes nothing', async () => {
  const { ledger } = fixture;
  const { fence } = await beginRun(ledger, 'pages', 'r1');
  const { listingId, ranges } = await ledger.openListing(fence);
  assert.deepEqual(ranges, [START]);
  await savePage(ledger, fence, listingId, null, { ...START, cursor: 'b' }, toPage('a', 'b'));
  await savePage(ledger, fence, listingId, 'b', { ...START, cursor: 'd' }, toPage('c', 'd'));
  await savePage(ledger, fence, listingId, 'b', { ...START, cursor: 'd' }, toPage('c', 'd'));
  // An answer of which nothing passed the filters.
  await savePage(ledger, fence, listingId, 'd', { ...START, cursor: 'm' }, null);
  assert.deepEqual(await ledger.openListing(fence), { listingId, ranges: [{ ...START, cursor: 'm' }] });
  await savePage(ledger, fence, listingId, 'm', { ...START, cursor: 'z', done: true }, toPage('n', 'z'));
  await savePage(ledger, fence, listingId, 'm', { ...START, cursor: 'z', done: true }, toPage('n', 'z'));
  assert.deepEqual((await ledger.openListing(fence)).ranges, [{ ...START, cursor: 'z', done: true }]);
  assert.deepEqual(await collect(ledger.readPages(listingId)), [toPage('a', 'b'), toPage('c', 'd'), toPage('n', 'z')]);
});

test('an execution that was overtaken cannot make pages overlap, nor move the cursor back', async () => {
  const { ledger } = fixture;
  const { fence } = await beginRun(ledger, 'overlap', 'r1');
  const { listingId } = await ledger.openListing(fence);
  await savePage(ledger, fence, listingId, null, { ...START, cursor: 'f' }, toPage('d', 'f'));
  const behind = { type: 'listing_incomplete' };
  const end = { ...START, cursor: 'h', done: true };
  await assert.rejects(savePage(ledger, fence, listingId, null, { ...START, cursor: 'g' }, toPage('e', 'g')), behind);
  await assert.rejects(savePage(ledger, fence, listingId, 'e', { ...START, cursor: 'g' }, toPage('f', 'g')), behind);
  await assert.rejects(savePage(ledger, fence, listingId, null, { ...START, cursor: 'e', done: true }, null), behind);
  assert.deepEqual((await ledger.openListing(fence)).ranges, [{ ...START, cursor: 'f' }]);
  await savePage(ledger, fence, listingId, 'f', end, null);
  // Nobody lists on what is done.
  await assert.rejects(savePage(ledger, fence, listingId, 'h', { ...end, cursor: 'i' }, toPage('i', 'i')), behind);
  assert.deepEqual((await ledger.openListing(fence)).ranges, [end]);
  assert.deepEqual(await collect(ledger.readPages(listingId)), [toPage('d', 'f')]);
});

test('a cut goes in with the range that it makes and the pages of both, or not at all', async () => {
  const { ledger } = fixture;
  const { fence } = await beginRun(ledger, 'cut', 'r1');
  const { listingId } = await ledger.openListing(fence);
  const owner = { ...START, until: 'm', cursor: 'd' };
  const child = { ...START, ordinal: 1, after: 'm', cursor: 'p' };
  const cut = [
    { range: owner, was: { until: null, cursor: null, done: false }, pages: [toPage('a', 'b'), toPage('c', 'd')] },
    { range: child, was: null, pages: [toPage('n', 'p')] },
  ];
  await ledger.saveRanges(fence, listingId, cut);
  await ledger.saveRanges(fence, listingId, cut);
  assert.deepEqual((await ledger.openListing(fence)).ranges, [owner, child]);
  const behind = { type: 'listing_incomplete' };
  // One that does not know of the cut, one that would make the same range, and one of whose two ranges is another's by now.
  await assert.rejects(savePage(ledger, fence, listingId, 'd', { ...START, cursor: 'z' }, toPage('e', 'z')), behind);
  const twin = { range: { ...child, cursor: 'q' }, was: null, pages: [toPage('n', 'q')] };
  await assert.rejects(ledger.saveRanges(fence, listingId, [twin]), behind);
  const mixed = [
    { range: { ...owner, cursor: 'f' }, was: owner, pages: [toPage('e', 'f')] },
    { range: { ...child, cursor: 'z' }, was: { until: null, cursor: 'o', done: false }, pages: [toPage('q', 'z')] },
  ];
  await assert.rejects(ledger.saveRanges(fence, listingId, mixed), behind);
  assert.deepEqual((await ledger.openListing(fence)).ranges, [owner, child]);
  const pages = [toPage('a', 'b'), toPage('c', 'd'), toPage('n', 'p')];
  assert.deepEqual(await collect(ledger.readPages(listingId)), pages);
});

test('an empty listing is done without a page', async () => {
  const { ledger } = fixture;
  const { fence } = await beginRun(ledger, 'empty', 'r1');
  const { listingId } = await ledger.openListing(fence);
  await savePage(ledger, fence, listingId, null, { ...START, done: true }, null);
  assert.deepEqual((await ledger.openListing(fence)).ranges, [{ ...START, done: true }]);
  assert.deepEqual(await collect(ledger.readPages(listingId)), []);
});

test('pages are read in the order of UTF-8 bytes, over more than one read', async () => {
  const { ledger } = fixture;
  const { fence } = await beginRun(ledger, 'many', 'r1');
  const { listingId } = await ledger.openListing(fence);
  const keys = Array.from({ length: 120 }, (_, index) => `k${String(index).padStart(3, '0')}`);
  keys.push('k\uffff', 'k\u{10000}');
  const pages = keys.map((key) => toPage(key, key));
  const range = { ...START, cursor: keys.at(-1) ?? null };
  await ledger.saveRanges(fence, listingId, [{ range, was: { until: null, cursor: null, done: false }, pages }]);
  assert.deepEqual(
    (await collect(ledger.readPages(listingId))).map(({ firstKey }) => firstKey),
    keys,
  );
});

test('what a store listed out of order comes back in order, each key once; starting over forgets it', async () => {
  const { ledger } = fixture;
  const { fence } = await beginRun(ledger, 'unordered', 'r1');
  const { listingId } = await ledger.openListing(fence);
  await savePage(ledger, fence, listingId, null, { ...START, cursor: 'x' }, toPage('x', 'x'));
  await ledger.resetListing(fence, listingId);
  assert.deepEqual((await ledger.openListing(fence)).ranges, [START]);
  const entries = Array.from({ length: 6000 }, (_, index) => ({
    key: `k${String((index * 7919) % 6000).padStart(4, '0')}`,
    descriptor: `{"n":${String(index)}}`,
    sizeBytes: index,
  }));
  await ledger.saveUnordered(fence, listingId, entries.slice(0, 4000));
  await ledger.saveUnordered(fence, listingId, entries.slice(3000));
  const sorted = [...entries].sort((a, b) => (a.key < b.key ? -1 : 1));
  assert.deepEqual(await collect(ledger.readUnordered(listingId)), sorted);
  await ledger.resetListing(fence, listingId);
  assert.deepEqual(await collect(ledger.readUnordered(listingId)), []);
});

test('of twenty attempts that fold the same manifest at once, the first writer wins and all agree', async () => {
  const { ledger, sql } = fixture;
  const attempts = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const { fence, runUuid } = await beginRun(ledger, `folds-${String(index)}`, 'r1');
      const { listingId } = await ledger.openListing(fence);
      await savePage(ledger, fence, listingId, null, { ...START, cursor: 'b', done: true }, toPage('a', 'b'));
      await ledger.saveChunk(fence, listingId, { ...toPage('a', 'b'), ordinal: 0 });
      return { fence, runUuid, listingId };
    }),
  );
  const saved = await Promise.all(
    attempts.map(({ fence, listingId }) => ledger.saveManifest(fence, buildManifest(listingId, 'same'))),
  );
  const winner = saved[0]?.listingId ?? '';
  for (const manifest of saved) assert.deepEqual(manifest, buildManifest(winner, 'same'));
  const chunks = await sql('select listing from chunk where listing = any($1)', [
    attempts.map(({ listingId }) => listingId),
  ]);
  assert.deepEqual(chunks, [{ listing: winner }]);
  assert.deepEqual(await ledger.loadManifest(toHash('same')), buildManifest(winner, 'same'));
  for (const { runUuid } of attempts) {
    assert.equal((await ledger.loadRun(runUuid)).attempt.manifestHash, toHash('same'));
  }
  // One that lost, and was killed before it could say so, folds its pages again.
  const loser = attempts.find(({ listingId }) => listingId !== winner);
  assert.ok(loser !== undefined);
  assert.deepEqual(await collect(ledger.readPages(loser.listingId)), [toPage('a', 'b')]);
  await ledger.saveChunk(loser.fence, loser.listingId, { ...toPage('a', 'b'), ordinal: 0 });
  assert.equal((await ledger.saveManifest(loser.fence, buildManifest(loser.listingId, 'same'))).listingId, winner);
});

test('chunks outlive their attempt when a manifest has them, and go with it when none does', async () => {
  const { ledger } = fixture;
  const kept = await beginRun(ledger, 'kept', 'r1');
  const keptListing = (await ledger.openListing(kept.fence)).listingId;
  const chunks = Array.from({ length: 10 }, (_, ordinal) => ({
    ...toPage(`k${String(ordinal)}`, `k${String(ordinal)}x`),
    ordinal,
  }));
  for (const chunk of chunks) await ledger.saveChunk(kept.fence, keptListing, chunk);
  await ledger.saveChunk(kept.fence, keptListing, chunks[3] ?? assert.fail());
  await ledger.saveManifest(kept.fence, buildManifest(keptListing, 'kept'));
  await ledger.savePlanHash(kept.fence, toHash('plan'));
  await ledger.endAttempt(kept.fence, { state: 'failed' });
  assert.deepEqual(await collect(ledger.readChunks(keptListing)), chunks);
  assert.equal((await ledger.loadRun(kept.runUuid)).attempt.planHash, toHash('plan'));

  const lost = await beginRun(ledger, 'lost', 'r1');
  const lostListing = (await ledger.openListing(lost.fence)).listingId;
  await ledger.saveChunk(lost.fence, lostListing, { ...toPage('a', 'b'), ordinal: 0 });
  await ledger.settleDeadAttempt(lost.fence.attemptId, { type: 'terminated', message: '' });
  assert.deepEqual(await collect(ledger.readChunks(lostListing)), []);
  await assert.rejects(ledger.loadManifest(toHash('nobody')), { type: 'unknown_manifest' });
});

test('batches are kept by ordinal, and saved again over what was saved', async () => {
  const { ledger } = fixture;
  const { fence } = await beginRun(ledger, 'batches', 'r1');
  const toBatch = (ordinal: number) => ({
    ordinal,
    kind: 'objects' as const,
    objects: 7,
    sizeBytes: 2 ** 35,
    body: Buffer.from([0, ordinal]),
  });
  await ledger.saveBatches(
    fence,
    [0, 1, 2].map((ordinal) => ({ ...toBatch(ordinal), objects: 1, body: Buffer.from('other') })),
  );
  for (const ordinals of [[0, 1], [2]]) await ledger.saveBatches(fence, ordinals.map(toBatch));
  for (const ordinal of [0, 1, 2]) {
    assert.deepEqual(await ledger.loadBatch(fence.attemptId, ordinal), toBatch(ordinal));
  }
});
