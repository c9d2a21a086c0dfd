import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import type { Fence, StepKey } from '../../ledger/ledger.ts';
import {
  beginRun,
  buildDelivery,
  buildRequest,
  buildSpec,
  createLedgerFixture,
  savePage,
  toHash,
  type LedgerFixture,
} from '../support/ledger-fixtures.ts';

let fixture: LedgerFixture;
before(async () => {
  fixture = await createLedgerFixture();
});
after(() => fixture.close());

const DEAD = { type: 'terminated', message: 'the workflow was terminated' };
const COPY: StepKey = { manifestHash: toHash('m'), step: 'copy', ordinal: 0 };

test('beginning takes the lease once for a workflow run, however often it is said and however many say it', async () => {
  const { ledger, sql } = fixture;
  const { run } = await ledger.accept(buildRequest('once', 'r1', { nominalAt: '2026-05-01T00:00:00Z' }));
  const begun = await Promise.all(Array.from({ length: 10 }, () => ledger.beginAttempt(run.id, 'w1', 1000)));
  for (const each of begun) assert.deepEqual(each, begun[0]);
  const [first] = begun;
  assert.ok(first !== undefined);
  assert.equal(first.fence.epoch, 1);
  assert.equal(first.quietMs, 0);
  assert.equal(first.runId, 'r1');
  assert.equal(first.nominalAt, '2026-05-01T00:00:00.000Z');
  assert.deepEqual(first.spec, buildSpec('once'));
  assert.deepEqual(await ledger.loadAttempt(first.fence), first);
  assert.deepEqual(await ledger.loadSpec(first.fence.attemptId), buildSpec('once'));
  const [target] = await sql('select epoch, owner_attempt from target where id = $1', [first.fence.targetId]);
  assert.deepEqual(target, { epoch: '1', owner_attempt: first.fence.attemptId });
});

test('a workflow that replaces one which vanished gets a higher epoch, and the old one writes nothing more', async () => {
  const { ledger } = fixture;
  const old = await beginRun(ledger, 'replaced', 'r1');
  await ledger.setState(old.fence, 'listing');
  const begun = await ledger.beginAttempt(old.runUuid, 'another workflow', 1000);
  assert.equal(begun.fence.attemptId, old.fence.attemptId);
  assert.equal(begun.fence.epoch, old.fence.epoch + 1);
  await assert.rejects(ledger.setState(old.fence, 'planning'), { type: 'lease_lost' });
  await ledger.setState(begun.fence, 'listing');
  // The one that was replaced does not get back in by asking.
  const back = await ledger.beginAttempt(old.runUuid, 'workflow-replaced-r1', 1000);
  assert.equal(back.fence.epoch, begun.fence.epoch + 1);
});

test('a workflow that begins late does not take the attempt that followed its own', async () => {
  const { ledger } = fixture;
  const first = await beginRun(ledger, 'late', 'r1');
  await ledger.settleDeadAttempt(first.fence.attemptId, DEAD);
  const { run } = await ledger.accept(buildRequest('late', 'r1'));
  const late = ledger.beginAttempt(run.id, 'a workflow of the first', 1000, first.fence.attemptId);
  await assert.rejects(late, { type: 'lease_lost' });
  const begun = await ledger.beginAttempt(run.id, 'a workflow of the second', 1000, run.attempt.attemptId);
  assert.equal(begun.fence.attemptId, run.attempt.attemptId);
});

test('a zombie commits nothing, whatever it tries', async () => {
  const { ledger, sql } = fixture;
  const zombie = await beginRun(ledger, 'zombie', 'r1');
  const { fence } = zombie;
  const { listingId, ranges } = await ledger.openListing(fence);
  await ledger.settleDeadAttempt(fence.attemptId, DEAD);
  const successor = await beginRun(ledger, 'zombie', 'r2');
  assert.ok(successor.fence.epoch > fence.epoch + 1);
  await ledger.saveEffects(successor.fence, { deliveries: [buildDelivery('k', 'newer')] });

  const page = { firstKey: 'a', lastKey: 'b', objects: 1, sizeBytes: 1, body: Buffer.from('x') };
  const range = ranges[0];
  assert.ok(range !== undefined);
  const manifest = {
    hash: toHash('z'),
    contentHash: toHash('z'),
    runId: 'r1',
    listingId,
    objects: 1,
    sizeBytes: 1,
    manifestBytes: 1,
    chunks: 1,
  };
  const upload = {
    uploadId: 'u-zombie',
    location: buildSpec('zombie').target,
    key: 'k',
    sourceEtag: 'e',
    layout: { sizeBytes: 1, partSizeBytes: 1, parts: 1 },
  };
  const writes: Record<string, (fence: Fence) => Promise<unknown>> = {
    loadAttempt: (f) => ledger.loadAttempt(f),
    setState: (f) => ledger.setState(f, 'listing'),
    endAttempt: (f) => ledger.endAttempt(f, { state: 'cancelled' }),
    openListing: (f) => ledger.openListing(f),
    saveRanges: (f) => savePage(ledger, f, listingId, null, { ...range, cursor: 'b' }, page),
    resetListing: (f) => ledger.resetListing(f, listingId),
    saveUnordered: (f) => ledger.saveUnordered(f, listingId, [{ key: 'k', descriptor: '{}', sizeBytes: 1 }]),
    saveChunk: (f) => ledger.saveChunk(f, listingId, { ...page, ordinal: 0 }),
    saveManifest: (f) => ledger.saveManifest(f, manifest),
    saveBatches: (f) =>
      ledger.saveBatches(f, [{ ordinal: 0, kind: 'objects', objects: 1, sizeBytes: 1, body: Buffer.from('x') }]),
    savePlanHash: (f) => ledger.savePlanHash(f, toHash('p')),
    claimStep: (f) => ledger.claimStep(f, COPY, 'h'),
    commitStep: (f) => ledger.commitStep(f, COPY, 'h', {}, { deliveries: [buildDelivery('k', 'older')] }),
    releaseStep: (f) => ledger.releaseStep(f, COPY, 'h', { deliveries: [buildDelivery('k', 'older')] }),
    saveEffects: (f) => ledger.saveEffects(f, { deliveries: [buildDelivery('k', 'older')] }),
    openUpload: (f) => ledger.openUpload(f, upload),
    saveParts: (f) => ledger.saveParts(f, 'u-zombie', []),
    closeUpload: (f) => ledger.closeUpload(f, 'u-zombie'),
  };
  const count = `select (select count(*) from page) + (select count(*) from unordered_entry) + (select count(*) from chunk)
    + (select count(*) from manifest) + (select count(*) from batch) + (select count(*) from step) + (select count(*) from claim)
    + (select count(*) from upload) as n`;
  const before = await sql(count);
  for (const [name, write] of Object.entries(writes)) {
    await assert.rejects(write(fence), { type: 'lease_lost' }, name);
    // An epoch that was never given out proves nothing either.
    await assert.rejects(write({ ...successor.fence, epoch: successor.fence.epoch + 1 }), { type: 'lease_lost' }, name);
  }
  assert.deepEqual(await sql(count), before);
  const targetId = successor.fence.targetId ?? '';
  assert.equal((await ledger.loadDeliveries(targetId, ['k'])).get('k')?.sourceEtag, 'newer');
});

test('what is written while the target changes hands waits for it, and finds the lease lost', async () => {
  const { ledger, sql, url } = fixture;
  const { fence } = await beginRun(ledger, 'hands', 'r1');
  await ledger.setState(fence, 'listing');
  const taker = new pg.Client({ connectionString: url });
  await taker.connect();
  try {
    await taker.query('begin');
    await taker.query('update target set epoch = epoch + 1 where id = $1', [fence.targetId]);
    const late = [ledger.claimStep(fence, COPY, 'h'), ledger.setState(fence, 'planning')];
    const ends = Promise.allSettled(late);
    let hasEnded = false;
    void ends.then(() => (hasEnded = true));
    const waiting = `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    while ((await sql(waiting))[0]?.['n'] !== 2) assert.ok(!hasEnded, 'both wait');
    await taker.query('commit');
    for (const write of late) await assert.rejects(write, { type: 'lease_lost' });
  } finally {
    await taker.end();
  }
  const count = '(select count(*)::int from claim where attempt = a.id) as claims';
  assert.deepEqual(await sql(`select state, ${count} from attempt a where id = $1`, [fence.attemptId]), [
    { state: 'listing', claims: 0 },
  ]);
});

test('a plan without a run owns no target: its own row is its fence', async () => {
  const { ledger, sql } = fixture;
  const { run } = await ledger.accept(buildRequest('fenced-plan', 'r1', { mode: 'plan' }));
  const begun = await ledger.beginAttempt(run.id, 'w1', 1000);
  const { fence } = begun;
  assert.equal(fence.targetId, null);
  assert.deepEqual(await ledger.loadAttempt(fence), begun);
  await ledger.setState(fence, 'listing');
  await ledger.setState(fence, 'listing');
  await ledger.claimStep(fence, COPY, 'h');
  assert.equal(
    (await sql('select 1 from claim where attempt = $1 and epoch = $2', [fence.attemptId, fence.epoch])).length,
    1,
  );
  const stale: readonly ((fence: Fence) => Promise<unknown>)[] = [
    (f) => ledger.loadAttempt(f),
    (f) => ledger.setState(f, 'planning'),
    (f) => ledger.claimStep(f, COPY, 'h'),
  ];
  for (const ask of stale) await assert.rejects(ask({ ...fence, epoch: fence.epoch + 1 }), { type: 'lease_lost' });
  await ledger.setState(fence, 'planning');
  await ledger.endAttempt(fence, { state: 'done' });
  for (const ask of stale) await assert.rejects(ask(fence), { type: 'lease_lost' });
});

test('ending releases the lease, keeps what was found, and may be said again', async () => {
  const { ledger, sql } = fixture;
  const { fence, runUuid } = await beginRun(ledger, 'ends', 'r1');
  const { listingId, ranges } = await ledger.openListing(fence);
  const page = { firstKey: 'a', lastKey: 'b', objects: 2, sizeBytes: 2, body: Buffer.from('x') };
  const range = { ordinal: 0, after: null, until: null, cursor: 'b', done: true };
  assert.deepEqual(ranges, [{ ...range, cursor: null, done: false }]);
  await savePage(ledger, fence, listingId, null, range, page);
  await ledger.saveBatches(fence, [{ ordinal: 0, kind: 'objects', objects: 1, sizeBytes: 1, body: Buffer.from('x') }]);
  for (const state of ['listing', 'planning', 'copying', 'finalizing'] as const) await ledger.setState(fence, state);
  const totals = {
    objects: 2,
    sizeBytes: 2,
    copied: 2,
    copiedBytes: 2,
    skipped: 0,
    skippedBytes: 0,
    adopted: 0,
    adoptedBytes: 0,
    repaired: 0,
    orphans: 0,
    outcomes: {},
  };
  const summary = { traffic: {}, avoidedTraffic: {}, money: [], markerKey: 'm', emptySource: false };
  await ledger.endAttempt(fence, { state: 'done', totals, summary });
  await ledger.endAttempt(fence, { state: 'done', totals, summary });
  await assert.rejects(ledger.endAttempt(fence, { state: 'failed' }), { type: 'lease_lost' });
  const { attempt } = await ledger.loadRun(runUuid);
  assert.equal(attempt.state, 'done');
  assert.deepEqual(attempt.totals, totals);
  assert.deepEqual(attempt.summary, summary);
  assert.deepEqual(
    await sql('select epoch, owner_attempt, last_done_attempt from target where id = $1', [fence.targetId]),
    [{ epoch: '1', owner_attempt: null, last_done_attempt: fence.attemptId }],
  );
  assert.deepEqual(
    await sql(
      'select (select count(*) from page where listing = $1) p, (select count(*) from batch where attempt = $2) b',
      [listingId, fence.attemptId],
    ),
    [{ p: '0', b: '0' }],
  );
  await assert.rejects(ledger.loadBatch(fence.attemptId, 0), { type: 'lease_lost' });
  await assert.rejects(ledger.beginAttempt(runUuid, 'late', 1000), { type: 'lease_lost' });
});

test('no sequence of commands reaches a state that may not follow', async () => {
  const { ledger } = fixture;
  const { fence, runUuid } = await beginRun(ledger, 'states', 'r1');
  await assert.rejects(ledger.setState(fence, 'copying'), { type: 'invalid_state' });
  await assert.rejects(ledger.endAttempt(fence, { state: 'done' }), { type: 'invalid_state' });
  await ledger.setState(fence, 'listing');
  await ledger.setState(fence, 'listing');
  await ledger.setState(fence, 'paused');
  await ledger.setState(fence, 'listing');
  assert.equal((await ledger.loadRun(runUuid)).attempt.state, 'listing');
  await ledger.endAttempt(fence, { state: 'cancelled' });
});

test('a dead attempt with claims makes its successor wait out the heartbeat time-out, counted from its death', async () => {
  const { ledger, sql } = fixture;
  const dead = await beginRun(ledger, 'quiet', 'r1');
  await ledger.claimStep(dead.fence, COPY, 'h1');
  await ledger.settleDeadAttempt(dead.fence.attemptId, DEAD);
  await ledger.settleDeadAttempt(dead.fence.attemptId, DEAD);
  assert.equal((await ledger.loadRun(dead.runUuid)).attempt.failure?.type, 'terminated');

  const { run } = await ledger.accept(buildRequest('quiet', 'r1'));
  const first = await ledger.beginAttempt(run.id, 'w2', 600_000);
  assert.ok(first.quietMs > 300_000 && first.quietMs <= 600_000, String(first.quietMs));
  await sql(`update attempt set ended_at = now() - interval '450 seconds' where id = $1`, [dead.fence.attemptId]);
  const again = await ledger.beginAttempt(run.id, 'w2', 600_000);
  assert.ok(again.quietMs > 10_000 && again.quietMs <= 150_000, String(again.quietMs));
  assert.deepEqual(again.fence, first.fence);
  await sql(`update attempt set ended_at = now() - interval '600 seconds' where id = $1`, [dead.fence.attemptId]);
  assert.equal((await ledger.beginAttempt(run.id, 'w2', 600_000)).quietMs, 0);
  assert.deepEqual(await sql('select 1 from claim where attempt = $1', [dead.fence.attemptId]), []);
});

test('the same place under another fingerprint waits too; without claims, or at another place, nobody waits', async () => {
  const { ledger } = fixture;
  const dead = await beginRun(ledger, 'spot', 'r1');
  await ledger.claimStep(dead.fence, COPY, 'h1');
  await ledger.settleDeadAttempt(dead.fence.attemptId, DEAD, 'cancelled');
  const other = await ledger.accept(buildRequest('spot-kms', 'r1', { spec: buildSpec('spot-kms', 'spot') }));
  assert.ok((await ledger.beginAttempt(other.run.id, 'w', 60_000)).quietMs > 0);
  const elsewhere = await ledger.accept(buildRequest('elsewhere', 'r1'));
  assert.equal((await ledger.beginAttempt(elsewhere.run.id, 'w', 60_000)).quietMs, 0);

  const released = await beginRun(ledger, 'released', 'r1');
  await ledger.claimStep(released.fence, COPY, 'h1');
  await ledger.releaseStep(released.fence, COPY, 'h1', {});
  await ledger.settleDeadAttempt(released.fence.attemptId, DEAD);
  const next = await ledger.accept(buildRequest('released', 'r2'));
  assert.equal((await ledger.beginAttempt(next.run.id, 'w', 60_000)).quietMs, 0);
});

test('a workflow that replaces one which vanished waits for the claims of that one', async () => {
  const { ledger } = fixture;
  const old = await beginRun(ledger, 'vanished', 'r1');
  await ledger.claimStep(old.fence, COPY, 'h1');
  const begun = await ledger.beginAttempt(old.runUuid, 'another workflow', 600_000);
  assert.ok(begun.quietMs > 300_000);
});

test('settling an attempt that never began frees its target', async () => {
  const { ledger } = fixture;
  const { run } = await ledger.accept(buildRequest('never', 'r1'));
  await ledger.settleDeadAttempt(run.attempt.attemptId, DEAD);
  assert.equal((await ledger.accept(buildRequest('never', 'r2'))).kind, 'accepted');
});

test('a verification is kept beside the attempt', async () => {
  const { ledger } = fixture;
  const { run } = await ledger.accept(buildRequest('verified', 'r1'));
  const verification = {
    state: 'ok',
    checkedAt: '2026-01-01T00:00:00.000Z',
    objects: 1,
    missing: 0,
    changed: 0,
    marker: 'present',
    message: null,
  } as const;
  await ledger.saveVerification(run.attempt.attemptId, verification);
  assert.deepEqual((await ledger.loadRun(run.id)).attempt.verification, verification);
});
