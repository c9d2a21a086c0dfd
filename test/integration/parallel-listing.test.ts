/**
 * Listing by ranges over a real Postgres, from a store that takes its time, fails and asks to slow down: the manifest is that of the
 * keys whatever happened (I6), a successor goes on with every range, and small buckets are listed by as many requests as ever.
 */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildManifest } from '../../activities/build-manifest.ts';
import { list } from '../../activities/list.ts';
import type { ActivityDeps, ActivityRuntime } from '../../activities/runtime.ts';
import { failureTypeOf, WaybillError } from '../../core/failures.ts';
import { isSupportedKey } from '../../core/keys.ts';
import type { BegunAttempt, Ledger } from '../../ledger/ledger.ts';
import { normaliseEtag } from '../../manifest/normalise-etag.ts';
import { printDescriptor } from '../../manifest/print-descriptor.ts';
import { createFaultyStore } from '../../stores/faulty/create-faulty-store.ts';
import { slowDown, type Fault } from '../../stores/faulty/fault.ts';
import type { Store } from '../../stores/store.ts';
import { beginRun, createLedgerFixture, type LedgerFixture } from '../support/ledger-fixtures.ts';
import { lendPage } from '../support/lent-page.ts';
import { createSortedStore, toListed, type SortedStoreOptions } from '../support/sorted-store.ts';

let fixture: LedgerFixture;
let runs = 0;
before(async () => {
  fixture = await createLedgerFixture();
});
after(() => fixture.close());

const pad = (value: number, width: number): string => String(value).padStart(width, '0');
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** A tree of days, a counter and hexadecimal names, with keys among them that are hard to say in a URL and some that nobody can hold. */
const KEYS = [
  ...Array.from({ length: 4000 }, (_, n) => `y=${String(2021 + (n % 4))}/m=${pad((n >> 2) % 12, 2)}/part-${pad(n, 6)}`),
  ...Array.from({ length: 5000 }, (_, n) => `raw/event-${pad(n, 9)}.json`),
  ...Array.from({ length: 4000 }, (_, n) => `x/${createHash('md5').update(String(n)).digest('hex')}`),
  ...Array.from({ length: 600 }, (_, n) => `raw/event-00000${pad(n * 7, 4)}%2F+ ${n % 2 === 0 ? 'é' : '\u{1f600}'}`),
  ...Array.from({ length: 70 }, (_, n) => `raw/event-000002500\0${pad(n, 2)}`),
].sort(byBytes);

interface Attempt {
  readonly begun: BegunAttempt;
  /** One execution of the activity; `die` ends it as the loss of its process does. */
  readonly execute: (
    store: Store,
    onSaved?: (pages: number) => void,
    /** By default even a store that answers at once. */
    listInParallelMsMin?: number,
  ) => { readonly listed: Promise<unknown>; readonly die: () => void };
  readonly fold: () => Promise<string>;
}

async function begin(): Promise<Attempt> {
  const begun = await beginRun(fixture.ledger, `listing-${String((runs += 1))}`, 'r');
  const { fence } = begun;
  const runtimeOf = (controller: AbortController): ActivityRuntime => {
    setMaxListeners(0, controller.signal);
    const assertAlive = (): void => controller.signal.throwIfAborted();
    return {
      tryNumber: 1,
      holder: randomUUID(),
      guard: { signal: controller.signal, assertMayWrite: assertAlive, assertCurrent: assertAlive },
      log: { info: () => undefined, warn: () => undefined },
    };
  };
  await fixture.ledger.setState(fence, 'listing');
  return {
    begun,
    execute(store, onSaved, listInParallelMsMin = 0) {
      const { ledger } = fixture;
      const controller = new AbortController();
      const runtime = runtimeOf(controller);
      const alive = {
        ...ledger,
        saveRanges: async (...args: Parameters<Ledger['saveRanges']>) => {
          controller.signal.throwIfAborted();
          await ledger.saveRanges(...args);
          onSaved?.(args[2].reduce((sum, { pages }) => sum + pages.length, 0));
        },
      };
      const deps = { ledger: alive, openStore: () => store, listInParallelMsMin } as unknown as ActivityDeps;
      return {
        listed: list(deps, runtime, { fence }),
        die: () => controller.abort(new WaybillError('heartbeat_lost', 'a planned death')),
      };
    },
    async fold() {
      const deps = { ledger: fixture.ledger } as unknown as ActivityDeps;
      const { contentHash } = await buildManifest(deps, runtimeOf(new AbortController()), { fence });
      await fixture.ledger.endAttempt(fence, { state: 'failed' });
      return contentHash;
    },
  };
}

/** The hash of the objects' array, made apart from the code under test. */
function hashOf(keys: readonly string[]): string {
  const descriptors = keys.filter(isSupportedKey).map((key) => {
    const { etag, sizeBytes } = toListed(key);
    return printDescriptor({ bucket: 'source', key, sizeBytes, etag: normaliseEtag(etag) });
  });
  return createHash('sha256')
    .update(`[${descriptors.join(',')}]`)
    .digest('hex');
}

const createSlowStore = (more: Partial<SortedStoreOptions> = {}) =>
  createSortedStore({ keys: KEYS, pageKeys: 50, before: () => sleep(3), ...more });

async function failureOf(listed: Promise<unknown>): Promise<string> {
  try {
    await listed;
    return 'none';
  } catch (error) {
    return failureTypeOf(error);
  }
}

test('pages that are lent are read before they are given back, and all of them are given back', async () => {
  const attempt = await begin();
  let lent = 0;
  const store = createSlowStore({
    edit(page, { isLent }) {
      if (isLent !== true) return page;
      lent += 1;
      const columns = lendPage(page);
      const { giveBack } = columns;
      return Object.assign(columns, {
        giveBack() {
          lent -= 1;
          giveBack?.();
        },
      });
    },
  });
  await attempt.execute(store).listed;
  assert.equal(lent, 0);
  assert.ok(store.requests.filter(({ isLent }) => isLent).length > 200);
  assert.equal(await attempt.fold(), hashOf(KEYS));
});

test('many ranges at once fold to the manifest of the keys; nobody lists much twice', async () => {
  const attempt = await begin();
  let inFlight = 0;
  let most = 0;
  const store = createSlowStore({
    before: async () => {
      most = Math.max(most, (inFlight += 1));
      await sleep(3);
      inFlight -= 1;
    },
  });
  await attempt.execute(store).listed;
  const { ranges } = await fixture.ledger.openListing(attempt.begun.fence);
  assert.equal(await attempt.fold(), hashOf(KEYS));
  const pages = Math.ceil(KEYS.length / 50);
  assert.ok(ranges.length > 20, `${String(ranges.length)} ranges`);
  assert.ok(most > 8 && most <= 64, `${String(most)} in flight`);
  // A range's last page is cut, and pivots in vain are bounded: 96, and half of the pages that brought something.
  const requestsMax = 1.5 * (pages + ranges.length) + 96 + 64;
  assert.ok(
    store.requests.length < requestsMax,
    `${String(store.requests.length)} requests for ${String(pages)} pages`,
  );
  const outcomes = await fixture.ledger.loadProgress(attempt.begun.fence.attemptId);
  assert.deepEqual(outcomes.outcomes, { unsupported_key: 70 });
});

test('a listing that is killed in the middle is gone on with in every range, and little is listed again', async () => {
  const attempt = await begin();
  const pages = Math.ceil(KEYS.length / 50);
  let total = 0;
  let saved = 0;
  let mostOpen = 0;
  for (const at of [50, 110, 160]) {
    const store = createSlowStore();
    const execution = attempt.execute(store, (more) => {
      saved += more;
      if (saved >= at) execution.die();
    });
    assert.equal(await failureOf(execution.listed), 'heartbeat_lost');
    total += store.requests.length;
    const { ranges } = await fixture.ledger.openListing(attempt.begun.fence);
    mostOpen = Math.max(mostOpen, ranges.filter(({ done }) => !done).length);
  }
  // Some forty at the first death; how many are left at the later ones is chance.
  assert.ok(mostOpen > 1, String(mostOpen));
  const { ranges } = await fixture.ledger.openListing(attempt.begun.fence);
  const last = createSlowStore();
  await attempt.execute(last).listed;
  total += last.requests.length;
  assert.equal(await attempt.fold(), hashOf(KEYS));
  // The successor begins where each of the ranges stands, by start-after, and nowhere else.
  const opened = ranges.filter(({ done }) => !done).map(({ after, cursor }) => cursor ?? after ?? '');
  const asked = new Set(last.requests.flatMap(({ startAfter }) => (startAfter === undefined ? [] : [startAfter])));
  for (const start of opened) assert.ok(asked.has(start), start);
  assert.ok(
    !last.requests.some(
      ({ startAfter, continuationToken }) => startAfter === undefined && continuationToken === undefined,
    ),
  );
  // Each death costs at most what was under way or not committed yet.
  assert.ok(
    total < 1.5 * (pages + ranges.length) + 4 * (96 + 64 + 128),
    `${String(total)} requests for ${String(pages)} pages`,
  );
});

test('requests that fail, break off or are asked to slow down are sent again, and fewer at once', async () => {
  const attempt = await begin();
  const faults: Fault[] = [
    ...[15, 40, 41, 42, 90].map((nth): Fault => ({ operation: 'list', nth, kind: 'fail-before', type: 'store_error' })),
    ...[20, 60].map((nth): Fault => ({ operation: 'list', nth, kind: 'break-off' })),
    ...[30, 31, 32, 33, 70, 71, 72].map((nth) => slowDown('list', nth, 5)),
    { operation: 'list', nth: 100, kind: 'delay', delayMs: 200 },
  ];
  const store = createFaultyStore(createSlowStore(), faults);
  await attempt.execute(store).listed;
  assert.equal(store.faults(), faults.length);
  assert.equal(await attempt.fold(), hashOf(KEYS));
});

test('a store that fails for good ends the activity with its failure; what was listed is kept', async () => {
  const attempt = await begin();
  const failing = createSlowStore({
    before: (_, nth) => {
      if (nth >= 60) throw new WaybillError('access_denied', 'no more');
    },
  });
  assert.equal(await failureOf(attempt.execute(failing).listed), 'access_denied');
  const { ranges } = await fixture.ledger.openListing(attempt.begun.fence);
  assert.ok(ranges.length > 1);
  await attempt.execute(createSlowStore()).listed;
  assert.equal(await attempt.fold(), hashOf(KEYS));
});

test('a page out of order in any range sends the whole listing through the sort', async () => {
  for (const nth of [3, 30, 80]) {
    const attempt = await begin();
    const store = createFaultyStore(createSlowStore(), [{ operation: 'list', nth, kind: 'disorder' }]);
    await attempt.execute(store).listed;
    const { ranges } = await fixture.ledger.openListing(attempt.begun.fence);
    assert.equal(ranges.length, 1);
    assert.equal(await attempt.fold(), hashOf(KEYS), String(nth));
  }
});

test('a manifest is not folded from ranges that are not done', async () => {
  const attempt = await begin();
  const store = createSlowStore({
    before: (_, nth) => {
      if (nth === 80) execution.die();
      return sleep(3);
    },
  });
  const execution: ReturnType<Attempt['execute']> = attempt.execute(store);
  assert.equal(await failureOf(execution.listed), 'heartbeat_lost');
  await assert.rejects(attempt.fold(), { type: 'listing_incomplete' });
});

test('two executions at once: the ledger lets one of them list on', async () => {
  const attempt = await begin();
  const ends = await Promise.all(
    [createSlowStore(), createSlowStore()].map((store) => failureOf(attempt.execute(store).listed)),
  );
  // Overtaken in a range, or found at the end that the step is another's.
  const known = ['none', 'listing_incomplete', 'heartbeat_lost'];
  assert.ok(
    ends.every((type) => known.includes(type)),
    ends.join(),
  );
  // Whoever was overtaken fails, and its successor goes on with what is there.
  await attempt.execute(createSlowStore()).listed;
  assert.equal(await attempt.fold(), hashOf(KEYS));
});

for (const pages of [1, 2, 4, 5]) {
  test(`a bucket of ${String(pages)} pages is listed by ${String(pages)} requests, one after the other`, async () => {
    const attempt = await begin();
    const keys = KEYS.slice(0, pages * 50 - 3);
    let inFlight = 0;
    let most = 0;
    const store = createSlowStore({
      keys,
      before: async (request) => {
        if (request.maxKeys !== 1) most = Math.max(most, (inFlight += 1));
        await sleep(1);
        if (request.maxKeys !== 1) inFlight -= 1;
      },
    });
    await attempt.execute(store).listed;
    const questions = store.requests.filter(({ maxKeys }) => maxKeys === 1).length;
    assert.equal(store.requests.length - questions, pages);
    assert.equal(questions, pages > 4 ? 1 : 0);
    assert.equal(most, 1);
    assert.equal(await attempt.fold(), hashOf(keys));
  });
}

test('a store that answers fast is listed one page after the other, however many they are', async () => {
  const attempt = await begin();
  const store = createSlowStore({ before: () => undefined });
  // More than any machine that is busy with other tests takes for a page of this store.
  await attempt.execute(store, undefined, 60_000).listed;
  assert.equal(store.requests.length, Math.ceil(KEYS.length / 50));
  assert.equal(await attempt.fold(), hashOf(KEYS));
});
