/** What the sweeper does with uploads that dead attempts left open, over a real ledger and a store in memory. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { pino } from 'pino';
import { toIntentId } from '../../activities/copy/abort-upload.ts';
import { WaybillError } from '../../core/failures.ts';
import type { PipelineSpec } from '../../core/pipeline.ts';
import type { AcceptRequest, BegunAttempt } from '../../ledger/ledger.ts';
import type { Store } from '../../stores/store.ts';
import { createMemoryStore } from '../../stores/memory/create-memory-store.ts';
import { startSweeper, type Sweeper } from '../../worker/sweeper.ts';
import {
  buildRequest,
  buildSpec,
  createLedgerFixture,
  toHash,
  type LedgerFixture,
} from '../support/ledger-fixtures.ts';

const BUCKET = 'target';
const KEY = 'in/big';
const DAY_MS = 86_400_000;
const LAYOUT = { sizeBytes: 20, partSizeBytes: 10, parts: 2 };

let fixture: LedgerFixture;
let store: Store;
before(async () => {
  fixture = await createLedgerFixture();
});
beforeEach(async () => {
  store = createMemoryStore();
  await store.createBucket(BUCKET);
});
after(() => fixture.close());

/** Each pipeline has a store of its own name; what tests are about is how they meet at one place. */
function buildPlace(name: string, prefix = 'in/'): PipelineSpec {
  return { ...buildSpec(name), target: { store: name, bucket: BUCKET, prefix, encryption: null } };
}

async function begin(spec: PipelineSpec, runId: string, more: Partial<AcceptRequest> = {}): Promise<BegunAttempt> {
  const { run } = await fixture.ledger.accept(buildRequest(spec.name, runId, { spec, ...more }));
  return fixture.ledger.beginAttempt(run.id, `workflow-${spec.name}-${runId}`, 1000);
}

/** An upload of KEY that an attempt opened and left when it died, on record by its id or by the intent alone. */
async function leaveUpload(spec: PipelineSpec, isIntent = false): Promise<string> {
  const { fence } = await begin(spec, 'dead');
  const { uploadId } = await store.createUpload({
    bucket: BUCKET,
    key: KEY,
    headers: { metadata: {} },
    encryption: null,
  });
  const recorded = isIntent ? toIntentId(uploadId) : uploadId;
  const location = { store: spec.target.store, bucket: BUCKET, prefix: spec.target.prefix };
  await fixture.ledger.openUpload(fence, { uploadId: recorded, location, key: KEY, sourceEtag: 'e', layout: LAYOUT });
  await fixture.ledger.settleDeadAttempt(fence.attemptId, { type: 'terminated', message: '' });
  return recorded;
}

function createSweeper(openStore: (name: string) => Store): Sweeper {
  return startSweeper({
    ledger: fixture.ledger,
    control: { look: () => Promise.resolve('running'), start: () => Promise.resolve() },
    openStore,
    intervalMs: 3_600_000,
    retentionMs: 30 * DAY_MS,
    pipelineRetentionMs: new Map([['kept-longer', 60 * DAY_MS]]),
    heartbeatTimeoutMs: 0,
    logger: pino({ enabled: false }),
  });
}

async function sweep(openStore: (name: string) => Store): Promise<void> {
  const sweeper = createSweeper(openStore);
  await sweeper.sweep();
  await sweeper.stop();
}

const listOpen = async (): Promise<string[]> =>
  (await store.listUploads({ bucket: BUCKET, prefix: '' })).map(({ uploadId }) => uploadId).toSorted();
const isOnRecord = async (uploadId: string): Promise<boolean> =>
  (await fixture.sql('select 1 from upload where upload_id = $1', [uploadId])).length > 0;

test('an upload that a new attempt takes over while the sweeper works is not aborted', async () => {
  const names = ['first', 'second'];
  const uploads = new Map<string, string>();
  for (const name of names) uploads.set(name, await leaveUpload(buildPlace(name)));
  const opened: string[] = [];
  await sweep((name) => {
    opened.push(name);
    return {
      ...store,
      async abortUpload(upload) {
        const other = names.find((each) => each !== name) ?? '';
        await begin(buildPlace(other), 'adopts');
        await store.abortUpload(upload);
      },
    };
  });
  assert.equal(opened.length, 1);
  const kept = names.find((name) => name !== opened[0]) ?? '';
  assert.deepEqual(await listOpen(), [uploads.get(kept)]);
  assert.ok(await isOnRecord(uploads.get(kept) ?? ''));
});

for (const [where, livePrefix] of [
  ['place', 'in/'],
  ['keys, from a place above it,', ''],
] as const) {
  test(`a live run at the same ${where} under another fingerprint keeps its uploads`, async () => {
    const name = `shared-${livePrefix}`;
    const intent = await leaveUpload(buildPlace(name), true);
    const live = buildPlace(name, livePrefix);
    const { fence } = await begin(live, 'live', { targetFingerprint: toHash(`${name} with tags`) });
    const before = await listOpen();
    await sweep(() => store);
    assert.deepEqual(await listOpen(), before);
    assert.ok(await isOnRecord(intent));

    await fixture.ledger.settleDeadAttempt(fence.attemptId, { type: 'terminated', message: '' });
    await sweep(() => store);
    assert.deepEqual(await listOpen(), []);
    assert.ok(!(await isOnRecord(intent)));
  });
}

test('an upload that cannot be aborted stays on record, is resumed by nobody, and does not keep the others', async () => {
  const spec = buildPlace('removed');
  const removed = await leaveUpload(spec);
  const other = await leaveUpload(buildPlace('other'));
  await sweep((name) => {
    if (name === 'removed') throw new WaybillError('invalid_config', `stores: has no ${name}`);
    return store;
  });
  assert.deepEqual(await listOpen(), [removed]);
  assert.ok(!(await isOnRecord(other)));

  const { fence } = await begin(spec, 'next');
  const known = await fixture.ledger.loadUpload(fence.targetId ?? '', KEY);
  assert.equal(known?.uploadId, removed);
  assert.notEqual(known.sourceEtag, 'e', 'it is no longer an upload of that source');
  await fixture.ledger.settleDeadAttempt(fence.attemptId, { type: 'terminated', message: '' });

  await sweep(() => store);
  assert.deepEqual(await listOpen(), []);
  assert.ok(!(await isOnRecord(removed)));
});

test('no round begins while one is under way', async () => {
  await leaveUpload(buildPlace('slow'));
  let aborts = 0;
  const sweeper = createSweeper(() => ({
    ...store,
    abortUpload: () => {
      aborts += 1;
      return Promise.reject(new WaybillError('store_unreachable', 'down'));
    },
  }));
  await Promise.all([sweeper.sweep(), sweeper.sweep()]);
  await sweeper.stop();
  assert.equal(aborts, 1);
});

for (const [pipeline, keptDays, whose] of [
  ['old', 30, 'retention'],
  ['kept-longer', 60, 'retention of their pipeline'],
] as const) {
  test(`what is kept of attempts that ended before the ${whose} is pruned`, async () => {
    const { ledger, sql } = fixture;
    const { fence, runUuid } = await begin(buildPlace(pipeline), 'r1');
    const { listingId } = await ledger.openListing(fence);
    await ledger.endAttempt(fence, { state: 'failed' });
    for (const [endedDaysAgo, isKept] of [
      [keptDays - 1, true],
      [keptDays + 1, false],
    ] as const) {
      await sql(`update attempt set ended_at = now() - $2 * interval '1 day' where id = $1`, [
        fence.attemptId,
        endedDaysAgo,
      ]);
      await sweep(() => store);
      assert.equal((await sql('select 1 from listing where id = $1', [listingId])).length > 0, isKept);
    }
    assert.equal((await ledger.loadRun(runUuid)).attempt.state, 'failed');
  });
}
