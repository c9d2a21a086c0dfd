/**
 * A run in which one request goes wrong, for every request that it makes: refused before it had an effect, or its answer lost after;
 * and with the whole process dying there instead. Each of them ends as the run without a fault ends.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { putDemoObjects, type DemoObject } from '../../dev/demo-input.ts';
import { MiB } from '../../core/limits.ts';
import { WaybillError } from '../../core/failures.ts';
import type { PipelineSpec } from '../../core/pipeline.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { createFaultyStore, type FaultyStore } from '../../stores/faulty/create-faulty-store.ts';
import type { Fault } from '../../stores/faulty/fault.ts';
import { createMemoryStore } from '../../stores/memory/create-memory-store.ts';
import type { Store } from '../../stores/store.ts';
import { createOpaqueStore } from '../support/create-opaque-store.ts';
import { driveRun, type Drive } from '../support/drive-run.ts';
import { buildSpec, createLedgerFixture, type LedgerFixture } from '../support/ledger-fixtures.ts';

const OBJECTS: readonly DemoObject[] = [
  { key: 'empty', sizeBytes: 0, headers: { contentType: 'text/plain', metadata: {} } },
  {
    key: 'large',
    sizeBytes: 8 * MiB + 5,
    headers: { contentType: 'application/x-large', metadata: { kind: 'parts' } },
  },
  { key: 'small', sizeBytes: 1000, headers: { contentType: 'application/json', metadata: { a: 'b' } } },
];
/** How many runs at once: they mostly wait for Postgres. */
const RUNS_AT_ONCE = 6;

interface Kind {
  readonly name: string;
  readonly wrap: (store: Store) => Store;
  readonly facts: NonNullable<Drive['facts']>;
}
const PLAIN: Kind = { name: 'plain', wrap: (store) => store, facts: {} };
const OPAQUE: Kind = { name: 'opaque ETags', wrap: createOpaqueStore, facts: { etags: 'opaque' } };
const UNCONDITIONAL: Kind = {
  name: 'no conditional writes',
  wrap: (store) => store,
  facts: { conditionalWrites: false },
};

let fixture: LedgerFixture;
let runs = 0;
/** One for all: runs only read it. */
const source = createMemoryStore();
before(async () => {
  await source.createBucket('source');
  await putDemoObjects(source, 'source', OBJECTS);
  fixture = await createLedgerFixture(RUNS_AT_ONCE + 4);
});
after(() => fixture.close());

interface Bench {
  readonly spec: PipelineSpec;
  readonly a: Store;
  readonly b: Store;
  readonly runId: string;
}

/** The source, an empty target and a pipeline of its own. */
async function createBench(kind: Kind): Promise<Bench> {
  const b = kind.wrap(createMemoryStore());
  const spec = buildSpec(`p${String(runs++)}`, 'target');
  await b.createBucket('target');
  // The ledger allows one live attempt a place, so each bench has a place of its own.
  return { a: source, b, runId: 'r', spec: { ...spec, target: { ...spec.target, prefix: `${spec.name}/` } } };
}

/** Everything that a run leaves, with what may differ (ETags of an opaque store, the place) left out. */
async function readEnd(bench: Bench, runUuid: string): Promise<unknown> {
  const { ledger, sql } = fixture;
  const { prefix } = bench.spec.target;
  const { attempt } = await ledger.loadRun(runUuid);
  const objects: Record<string, unknown> = {};
  const held = new Map<string, string>();
  for (const { key, etag } of (await bench.b.list({ bucket: 'target' })).objects) {
    const got = await bench.b.get({ bucket: 'target', key });
    const hash = createHash('sha256');
    for await (const piece of got.body) hash.update(piece);
    const { contentType, metadata, sizeBytes } = got.info;
    objects[key.slice(prefix.length)] = { contentType, metadata, sizeBytes, sha256: hash.digest('hex') };
    held.set(key, etag);
  }
  const rows = await sql(
    `select d.key, d.source_etag, d.size_bytes, d.checksum, d.target_etag from delivery d join attempt a on a.target = d.target
     where a.id = $1 order by d.key`,
    [attempt.attemptId],
  );
  const deliveries = rows.map(({ key, target_etag: targetEtag, ...row }) => ({
    ...row,
    key: String(key).slice(prefix.length),
    targetHoldsIt: held.get(String(key)) === targetEtag,
  }));
  const [claims] = await sql('select count(*)::int as n from claim where attempt = $1', [attempt.attemptId]);
  return {
    objects,
    deliveries,
    openUploads: await bench.b.listUploads({ bucket: 'target', prefix: '' }),
    knownUploads: await ledger.listOpenUploads({ attemptId: attempt.attemptId }),
    claims: claims?.['n'],
    state: attempt.state,
    failure: attempt.failure,
    totals: attempt.totals,
    manifestHash: attempt.manifestHash,
    outcomes: (await ledger.loadProgress(attempt.attemptId)).outcomes,
  };
}

async function runFaultFree(kind: Kind): Promise<{ end: unknown; calls: { a: number; b: number } }> {
  const bench = await createBench(kind);
  const stores = { a: createFaultyStore(bench.a, []), b: createFaultyStore(bench.b, []) };
  const { runUuid, failures } = await driveRun({ ...bench, ...fixture, stores, facts: kind.facts });
  assert.deepEqual(failures, []);
  return { end: await readEnd(bench, runUuid), calls: { a: countCalls(stores.a), b: countCalls(stores.b) } };
}

const countCalls = (store: FaultyStore): number => [...store.calls.values()].reduce((sum, count) => sum + count, 0);

/** Runs once with the fault in one store; `dies`: the process with it. */
async function runWithFault(kind: Kind, store: 'a' | 'b', fault: Fault, dies: boolean) {
  const bench = await createBench(kind);
  const stores = {
    a: createFaultyStore(bench.a, store === 'a' ? [fault] : []),
    b: createFaultyStore(bench.b, store === 'b' ? [fault] : []),
  };
  let seen = 0;
  const driven = await driveRun({
    ...bench,
    ...fixture,
    stores,
    facts: kind.facts,
    isDead: () => dies && stores[store].faults() > seen,
    revive: () => (seen = stores[store].faults()),
  });
  return { driven, end: await readEnd(bench, driven.runUuid), faults: stores[store].faults() };
}

/** What changes rows while a run is carried out. */
const CHANGES: ReadonlySet<string> = new Set([
  ...[
    'beginAttempt',
    'setState',
    'endAttempt',
    'openListing',
    'saveRanges',
    'saveChunk',
    'saveManifest',
    'saveBatches',
  ],
  ...[
    'savePlanHash',
    'claimStep',
    'commitStep',
    'releaseStep',
    'saveEffects',
    'openUpload',
    'saveParts',
    'closeUpload',
  ],
]);

/** The ledger of a process that dies before or after its nth change: the row is there, and nobody heard. */
function createDyingLedger(ledger: Ledger, nth: number, when: 'before' | 'after') {
  let changes = 0;
  let deaths = 0;
  const die = (): never => {
    deaths += 1;
    throw new WaybillError('heartbeat_lost', 'a planned death');
  };
  const dying = Object.fromEntries(
    (Object.entries(ledger) as [string, (...args: unknown[]) => unknown][]).map(([name, call]) => [
      name,
      !CHANGES.has(name)
        ? call
        : async (...args: unknown[]): Promise<unknown> => {
            const isNow = (changes += 1) === nth;
            if (isNow && when === 'before') die();
            const result = await call(...args);
            return isNow && when === 'after' ? die() : result;
          },
    ]),
  );
  return { ledger: dying as unknown as Ledger, changes: () => changes, deaths: () => deaths };
}

async function inPool(work: readonly (() => Promise<void>)[]): Promise<void> {
  const queue = [...work];
  await Promise.all(
    Array.from({ length: RUNS_AT_ONCE }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) await next();
    }),
  );
}

interface Case {
  readonly store: 'a' | 'b';
  readonly when: 'fail-before' | 'fail-after';
  readonly dies: boolean;
}

/** Each case for each request of the fault-free run. */
async function compareAll(kind: Kind, cases: readonly Case[]): Promise<void> {
  const { end, calls } = await runFaultFree(kind);
  assert.equal((end as { state: string }).state, 'done');
  assert.ok(calls.a >= 4 && calls.b >= 6, JSON.stringify(calls));
  let happened = 0;
  const work = cases.flatMap(({ store, when, dies }) =>
    Array.from({ length: calls[store] }, (_, index) => async (): Promise<void> => {
      const what = `${when} of request ${String(index + 1)} to store ${store}${dies ? ', dying' : ''}`;
      const type = dies ? 'heartbeat_lost' : 'store_error';
      const fault: Fault = { operation: 'any', nth: index + 1, kind: when, type };
      const run = await runWithFault(kind, store, fault, dies).catch((cause: unknown) => {
        throw new Error(what, { cause });
      });
      happened += run.faults;
      assert.ok(!run.driven.failures.includes('unclassified'), what);
      assert.deepEqual(run.end, end, what);
    }),
  );
  await inPool(work);
  assert.equal(happened, work.length, 'every fault happened, once');
}

const CASES: readonly Case[] = (['a', 'b'] as const).flatMap((store) =>
  (['fail-before', 'fail-after'] as const).flatMap((when) => [false, true].map((dies) => ({ store, when, dies }))),
);

test('whichever request fails, before or after its effect, or kills the process: the run ends as without it', () =>
  compareAll(PLAIN, CASES));

const LOST: Case = { store: 'b', when: 'fail-after', dies: true };
test('what a killed process had written is found to be ours also where ETags are no hashes', () =>
  compareAll(OPAQUE, [LOST]));
test('what a killed process had written is found to be ours also where writes cannot be conditional', () =>
  compareAll(UNCONDITIONAL, [LOST]));

test('whichever row the process dies before or after writing, the run ends as without it', async () => {
  const { end } = await runFaultFree(PLAIN);
  const dieAt = async (nth: number, when: 'before' | 'after') => {
    const bench = await createBench(PLAIN);
    const dying = createDyingLedger(fixture.ledger, nth, when);
    let seen = 0;
    const driven = await driveRun({
      ...bench,
      ledger: dying.ledger,
      stores: { a: bench.a, b: bench.b },
      isDead: () => dying.deaths() > seen,
      revive: () => (seen = dying.deaths()),
    });
    return { driven, dying, end: await readEnd(bench, driven.runUuid) };
  };
  const { dying } = await dieAt(0, 'before');
  assert.ok(dying.changes() > 20);
  const cases = Array.from({ length: dying.changes() }, (_, index) => index + 1).flatMap((nth) =>
    (['before', 'after'] as const).map((when) => async (): Promise<void> => {
      const what = `${when} change ${String(nth)}`;
      const died = await dieAt(nth, when).catch((cause: unknown) => {
        throw new Error(what, { cause });
      });
      assert.equal(died.dying.deaths(), 1, what);
      assert.deepEqual(died.driven.failures, ['heartbeat_lost'], what);
      assert.deepEqual(died.end, end, what);
    }),
  );
  await inPool(cases);
});
