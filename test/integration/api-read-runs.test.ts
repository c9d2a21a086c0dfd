import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { OutcomeCode } from '../../core/outcomes.ts';
import type { BegunAttempt } from '../../ledger/ledger.ts';
import { ManifestDigest } from '../../manifest/digest.ts';
import { packBody } from '../../manifest/pack-body.ts';
import type { Progress } from '../../workflows/types.ts';
import { createApiFixture, endRun, type ApiFixture } from '../support/api-fixture.ts';
import { buildDelivery, buildRequest, buildSpec } from '../support/ledger-fixtures.ts';

interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}
interface Run {
  readonly id: string;
  readonly run_id: string;
  readonly state: string;
  readonly attempt: number;
  readonly progress?: Record<string, unknown> | null;
  readonly failure?: { readonly type: string } | null;
}

let api: ApiFixture;
before(async () => {
  api = await createApiFixture();
});
after(() => api.close());

async function accept(pipeline: string, runId: string): Promise<string> {
  const { run } = await api.ledger.accept(buildRequest(pipeline, runId));
  return run.id;
}
async function begin(pipeline: string, runId: string): Promise<BegunAttempt> {
  return api.ledger.beginAttempt(await accept(pipeline, runId), `w ${runId}`, 0);
}
async function readAll<T>(url: string): Promise<{ items: T[]; pages: number }> {
  const items: T[] = [];
  let cursor: string | null = null;
  let pages = 0;
  do {
    const next: string = cursor === null ? url : `${url}&cursor=${encodeURIComponent(cursor)}`;
    const answer = await api.inject('GET', next);
    assert.equal(answer.statusCode, 200, answer.body);
    const page: Page<T> = answer.json();
    items.push(...page.items);
    cursor = page.next_cursor;
    pages += 1;
  } while (cursor !== null);
  return { items, pages };
}

test('runs are listed newest first, page by page, each once', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 7; n++) ids.push(await accept(`list-${n}`, `r${n}`));
  const { items, pages } = await readAll<Run>('/v1/runs?limit=3');
  assert.deepEqual(
    items.map(({ id }) => id),
    ids.toReversed(),
  );
  assert.equal(pages, 3);
});

test('runs are listed by pipeline and by state', async () => {
  const id = await accept('chosen', 'r1');
  const before = await readAll<Run>('/v1/runs?pipeline=chosen&state=accepted');
  assert.deepEqual(
    before.items.map((run) => run.id),
    [id],
  );
  assert.deepEqual((await readAll('/v1/runs?pipeline=chosen&state=done')).items, []);
  await endRun(api, id, 'done');
  assert.equal((await readAll('/v1/runs?pipeline=chosen&state=done')).items.length, 1);
});

test('the objects of a run are listed by outcome, page by page', async () => {
  const { fence, runUuid } = await begin('objects', 'r1');
  const outcomes: readonly (readonly [string, OutcomeCode])[] = [
    ['a b', 'source_changed'],
    ['m/%2F', 'orphan'],
    ['z\u{1F600}', 'source_changed'],
  ];
  await api.ledger.saveEffects(fence, {
    deliveries: ['k1', 'k2', 'k3'].map((key) => buildDelivery(key)),
    outcomes: outcomes.map(([key, code]) => ({ key, code, detail: 'why' })),
  });
  const all = await readAll<{ key: string; outcome: string }>(`/v1/runs/${runUuid}/objects?limit=2`);
  assert.deepEqual(
    all.items.map(({ key, outcome }) => `${key} ${outcome}`),
    ['a b source_changed', 'k1 copied', 'k2 copied', 'k3 copied', 'm/%2F orphan', 'z\u{1F600} source_changed'],
  );
  assert.equal(all.pages, 3);
  const changed = await readAll<{ key: string }>(`/v1/runs/${runUuid}/objects?outcome=source_changed&limit=1`);
  assert.deepEqual(
    changed.items.map(({ key }) => key),
    ['a b', 'z\u{1F600}'],
  );
  const copied = await readAll<{ key: string }>(`/v1/runs/${runUuid}/objects?outcome=copied&limit=200`);
  assert.equal(copied.items.length, 3);
});

test('every attempt of a run is listed, oldest first', async () => {
  const id = await accept('attempts', 'r1');
  await endRun(api, id, 'partial');
  await api.ledger.accept(buildRequest('attempts', 'r1'));
  const answer = await api.inject('GET', `/v1/runs/${id}/attempts`);
  const { items } = answer.json<{ items: { attempt: number; state: string; failure: { type: string } | null }[] }>();
  assert.deepEqual(
    items.map(({ attempt, state, failure }) => [attempt, state, failure?.type ?? null]),
    [
      [1, 'partial', 'incomplete'],
      [2, 'accepted', null],
    ],
  );
});

const PROGRESS: Progress = {
  state: 'copying',
  attempt: 1,
  paused: false,
  concurrency: 4,
  manifest: { manifestHash: 'a'.repeat(64), contentHash: 'b'.repeat(64), objects: 10, sizeBytes: 100 },
  plan: {
    batches: 2,
    skipped: 1,
    skippedBytes: 10,
    toCopy: 9,
    toCopyBytes: 90,
    toAdopt: 0,
    toRepair: 0,
    orphans: 0,
    refused: 0,
  },
  batchesDone: 1,
  counts: { copied: 5, copiedBytes: 50, repaired: 0, adopted: 0, adoptedBytes: 0, failed: 0 },
};

test('a live run tells what its workflow says, and the state is the workflow’s', async () => {
  const { runUuid } = await begin('live', 'r1');
  api.control.told = PROGRESS;
  const run = (await api.inject('GET', `/v1/runs/${runUuid}`)).json<Run>();
  api.control.told = null;
  assert.equal(run.state, 'copying');
  assert.equal(run.progress?.['source'], 'workflow');
  assert.equal(run.progress['batches_done'], 1);
  assert.deepEqual(run.progress['counts'], {
    copied: 5,
    copied_bytes: 50,
    repaired: 0,
    adopted: 0,
    adopted_bytes: 0,
    failed: 0,
  });
});

test('a run that ends while its workflow is asked has what it ended with, and is not ended before its row is', async () => {
  const runUuid = await accept('ending', 'r1');
  const read = async (): Promise<Run> => (await api.inject('GET', `/v1/runs/${runUuid}`)).json<Run>();
  const told = { ...PROGRESS, state: 'failed' } as const;
  try {
    api.control.told = told;
    assert.equal((await read()).state, 'accepted');
    // By the time the workflow answers, the row says it as well.
    api.control.progress = async () => {
      await endRun(api, runUuid, 'failed');
      return told;
    };
    const run = await read();
    assert.deepEqual([run.state, run.failure?.type, run.progress], ['failed', 'incomplete', null]);
  } finally {
    api.control.told = null;
    Reflect.deleteProperty(api.control, 'progress');
  }
});

test('what an earlier attempt’s workflow says is not taken for this one', async () => {
  const { runUuid } = await begin('earlier', 'r1');
  await endRun(api, runUuid, 'failed').catch(() => undefined);
  await api.ledger.settleDeadAttempt((await api.ledger.loadRun(runUuid)).attempt.attemptId, {
    type: 'terminated',
    message: '',
  });
  await api.ledger.accept(buildRequest('earlier', 'r1'));
  api.control.told = PROGRESS;
  const run = (await api.inject('GET', `/v1/runs/${runUuid}`)).json<Run>();
  api.control.told = null;
  assert.deepEqual([run.attempt, run.state, run.progress?.['source']], [2, 'accepted', 'ledger']);
});

test('a run whose workflow does not answer is told from the rows, and nobody waits for it', async () => {
  const { fence, runUuid } = await begin('silent', 'r1');
  await api.ledger.saveEffects(fence, { outcomes: [{ key: 'k', code: 'source_changed', detail: '' }] });
  api.control.slow = true;
  const startedAt = performance.now();
  const run = (await api.inject('GET', `/v1/runs/${runUuid}`)).json<Run>();
  api.control.slow = false;
  // The limit is 0.9 s; the control of this test never answers.
  assert.ok(performance.now() - startedAt < 20_000);
  assert.equal(run.progress?.['source'], 'ledger');
  assert.deepEqual(run.progress['outcomes'], { source_changed: 1 });
});

test('a closed run has totals, traffic and money, and no progress', async () => {
  const { fence, runUuid } = await begin('closed', 'r1');
  for (const step of ['listing', 'planning', 'copying', 'finalizing'] as const) await api.ledger.setState(fence, step);
  await api.ledger.endAttempt(fence, {
    state: 'done',
    totals: {
      objects: 3,
      sizeBytes: 30,
      copied: 2,
      copiedBytes: 20,
      skipped: 1,
      skippedBytes: 10,
      adopted: 0,
      adoptedBytes: 0,
      repaired: 0,
      orphans: 0,
      outcomes: {},
    },
    summary: {
      traffic: { 'a/GetObject': { requests: 2, bytesIn: 20, bytesOut: 0 } },
      avoidedTraffic: { 'a/GetObject': { requests: 1, bytesIn: 10, bytesOut: 0 } },
      money: [{ currency: 'USD', spent: 0.25, avoided: 0.125 }],
      markerKey: 'in/manifests/x.json',
      emptySource: false,
    },
  });
  const run = (await api.inject('GET', `/v1/runs/${runUuid}`)).json<
    Run & { totals: Record<string, unknown>; summary: Record<string, unknown> }
  >();
  assert.equal(run.progress, null);
  assert.equal(run.totals['copied_bytes'], 20);
  assert.deepEqual(run.summary, {
    traffic: { 'a/GetObject': { requests: 2, bytes_in: 20, bytes_out: 0 } },
    avoided_traffic: { 'a/GetObject': { requests: 1, bytes_in: 10, bytes_out: 0 } },
    money: [{ currency: 'USD', spent: 0.25, avoided: 0.125 }],
    marker_key: 'in/manifests/x.json',
    empty_source: false,
  });
});

/** Saves a manifest of `chunks` chunks; returns its hash and its bytes. */
async function saveManifest(runId: string, chunks: number): Promise<{ hash: string; bytes: string }> {
  const { fence } = await begin(`manifest-${runId}`, runId);
  const { listingId } = await api.ledger.openListing(fence);
  const digest = new ManifestDigest(runId);
  const bodies: string[] = [];
  for (let ordinal = 0; ordinal < chunks; ordinal++) {
    const body = `{"bucket":"b","etag":"e","key":"k${ordinal}\u{1F600}","size":1}`;
    bodies.push(body);
    digest.addBody(Buffer.from(body));
    const key = `k${ordinal}`;
    const packed = packBody(Buffer.from(body));
    await api.ledger.saveChunk(fence, listingId, {
      ordinal,
      firstKey: key,
      lastKey: key,
      objects: 1,
      sizeBytes: 1,
      body: packed,
    });
  }
  const hashes = digest.finish();
  await api.ledger.saveManifest(fence, { ...hashes, runId, listingId, objects: chunks, sizeBytes: chunks, chunks });
  return {
    hash: hashes.hash,
    bytes: `{"objects":[${bodies.join(',')}],"run_id":"${runId}","schema":"etl/manifest/v1"}`,
  };
}

for (const chunks of [0, 1, 9]) {
  test(`a manifest of ${chunks} chunks is served byte for byte`, async () => {
    const { hash, bytes } = await saveManifest(`m${chunks}`, chunks);
    const answer = await api.inject('GET', `/v1/manifests/${hash}`);
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.body, bytes);
    assert.equal(answer.headers['content-length'], String(Buffer.byteLength(bytes)));
    assert.equal(answer.headers.etag, `"${hash}"`);
    assert.match(String(answer.headers['content-type']), /^application\/json/);
  });
}

test('a reader who has the manifest already gets 304, and HEAD gets its length', async () => {
  const { hash, bytes } = await saveManifest('m304', 2);
  const again = await api.inject('GET', `/v1/manifests/${hash}`, { headers: { 'if-none-match': `"${hash}"` } });
  assert.deepEqual([again.statusCode, again.body], [304, '']);
  const head = await api.inject('HEAD', `/v1/manifests/${hash}`);
  assert.deepEqual(
    [head.statusCode, head.headers['content-length'], head.body],
    [200, String(Buffer.byteLength(bytes)), ''],
  );
});

test('a stored manifest that lost its hash is never served whole', async () => {
  const { hash, bytes } = await saveManifest('broken', 3);
  const other = packBody(Buffer.from('{"bucket":"b","etag":"x","key":"k1\u{1F600}","size":1}'));
  const { listingId } = await api.ledger.loadManifest(hash);
  await api.sql('update chunk set body = $1 where listing = $2 and ordinal = 1', [other, listingId]);
  const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  await assert.rejects(fetch(`${url}/v1/manifests/${hash}`).then((answer) => answer.text()));
  await api.sql('update chunk set body = $1 where listing = $2 and ordinal = 1', [
    packBody(Buffer.from('{"bucket":"b","etag":"e","key":"k1\u{1F600}","size":1}')),
    listingId,
  ]);
  assert.equal(await fetch(`${url}/v1/manifests/${hash}`).then((answer) => answer.text()), bytes);
});

test('pipelines are listed with their options', async () => {
  const { items } = (await api.inject('GET', '/v1/pipelines')).json<{ items: Record<string, unknown>[] }>();
  assert.deepEqual(
    items.map((item) => item['name']),
    ['copy', 'twin', 'other'],
  );
  assert.deepEqual(items[0]?.['target'], { store: 'b', bucket: 'copy', prefix: 'in/', encryption: null });
  assert.equal(items[0]['schedule'], null);
});

test('what proves the bytes of a pipeline and how long it is kept is told too', async () => {
  const own = await createApiFixture({
    pipelines: [buildSpec('plain'), { ...buildSpec('other'), proof: 'crc' }],
    retentionMs: { other: 90 * 86_400_000 },
  });
  try {
    const { items } = (await own.inject('GET', '/v1/pipelines')).json<{ items: Record<string, unknown>[] }>();
    assert.deepEqual(
      items.map((item) => [item['proof'], item['retention_seconds']]),
      [
        ['md5', null],
        ['crc', 90 * 86_400],
      ],
    );
  } finally {
    await own.close();
  }
});
