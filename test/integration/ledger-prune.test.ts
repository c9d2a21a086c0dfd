/** What is dropped of attempts that ended long ago, and what never is. Attempts are made old by moving their end, not by waiting. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import type { WaybillError } from '../../core/failures.ts';
import type { Sha256Hex } from '../../core/ids.ts';
import type { BegunAttempt, ManifestRecord } from '../../ledger/ledger.ts';
import { packBody } from '../../manifest/pack-body.ts';
import {
  beginRun,
  buildDelivery,
  createLedgerFixture,
  savePage,
  toHash,
  type LedgerFixture,
} from '../support/ledger-fixtures.ts';
import { until } from '../support/until.ts';

let fixture: LedgerFixture;
before(async () => {
  fixture = await createLedgerFixture();
});
after(() => fixture.close());

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** With 30 days, but for the pipelines that are named with theirs. */
const prune = (attemptsMax = 100, own: Readonly<Record<string, number>> = {}): Promise<number> =>
  fixture.ledger.prune({
    retentionMs: 30 * DAY_MS,
    pipelineRetentionMs: new Map(Object.entries(own).map(([pipeline, days]) => [pipeline, days * DAY_MS])),
    attemptsMax,
  });

/** A run with a listing, a manifest of one chunk, a step, an outcome and a delivery, ended so many days ago; null: it is live. */
async function leaveRun(
  pipeline: string,
  runId: string,
  endedDaysAgo: number | null,
  { hash = toHash(`${pipeline} ${runId}`), state = 'done' }: { hash?: Sha256Hex; state?: 'done' | 'failed' } = {},
): Promise<BegunAttempt & { readonly listingId: string }> {
  const { ledger, sql } = fixture;
  const attempt = await beginRun(ledger, pipeline, runId);
  const { fence } = attempt;
  const { listingId } = await ledger.openListing(fence);
  const body = packBody(Buffer.from('{}'));
  const page = { firstKey: 'k', lastKey: 'k', objects: 1, sizeBytes: 1, body };
  await savePage(
    ledger,
    fence,
    listingId,
    null,
    { ordinal: 0, after: null, until: null, cursor: 'k', done: true },
    page,
  );
  await ledger.saveChunk(fence, listingId, { ...page, ordinal: 0 });
  const sizes = { objects: 1, sizeBytes: 1, manifestBytes: 2, chunks: 1 };
  const manifest: ManifestRecord = { hash, contentHash: hash, runId, listingId, ...sizes };
  await ledger.saveManifest(fence, manifest);
  const key = { manifestHash: hash, step: 'plan', ordinal: 0 } as const;
  await ledger.claimStep(fence, key, 'h');
  const outcomes = [{ key: 'lost', code: 'orphan', detail: '' }] as const;
  await ledger.commitStep(fence, key, 'h', { n: 1 }, { outcomes, deliveries: [buildDelivery(`${runId}/k`)] });
  if (endedDaysAgo !== null) {
    for (const next of ['listing', 'planning', 'copying', 'finalizing'] as const) await ledger.setState(fence, next);
    await ledger.endAttempt(fence, { state });
    await sql(`update attempt set ended_at = now() - $2 * interval '1 day' where id = $1`, [
      fence.attemptId,
      endedDaysAgo,
    ]);
  }
  return { ...attempt, listingId };
}

/** What is there of an attempt, by table. */
async function countRows({ fence: { attemptId }, listingId }: { fence: { attemptId: string }; listingId: string }) {
  const [row] = await fixture.sql(
    `select (select count(*) from listing where id = $2)::int as listings,
       (select count(*) from chunk where listing = $2)::int as chunks,
       (select count(*) from listing_range where listing = $2)::int as ranges,
       (select count(*) from manifest where listing = $2)::int as manifests,
       (select count(*) from step where attempt = $1)::int as steps,
       (select count(*) from outcome where attempt = $1)::int as outcomes,
       (select count(*) from attempt where id = $1)::int as attempts`,
    [attemptId, listingId],
  );
  return row;
}
const WHOLE = { listings: 1, chunks: 1, ranges: 1, manifests: 1, steps: 1, outcomes: 1, attempts: 1 };
const PRUNED = { listings: 0, chunks: 0, ranges: 0, manifests: 0, steps: 0, outcomes: 0, attempts: 1 };

test('of attempts that ended before the retention the bulk goes; the newest done one of a target, young ones and live ones stay', async () => {
  const { ledger } = fixture;
  const oldDone = await leaveRun('a', 'r1', 90);
  const oldFailed = await leaveRun('a', 'r2', 80, { state: 'failed' });
  const lastDone = await leaveRun('a', 'r3', 70);
  const failedSince = await leaveRun('a', 'r4', 29, { state: 'failed' });
  const live = await leaveRun('a', 'r5', null);
  assert.equal(await prune(), 2);
  assert.deepEqual(await countRows(oldDone), PRUNED);
  assert.deepEqual(await countRows(oldFailed), PRUNED);
  for (const kept of [lastDone, failedSince, live]) assert.deepEqual(await countRows(kept), WHOLE, kept.runId);
  assert.equal(await prune(), 0);

  // The run is there, its manifest is where its marker is, and what was delivered is still delivered.
  assert.equal((await ledger.loadRun(oldDone.runUuid)).attempt.manifestHash, toHash('a r1'));
  const hash = toHash('a r1');
  await assert.rejects(ledger.loadManifest(hash), ({ type, details }: WaybillError) => {
    assert.equal(type, 'manifest_pruned');
    assert.deepEqual(details, { hash, store: 'b', bucket: 'a', key: `in/manifests/${hash}.json` });
    return true;
  });
  await assert.rejects(ledger.loadManifest(toHash('a r2')), {
    type: 'manifest_pruned',
    details: { hash: toHash('a r2') },
  });
  const delivered = await ledger.readDeliveries(live.fence.targetId ?? '', null, 100);
  assert.deepEqual(
    delivered.map(({ key }) => key),
    ['r1/k', 'r2/k', 'r3/k', 'r4/k', 'r5/k'],
  );
});

test('a manifest stays while an attempt that is not old needs it, whoever saved it first', async () => {
  const hash = toHash('shared');
  const first = await leaveRun('b', 'r1', 90, { hash, state: 'failed' });
  // Another pipeline over the same source found the same manifest there: its own chunks were dropped for it.
  const second = await leaveRun('c', 'r1', null, { hash });
  assert.equal((await fixture.ledger.loadManifest(hash)).listingId, first.listingId);
  assert.equal(await prune(), 0);
  assert.deepEqual(await countRows(first), WHOLE);
  await fixture.ledger.endAttempt(second.fence, { state: 'failed' });
  await fixture.sql(`update attempt set ended_at = now() - interval '60 days' where id = $1`, [second.fence.attemptId]);
  assert.equal(await prune(), 2);
  assert.deepEqual(await countRows(first), PRUNED);
});

test('a round takes the oldest first, and no more than it may', async () => {
  const runs = [];
  for (const days of [60, 62, 61]) runs.push(await leaveRun(`d${String(days)}`, 'r1', days, { state: 'failed' }));
  const [youngest, oldest, middle] = runs;
  assert.ok(youngest && oldest && middle);
  assert.equal(await prune(1), 1);
  assert.deepEqual(await countRows(oldest), PRUNED);
  assert.deepEqual(await countRows(middle), WHOLE);
  assert.equal(await prune(1), 1);
  assert.deepEqual(await countRows(middle), PRUNED);
  assert.deepEqual(await countRows(youngest), WHOLE);
  assert.equal(await prune(1), 1);
});

test('a pipeline with a retention of its own is pruned by that, and all others by the one for all', async () => {
  const failed = { state: 'failed' } as const;
  const short = await leaveRun('short', 'r1', 8, failed);
  const shortYoung = await leaveRun('short', 'r2', 6, failed);
  const long = await leaveRun('long', 'r1', 80, failed);
  const longOld = await leaveRun('long', 'r2', 91, failed);
  const other = await leaveRun('other', 'r1', 29, failed);
  const otherOld = await leaveRun('other', 'r2', 31, failed);
  // `gone` names no attempt.
  assert.equal(await prune(100, { short: 7, long: 90, gone: 3 }), 3);
  for (const pruned of [short, longOld, otherOld]) assert.deepEqual(await countRows(pruned), PRUNED);
  for (const kept of [shortYoung, long, other]) assert.deepEqual(await countRows(kept), WHOLE);
  // Once it is no longer named, it is one of the others.
  assert.equal(await prune(100, { short: 7 }), 1);
  assert.deepEqual(await countRows(long), PRUNED);
});

test('a short retention takes neither the latest done attempt of a target nor a live one', async () => {
  const done = await leaveRun('brief', 'r1', 90);
  const lastDone = await leaveRun('brief', 'r2', 80);
  const live = await leaveRun('brief', 'r3', null);
  assert.equal(await prune(100, { brief: 3 }), 1);
  assert.deepEqual(await countRows(done), PRUNED);
  for (const kept of [lastDone, live]) assert.deepEqual(await countRows(kept), WHOLE);
});

test('a manifest of two pipelines stays for the one that keeps it longer, whichever of them saved it', async () => {
  const leaveShared = async (saver: string, sharer: string) => {
    const hash = toHash(`${saver}, then ${sharer}`);
    const saved = await leaveRun(saver, 'r1', 50, { hash, state: 'failed' });
    const shared = await leaveRun(sharer, 'r1', 50, { hash, state: 'failed' });
    assert.equal((await fixture.ledger.loadManifest(hash)).listingId, saved.listingId);
    return { hash, saved, shared };
  };
  const bySwift = await leaveShared('swift', 'steady');
  const bySteady = await leaveShared('steadier', 'swifter');
  // Only the one that shares another's manifest leaves nothing that is needed: its own chunks were dropped for it.
  assert.equal(await prune(100, { swift: 7, swifter: 7, steady: 60, steadier: 60 }), 1);
  for (const { hash, saved } of [bySwift, bySteady]) {
    assert.deepEqual(await countRows(saved), WHOLE);
    assert.equal((await fixture.ledger.loadManifest(hash)).objects, 1);
  }
  assert.deepEqual(await countRows(bySteady.shared), PRUNED);

  assert.equal(await prune(100, { swift: 7, swifter: 7, steady: 49, steadier: 49 }), 3);
  for (const { hash, saved, shared } of [bySwift, bySteady]) {
    for (const pruned of [saved, shared]) assert.deepEqual(await countRows(pruned), PRUNED);
    await assert.rejects(fixture.ledger.loadManifest(hash), { type: 'manifest_pruned' });
  }
});

test('a manifest that another attempt is just naming is not pruned from under it', async () => {
  const hash = toHash('contended');
  const old = await leaveRun('e', 'r1', 90, { hash, state: 'failed' });
  const { fence } = await beginRun(fixture.ledger, 'f', 'r1');
  // What saveManifest does, held up before it is committed.
  const client = new pg.Client({ connectionString: fixture.url });
  await client.connect();
  await client.query('begin');
  await client.query(
    `insert into manifest select hash, content_hash, run_id, gen_random_uuid(), 1, 1, 1, 1 from manifest where hash = $1
     on conflict on constraint manifest_pkey do nothing`,
    [hash],
  );
  await client.query('update attempt set manifest_hash = $2 where id = $1', [fence.attemptId, hash]);
  const pruning = prune();
  const waiting = `select 1 from pg_locks where not granted and relation = 'manifest'::regclass`;
  await until(async () => (await fixture.sql(waiting)).length > 0);
  await client.query('commit');
  await client.end();
  assert.equal(await pruning, 0);
  assert.deepEqual(await countRows(old), WHOLE);
});
