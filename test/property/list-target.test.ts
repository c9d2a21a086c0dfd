/**
 * The listing of a target by the stretches of a manifest: whatever stands there, wherever the manifest's chunks end and whatever answers
 * last, it is the serial listing, and its reader gets it in order.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { listTarget } from '../../activities/plan/list-target.ts';
import type { TargetPage } from '../../activities/plan/target-page.ts';
import type { ActivityDeps, ActivityRuntime } from '../../activities/runtime.ts';
import type { ETag } from '../../core/ids.ts';
import { failureTypeOf, WaybillError } from '../../core/failures.ts';
import { reservedPrefix } from '../../core/pipeline.ts';
import type { ListRequest } from '../../stores/store.ts';
import { buildSpec } from '../support/ledger-fixtures.ts';
import { lendPage } from '../support/lent-page.ts';
import { createSortedStore, type SortedStore, type SortedStoreOptions } from '../support/sorted-store.ts';

const base = buildSpec('target');
const SPEC = {
  ...base,
  source: { ...base.source, prefix: 'from/' },
  target: { ...base.target, bucket: 'target', prefix: 'in/' },
};
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const toTarget = (name: string): string => `in/${name}`;
const toSource = (name: string): string => `from/${name}`;

const nameOf = fc
  .tuple(fc.constantFrom('a/', 'b%2F', 'c+d/', 'é/', '\u{1f600}/', '\ue000'), fc.nat(99))
  .map(([stem, n]) => `${stem}${String(n).padStart(2, '0')}`);
const names = fc.uniqueArray(nameOf, { maxLength: 90, size: 'max' }).map((all) => all.sort(byBytes));
const turns = fc.array(fc.nat(6), { minLength: 5, maxLength: 40 });

interface Listing {
  /** At the target, under its prefix. */
  readonly held: readonly string[];
  /** The last names of the manifest's chunks. */
  readonly ends: readonly string[];
  readonly store: Omit<SortedStoreOptions, 'keys'>;
  readonly listInParallelMsMin?: number;
  /** Pages as columns, as the adapter of S3 has them. */
  readonly asColumns?: boolean;
}

function open({ held, ends, store: options, listInParallelMsMin = 0, asColumns = false }: Listing) {
  const keys = [...held.map(toTarget), `${reservedPrefix(SPEC.target)}manifests/x.json`, 'im/a', 'io/a'].sort(byBytes);
  let inFlight = 0;
  let inFlightMost = 0;
  let asked = 0;
  const store = createSortedStore({
    ...options,
    keys,
    async before(request, nth) {
      inFlightMost = Math.max(inFlightMost, (inFlight += 1));
      try {
        await options.before?.(request, nth);
      } finally {
        inFlight -= 1;
      }
    },
  });
  const readChunkEnds = async (): Promise<readonly string[]> => {
    asked += 1;
    return ends.map(toSource);
  };
  const warnings: string[] = [];
  const controller = new AbortController();
  const runtime = {
    guard: { signal: controller.signal },
    log: { warn: (_: unknown, message: string) => warnings.push(message) },
  } as unknown as ActivityRuntime;
  const deps = { ledger: { readChunkEnds }, listInParallelMsMin } as unknown as ActivityDeps;
  const read = asColumns
    ? { ...store, list: async (request: ListRequest) => lendPage(await store.list(request)) }
    : store;
  const pages = listTarget(deps, runtime, { store: read, spec: SPEC, listingId: 'listing' });
  return { pages, store, warnings, inFlight: () => inFlight, most: () => inFlightMost, asked: () => asked, controller };
}

async function readNames(pages: AsyncIterable<TargetPage>): Promise<string[]> {
  const read: string[] = [];
  for await (const { objects } of pages) read.push(...objects.map(({ key }) => key.slice('in/'.length)));
  return read;
}

const wait = (turns: readonly number[]): (() => Promise<void>) => {
  let turn = 0;
  return async () => {
    for (let left = turns[(turn += 1) % turns.length] ?? 0; left > 0; left--) await new Promise(setImmediate);
  };
};

/** Whether a stretch was asked for: the question whether that may be asks for one key. */
const isCut = ({ requests }: SortedStore): boolean =>
  requests.some(({ startAfter, maxKeys }) => startAfter !== undefined && maxKeys !== 1);

/** In pages of 20 and chunks of 100. */
const MANY = Array.from({ length: 1600 }, (_, n) => `k${String(n).padStart(4, '0')}`);
const ENDS = MANY.filter((_, n) => n % 100 === 99);

for (const asColumns of [false, true]) {
  const what = asColumns ? 'columns' : 'objects';
  test(`whatever stands there and wherever chunks end, it is the serial listing: ${what}`, async () => {
    const seen = { cut: 0, sideBySide: 0 };
    await fc.assert(
      fc.asyncProperty(names, names, fc.integer({ min: 1, max: 7 }), turns, async (held, ends, pageKeys, turns) => {
        const before = wait(turns);
        const listing = open({ held, ends, store: { pageKeys, before }, asColumns });
        assert.deepEqual(await readNames(listing.pages), held);
        if (isCut(listing.store)) seen.cut += 1;
        if (listing.most() > 1) seen.sideBySide += 1;
        assert.ok(listing.most() <= 16);
      }),
      { numRuns: 300 },
    );
    assert.ok(seen.cut > 100 && seen.sideBySide > 100, JSON.stringify(seen));
  });

  test(`keys out of order within a stretch are refused, and none is passed over: ${what}`, async () => {
    let swapped = false;
    const listing = open({
      ...{ held: MANY, ends: ENDS, asColumns },
      store: {
        pageKeys: 20,
        // One that belongs behind the stretch stands in its midst.
        edit(page, { startAfter, maxKeys }) {
          if (swapped || startAfter === undefined || maxKeys === 1) return page;
          swapped = true;
          const stray = { ...page.objects[0]!, key: toTarget('kzzzz') };
          return { ...page, objects: page.objects.with(10, stray) };
        },
      },
    });
    await assert.rejects(readNames(listing.pages), { type: 'store_refused', message: /in order/ });
    assert.ok(swapped);
  });

  test(`so they are where a search for the end of the stretch would find none of them: ${what}`, async () => {
    let hidden = 0;
    const listing = open({
      ...{ held: MANY, ends: ENDS, asColumns },
      store: {
        pageKeys: 20,
        edit(page, { startAfter, maxKeys }) {
          if (hidden > 0 || startAfter === undefined || maxKeys === 1) return page;
          hidden = 5;
          const strays = page.objects.slice(hidden).map((object, n) => ({ ...object, key: toTarget(`kz${n + 10}`) }));
          return { ...page, objects: strays.toSpliced(12, 0, ...page.objects.slice(0, hidden)) };
        },
      },
    });
    await assert.rejects(readNames(listing.pages), { type: 'store_refused', message: /in order/ });
    assert.equal(hidden, 5);
  });

  test(`a key that does not begin with the target's prefix ends the listing: ${what}`, async () => {
    for (const [at, stray] of [
      [0, 'iM/a'],
      [-1, 'zz/a'],
    ] as const) {
      const listing = open({
        ...{ held: MANY.slice(0, 40), ends: [], asColumns },
        store: {
          pageKeys: 100,
          edit: (page) => ({ ...page, objects: page.objects.with(at, { ...page.objects[0]!, key: stray }) }),
        },
      });
      await assert.rejects(readNames(listing.pages), { type: 'listing_incomplete', message: /prefix/ });
    }
  });
}

test('what a store says wrongly once, and what it refuses now and then, costs no key', async () => {
  let lied = 0;
  const listAgainst = async (held: readonly string[], ends: readonly string[], pageKeys: number, at: number) => {
    let lies = 0;
    const listing = open({
      held,
      ends,
      store: {
        pageKeys,
        before(_, nth) {
          if (nth === at + 1) throw new WaybillError('store_slow_down', 'slow down', {}, { retryAfterMs: 1 });
        },
        // Nothing follows, it says, in the midst of a stretch behind which there are others.
        edit(page, { startAfter, maxKeys }, nth) {
          if (nth < at || lies > 0 || startAfter === undefined || maxKeys === 1) return page;
          const { nextContinuationToken, ...rest } = page;
          if (nextContinuationToken !== undefined) lies += 1;
          return rest;
        },
      },
    });
    const read = await readNames(listing.pages);
    const isInLast = lies > 0 && read.length < held.length;
    // Of the very last page of all it is believed, as in any listing.
    if (!isInLast) assert.deepEqual(read, held);
    else assert.deepEqual(read, held.slice(0, read.length));
    if (lies > 0 && !isInLast) lied += 1;
  };
  await fc.assert(
    fc.asyncProperty(names, names, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 20 }), listAgainst),
    { numRuns: 300 },
  );
  assert.ok(lied > 30, String(lied));
});

test('what stands where it is expected costs no request more than a serial listing, but for one question', async () => {
  const listing = open({ held: MANY, ends: ENDS, store: { pageKeys: 20 } });
  assert.deepEqual(await readNames(listing.pages), MANY);
  assert.ok(isCut(listing.store));
  // Behind the last key there is one more to ask for, and the marker's page ends within a stretch.
  assert.ok(listing.store.requests.length <= 80 + 3, String(listing.store.requests.length));
});

test('a store that ignores where a listing is to begin, or decodes it twice, is listed one page after the other', async () => {
  const percents = MANY.map((name, n) => (n % 2 === 0 ? `${name}%41` : name)).sort(byBytes);
  const stores: SortedStoreOptions['readStartAfter'][] = [() => undefined, decodeURIComponent];
  for (const readStartAfter of stores) {
    const store = { pageKeys: 20, ...(readStartAfter && { readStartAfter }) };
    const listing = open({ held: percents, ends: ENDS, store });
    assert.deepEqual(await readNames(listing.pages), percents);
    assert.ok(!isCut(listing.store));
    assert.equal(listing.warnings.length, 1);
  }
});

test('a near store, and a manifest of one chunk, are listed without a question', async () => {
  const near = open({ held: MANY, ends: ENDS, store: { pageKeys: 20 }, listInParallelMsMin: 10_000 });
  assert.deepEqual(await readNames(near.pages), MANY);
  assert.equal(near.asked(), 0);
  const one = open({ held: MANY, ends: ['k1599'], store: { pageKeys: 20 } });
  assert.deepEqual(await readNames(one.pages), MANY);
  for (const { requests } of [near.store, one.store]) {
    assert.deepEqual(
      requests.flatMap(({ startAfter }) => startAfter ?? []),
      [],
    );
  }
});

test('keys that a store might stumble over are not asked for as beginnings', async () => {
  const listing = open({
    held: MANY,
    // The last of them is longer than a key may be: the target's prefix may leave no room for one of the source.
    ends: [...ENDS, 'k15\u0001', 'k15\u{1f600}', `k15${'5'.repeat(1019)}`].sort(byBytes),
    store: { pageKeys: 20 },
  });
  assert.deepEqual(await readNames(listing.pages), MANY);
  const beginnings = listing.store.requests.flatMap(({ startAfter, maxKeys }) =>
    maxKeys === 1 ? [] : (startAfter ?? []),
  );
  assert.deepEqual(beginnings.sort(byBytes), ENDS.map(toTarget));
});

test('a store that says for a while that nothing follows is asked again for all of that while', async () => {
  const lies = new Set<string>();
  const listing = open({
    held: MANY,
    ends: ENDS,
    store: {
      pageKeys: 20,
      edit(page, { startAfter = '', maxKeys }) {
        // Four stretches in a row, each once.
        if (maxKeys === 1 || !/k0[1-4]99$/.test(startAfter) || lies.has(startAfter)) return page;
        lies.add(startAfter);
        return { objects: [], commonPrefixes: [] };
      },
    },
  });
  assert.deepEqual(await readNames(listing.pages), MANY);
  assert.equal(lies.size, 4);
});

test('a token that comes twice ends the listing, wherever it comes', async () => {
  for (const at of [2, 12]) {
    const listing = open({
      held: MANY,
      ends: ENDS,
      store: {
        pageKeys: 20,
        edit: (page, { continuationToken }, nth) =>
          nth < at || continuationToken === undefined ? page : { ...page, nextContinuationToken: continuationToken },
      },
    });
    await assert.rejects(readNames(listing.pages), (error) => failureTypeOf(error) === 'listing_incomplete');
  }
});

test('ETags are told in the one spelling that the ledger has', async () => {
  const listing = open({
    held: MANY,
    ends: ENDS,
    store: {
      pageKeys: 20,
      edit: (page) => ({ ...page, objects: page.objects.map((object) => ({ ...object, etag: '"abc"' as ETag })) }),
    },
  });
  const etags = new Set<string>();
  for await (const { objects } of listing.pages) for (const { etag } of objects) etags.add(etag);
  assert.deepEqual([...etags], ['abc']);
});

test('a reader that stops ends the requests, and one that is cancelled fails', async () => {
  const listing = open({ held: MANY, ends: ENDS, store: { pageKeys: 20, before: wait([2]) } });
  let pages = 0;
  for await (const page of listing.pages) if (page.count > 0 && (pages += 1) === 12) break;
  assert.ok(isCut(listing.store));
  // Whoever has stopped reading may close the store.
  assert.equal(listing.inFlight(), 0);
  const { length } = listing.store.requests;
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  assert.equal(listing.store.requests.length, length);
  assert.ok(length < 80);

  const cancelled = open({ held: MANY, ends: ENDS, store: { pageKeys: 20, before: wait([2]) } });
  await assert.rejects(async () => {
    for await (const _ of cancelled.pages) cancelled.controller.abort(new WaybillError('heartbeat_lost', 'cancelled'));
  }, /cancelled/);
});

test('keys that do not ascend are refused, and a failure that lasts is told', async () => {
  const swap = open({
    held: MANY,
    ends: ENDS,
    store: {
      pageKeys: 20,
      edit: (page, _, nth) => (nth === 9 ? { ...page, objects: [...page.objects].reverse() } : page),
    },
  });
  await assert.rejects(readNames(swap.pages), (error) => failureTypeOf(error) === 'store_refused');
  const lasting = open({
    held: MANY,
    ends: ENDS,
    store: {
      pageKeys: 20,
      before({ startAfter }) {
        if (startAfter === 'in/k0799') throw new WaybillError('access_denied', 'not there');
      },
    },
  });
  await assert.rejects(readNames(lasting.pages), (error) => failureTypeOf(error) === 'access_denied');
});
