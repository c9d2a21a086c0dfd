import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { printLocation } from '../../core/pipeline.ts';
import {
  buildRequest,
  buildSpec,
  createLedgerFixture,
  toHash,
  type LedgerFixture,
} from '../support/ledger-fixtures.ts';

let fixture: LedgerFixture;
before(async () => {
  fixture = await createLedgerFixture();
});
after(() => fixture.close());

test('twenty callers at once get one run with one attempt', async () => {
  const { ledger, sql } = fixture;
  const accepted = await Promise.all(Array.from({ length: 20 }, () => ledger.accept(buildRequest('twenty', 'r1'))));
  assert.equal(accepted.filter(({ kind }) => kind === 'accepted').length, 1);
  assert.equal(accepted.filter(({ kind }) => kind === 'live').length, 19);
  assert.equal(new Set(accepted.map(({ run }) => run.id)).size, 1);
  assert.equal((await sql(`select 1 from attempt a join run r on r.id = a.run where pipeline = 'twenty'`)).length, 1);
});

test('twenty callers at once start a failed run again once', async () => {
  const { ledger } = fixture;
  const first = await ledger.accept(buildRequest('heal', 'r1'));
  const { fence } = await ledger.beginAttempt(first.run.id, 'w1', 1000);
  await ledger.endAttempt(fence, { state: 'failed' });
  const accepted = await Promise.all(Array.from({ length: 20 }, () => ledger.accept(buildRequest('heal', 'r1'))));
  assert.equal(accepted.filter(({ kind }) => kind === 'accepted').length, 1);
  for (const { run } of accepted) assert.equal(run.attempt.number, 2);
});

test('twenty callers at once with different runs of one pipeline: one is accepted, the others hear who holds the target', async () => {
  const { ledger, sql } = fixture;
  const settled = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) => ledger.accept(buildRequest('race', `r${String(index)}`))),
  );
  const winners = settled.filter((result) => result.status === 'fulfilled');
  assert.equal(winners.length, 1);
  const winner = winners[0]?.value.run.runId;
  for (const result of settled) {
    if (result.status === 'fulfilled') continue;
    const { type, details } = result.reason as { type: string; details: object };
    assert.deepEqual({ type, details }, { type: 'target_busy', details: { pipeline: 'race', runId: winner } });
  }
  // What was refused leaves nothing behind.
  assert.equal((await sql(`select 1 from run where pipeline = 'race'`)).length, 1);
});

test('one place under two fingerprints is still one live target', async () => {
  const { ledger } = fixture;
  const first = buildRequest('place', 'r1');
  await ledger.accept(first);
  const other = { ...buildRequest('place-kms', 'r1', { spec: buildSpec('place-kms', 'place') }) };
  assert.equal(printLocation(other.spec.target), printLocation(first.spec.target));
  await assert.rejects(ledger.accept(other), { type: 'target_busy', details: { pipeline: 'place', runId: 'r1' } });
});

test('a run that is done is returned, unless again is asked; any other closed run starts its next attempt', async () => {
  const { ledger } = fixture;
  const request = buildRequest('life', 'r1');
  const first = await ledger.accept(request);
  assert.equal(first.kind, 'accepted');
  assert.equal(first.run.attempt.state, 'accepted');
  assert.equal(first.run.attempt.number, 1);
  const begun = await ledger.beginAttempt(first.run.id, 'w1', 1000);
  await ledger.endAttempt(begun.fence, { state: 'failed', failure: { type: 'store_refused', message: 'no' } });

  const second = await ledger.accept(request);
  assert.equal(second.kind, 'accepted');
  assert.equal(second.run.attempt.number, 2);
  const { fence } = await ledger.beginAttempt(second.run.id, 'w2', 1000);
  for (const state of ['listing', 'planning', 'finalizing'] as const) await ledger.setState(fence, state);
  await ledger.endAttempt(fence, { state: 'done' });

  const third = await ledger.accept(request);
  assert.equal(third.kind, 'done');
  assert.equal(third.run.attempt.number, 2);
  const fourth = await ledger.accept({ ...request, again: true });
  assert.equal(fourth.kind, 'accepted');
  assert.equal(fourth.run.attempt.number, 3);

  const attempts = await ledger.listAttempts(first.run.id);
  assert.deepEqual(
    attempts.map(({ number, state, failure }) => ({ number, state, failure })),
    [
      { number: 1, state: 'failed', failure: { type: 'store_refused', message: 'no' } },
      { number: 2, state: 'done', failure: null },
      { number: 3, state: 'accepted', failure: null },
    ],
  );
});

test('an Idempotency-Key stands for one request: the same again finds its run, another is refused', async () => {
  const { ledger } = fixture;
  const idempotency = { principal: 'op', key: 'k1', requestSha256: toHash('one') };
  // Callers that let the service make up the run_id send different ones.
  const accepted = await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      ledger.accept(buildRequest('keyed', `made-up-${String(index)}`, { idempotency })),
    ),
  );
  assert.equal(new Set(accepted.map(({ run }) => run.runId)).size, 1);
  assert.equal(accepted.filter(({ kind }) => kind === 'accepted').length, 1);
  assert.equal((await ledger.findIdempotent('op', 'k1', toHash('one')))?.id, accepted[0]?.run.id);
  assert.equal(await ledger.findIdempotent('somebody else', 'k1', toHash('one')), null);
  await assert.rejects(ledger.findIdempotent('op', 'k1', toHash('two')), { type: 'idempotency_conflict' });
  await assert.rejects(
    ledger.accept(buildRequest('keyed', 'r9', { idempotency: { ...idempotency, requestSha256: toHash('two') } })),
    { type: 'idempotency_conflict' },
  );
});

test('an Idempotency-Key of a refused request is free again', async () => {
  const { ledger } = fixture;
  await ledger.accept(buildRequest('refused', 'r1'));
  const idempotency = { principal: 'op', key: 'k2', requestSha256: toHash('x') };
  await assert.rejects(ledger.accept(buildRequest('refused', 'r2', { idempotency })), { type: 'target_busy' });
  assert.equal(await ledger.findIdempotent('op', 'k2', toHash('x')), null);
});

test('a plan without a run takes no target, and is no run', async () => {
  const { ledger } = fixture;
  const run = await ledger.accept(buildRequest('planned', 'r1'));
  const plan = await ledger.accept(buildRequest('planned', 'r1', { mode: 'plan' }));
  assert.equal(plan.kind, 'accepted');
  assert.notEqual(plan.run.id, run.run.id);
  const begun = await ledger.beginAttempt(plan.run.id, 'wp', 1000);
  assert.equal(begun.fence.targetId, null);
  assert.equal(begun.mode, 'plan');
  await ledger.setState(begun.fence, 'listing');
  await ledger.setState(begun.fence, 'planning');
  await assert.rejects(
    ledger.saveEffects(begun.fence, {
      deliveries: [
        { key: 'k', sourceEtag: 'e', sourceVersion: null, sizeBytes: 1, targetEtag: 'e', checksum: 'etag:e' },
      ],
    }),
    { type: 'invalid_state' },
  );
  await ledger.endAttempt(begun.fence, { state: 'done' });
  await assert.rejects(ledger.setState(begun.fence, 'planning'), { type: 'lease_lost' });
  assert.equal((await ledger.findRun('plan', 'planned', 'r1'))?.attempt.state, 'done');
  assert.equal((await ledger.findRun('run', 'planned', 'r1'))?.attempt.state, 'accepted');
});

test('runs come newest first in pages that neither repeat nor leave out', async () => {
  const { ledger } = fixture;
  for (let index = 0; index < 7; index++) {
    const { run } = await ledger.accept(
      buildRequest('pages', `r${String(index)}`, { nominalAt: '2026-01-01T00:00:00Z' }),
    );
    const { fence } = await ledger.beginAttempt(run.id, `w${String(index)}`, 1000);
    await ledger.endAttempt(fence, { state: index % 2 === 0 ? 'failed' : 'cancelled' });
  }
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await ledger.listRuns({ pipeline: 'pages', limit: 3, ...(cursor === undefined ? {} : { cursor }) });
    seen.push(...page.items.map(({ runId }) => runId));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  assert.deepEqual(seen, ['r6', 'r5', 'r4', 'r3', 'r2', 'r1', 'r0']);
  const failed = await ledger.listRuns({ pipeline: 'pages', state: 'failed', limit: 4 });
  assert.deepEqual(
    failed.items.map(({ runId, nominalAt }) => `${runId} ${String(nominalAt)}`),
    ['r6', 'r4', 'r2', 'r0'].map((runId) => `${runId} 2026-01-01T00:00:00.000Z`),
  );
  assert.equal(failed.nextCursor, null);
});

test('a cursor that is none of ours, and an id that is no run, are refused', async () => {
  const { ledger } = fixture;
  for (const cursor of [
    '',
    'x',
    Buffer.from('["a"]').toString('base64url'),
    Buffer.from('[1,2]').toString('base64url'),
  ]) {
    await assert.rejects(ledger.listRuns({ limit: 1, cursor }), { type: 'invalid_request' }, cursor);
  }
  await assert.rejects(ledger.loadRun('nonsense'), { type: 'unknown_run' });
  await assert.rejects(ledger.loadRun('00000000-0000-0000-0000-000000000000'), { type: 'unknown_run' });
});

test('live attempts are listed oldest first, and what is audited is kept', async () => {
  const { ledger, sql } = fixture;
  const live = await ledger.listLiveAttempts();
  assert.ok(live.length > 2);
  const times = live.map(({ attempt }) => attempt.acceptedAt);
  assert.deepEqual(times, [...times].sort());
  await ledger.audit('op', 'run.cancel', 'run:x', { reason: 'a\u0000b' });
  assert.equal((await sql('select action from audit'))[0]?.['action'], 'run.cancel');
});
