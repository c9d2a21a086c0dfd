/**
 * The list activity as a whole, over a store with few keys a page and a ledger in memory: whatever answers last, fails or dies, the pages
 * fold to the descriptors of the serial listing (I6), and nothing that is incomplete counts as listed (I11).
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertComplete } from '../../activities/list/assert-complete.ts';
import { list } from '../../activities/list.ts';
import type { ActivityDeps, ActivityRuntime } from '../../activities/runtime.ts';
import { FAILURES, failureTypeOf, WaybillError } from '../../core/failures.ts';
import { isSupportedKey } from '../../core/keys.ts';
import type { PipelineSpec } from '../../core/pipeline.ts';
import type { ListRequest } from '../../stores/store.ts';
import { foldPages } from '../../manifest/fold-pages.ts';
import { normaliseEtag } from '../../manifest/normalise-etag.ts';
import { unpackBody } from '../../manifest/pack-body.ts';
import { printDescriptor } from '../../manifest/print-descriptor.ts';
import { buildSpec } from '../support/ledger-fixtures.ts';
import { createListingLedger, FENCE } from '../support/listing-ledger.ts';
import { createSortedStore, toListed, type SortedStoreOptions } from '../support/sorted-store.ts';

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const spec: PipelineSpec = buildSpec('listing');

/** Stems that a listing by ranges cuts, with what is hard to say in a URL among them. */
const keySet = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom('a/', 'b%2F', 'c+d/', 'é/', '\u{1f600}/', 'y=2024/', '\ue000', 'x\u0001', 'nul\0'), {
      minLength: 1,
      maxLength: 4,
    }),
    fc.array(fc.nat(99_999), { minLength: 1, maxLength: 160, size: 'max' }),
  )
  .map(([stems, numbers]) =>
    [
      ...new Set(
        numbers.map((n, at) => `${stems[at % stems.length] ?? ''}${String(n).padStart(5, '0')}%${String(n % 7)}`),
      ),
    ].sort(byBytes),
  );

interface Listing {
  readonly keys: readonly string[];
  readonly store: Omit<SortedStoreOptions, 'keys'>;
  /** How many turns of the event loop each thing takes. */
  readonly turns: readonly number[];
  /** At which writes to the ledger the process dies, before or after they are done. */
  readonly deaths?: ReadonlyMap<number, 'before' | 'after'>;
}

/** Lists as Temporal would have it: what fails retryably is tried again. */
async function listUntilDone({ keys, store: options, turns, deaths = new Map() }: Listing) {
  let turn = 0;
  const wait = async (): Promise<void> => {
    for (let left = turns[(turn += 1) % turns.length] ?? 0; left > 0; left--) await new Promise(setImmediate);
  };
  let writes = 0;
  let kill: (() => void) | null = null;
  const ledger = createListingLedger(spec, async (commit) => {
    const death = deaths.get((writes += 1));
    await wait();
    if (death === 'before') return kill?.();
    commit();
    if (death === 'after') return kill?.();
  });
  const before = async (request: ListRequest, nth: number): Promise<void> => {
    await wait();
    await options.before?.(request, nth);
  };
  const store = createSortedStore({ ...options, keys, before });
  const failures: string[] = [];
  const requestsOf: number[] = [];
  for (let tries = 1; ; tries++) {
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    kill = () => {
      controller.abort(new WaybillError('heartbeat_lost', 'a planned death'));
      throw controller.signal.reason;
    };
    const assertAlive = (): void => controller.signal.throwIfAborted();
    const runtime: ActivityRuntime = {
      tryNumber: tries,
      holder: randomUUID(),
      guard: { signal: controller.signal, assertMayWrite: assertAlive, assertCurrent: assertAlive },
      log: { info: () => undefined, warn: (f: unknown, m: string) => process.env['SAY'] && console.log(m, f) },
    };
    // What a dead process has under way reaches nobody any more.
    const guarded = { ...ledger.ledger };
    guarded.saveRanges = (...args) => (assertAlive(), ledger.ledger.saveRanges(...args));
    const deps = { ledger: guarded, openStore: () => store, listInParallelMsMin: 0 } as unknown as ActivityDeps;
    const requestsBefore = store.requests.length;
    try {
      await list(deps, runtime, { fence: FENCE });
      requestsOf.push(store.requests.length - requestsBefore);
      break;
    } catch (error) {
      requestsOf.push(store.requests.length - requestsBefore);
      const type = failureTypeOf(error);
      failures.push(type);
      if (!FAILURES[type].retryable || tries === 12) throw error;
    }
  }
  return { ledger, requests: store.requests, failures, requestsOf };
}

async function foldAll(
  pages: Iterable<{ body: Uint8Array; firstKey: string; lastKey: string; objects: number; sizeBytes: number }>,
) {
  async function* unpacked() {
    for (const page of pages) yield { ...page, body: unpackBody(page.body) };
  }
  const bodies: string[] = [];
  for await (const chunk of foldPages(unpacked(), 37)) bodies.push(Buffer.from(chunk.body).toString());
  return bodies.join(',');
}

const printAll = (keys: readonly string[]): string =>
  keys
    .filter(isSupportedKey)
    .map((key) => {
      const { etag, sizeBytes } = toListed(key);
      return printDescriptor({ bucket: 'source', key, sizeBytes, etag: normaliseEtag(etag) });
    })
    .join(',');

const turns = fc.array(fc.nat(6), { minLength: 5, maxLength: 40 });

test('whatever answers last, the pages fold to the serial listing', async () => {
  let cut = 0;
  await fc.assert(
    fc.asyncProperty(keySet, fc.integer({ min: 1, max: 6 }), turns, async (keys, pageKeys, turns) => {
      const { ledger } = await listUntilDone({ keys, store: { pageKeys }, turns });
      assertComplete(ledger.ranges());
      if (ledger.ranges().length > 1) cut += 1;
      assert.equal(await foldAll(ledger.pages()), printAll(keys));
      assert.equal(ledger.outcomes().length, keys.filter((key) => !isSupportedKey(key)).length);
      assert.equal(ledger.resets(), 0);
    }),
    { numRuns: 60 },
  );
  // About 23: that there is none, by chance, is beyond six standard deviations.
  assert.ok(cut > 0, `${String(cut)} of 60 listings were cut`);
});

test('whichever write the process dies before or after, its successor goes on and the pages fold to the serial listing', async () => {
  let goneOn = 0;
  const deaths = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 40 }), fc.constantFrom('before' as const, 'after' as const)),
    {
      minLength: 1,
      maxLength: 4,
    },
  );
  await fc.assert(
    fc.asyncProperty(keySet, fc.integer({ min: 1, max: 4 }), turns, deaths, async (keys, pageKeys, turns, planned) => {
      const { ledger, failures } = await listUntilDone({ keys, store: { pageKeys }, turns, deaths: new Map(planned) });
      assert.ok(
        failures.every((type) => type === 'heartbeat_lost'),
        failures.join(),
      );
      if (failures.length > 0 && ledger.ranges().length > 1) goneOn += 1;
      assert.equal(await foldAll(ledger.pages()), printAll(keys));
    }),
    { numRuns: 240 },
  );
  // About one in seven.
  assert.ok(goneOn > 0, `${String(goneOn)} of 240 listings with ranges were gone on with`);
});

test('a store that decodes start-after twice, or does not heed it, is listed by token and whole', async () => {
  const misreadings: NonNullable<SortedStoreOptions['readStartAfter']>[] = [
    (text) => {
      try {
        return decodeURIComponent(text.replaceAll('+', ' '));
      } catch {
        return text;
      }
    },
    () => undefined,
    (text) => text.slice(0, -1),
    (text) => text.toUpperCase(),
  ];
  await fc.assert(
    fc.asyncProperty(
      keySet,
      fc.integer({ min: 1, max: 6 }),
      turns,
      fc.constantFrom(...misreadings),
      async (keys, pageKeys, turns, readStartAfter) => {
        const { ledger } = await listUntilDone({ keys, store: { pageKeys, readStartAfter }, turns });
        assert.equal(await foldAll(ledger.pages()), printAll(keys));
      },
    ),
    { numRuns: 60 },
  );
});

test('keys out of order at any place are sorted through the ledger', async () => {
  let sorted = 0;
  await fc.assert(
    fc.asyncProperty(keySet, turns, fc.nat(), fc.nat(), async (keys, turns, a, b) => {
      const shuffled = [...keys];
      const [i, j] = [a % keys.length, b % keys.length];
      [shuffled[i], shuffled[j]] = [shuffled[j] ?? '', shuffled[i] ?? ''];
      const { ledger } = await listUntilDone({
        keys: shuffled,
        store: { pageKeys: 4, readStartAfter: () => undefined },
        turns,
      });
      if (ledger.resets() > 0) sorted += 1;
      assert.equal(await foldAll(ledger.pages()), printAll(keys));
    }),
    { numRuns: 100 },
  );
  assert.ok(sorted > 50, String(sorted));
});

test('a page that says that nothing follows, while keys beyond it were seen, is never an end', async () => {
  const keys = Array.from({ length: 400 }, (_, n) => `k/${String(n * 13).padStart(5, '0')}`);
  let lies = 0;
  let givenUp = 0;
  for (let first = 1; first <= 40; first += 1) {
    let greatest = '';
    // One lie is asked about once more; when it is repeated, the listing is given up and starts over.
    let place = '';
    let times = 1 + (first % 2);
    const edit: SortedStoreOptions['edit'] = (page, request, nth) => {
      const last = page.objects.at(-1)?.key ?? '';
      const asked = `${request.continuationToken ?? ''} ${request.startAfter ?? ''}`;
      if (place === '' && nth >= 12 + first && request.maxKeys !== 1 && last < greatest) place = asked;
      if (place === asked && times > 0 && last < greatest) {
        lies += 1;
        times -= 1;
        return { objects: page.objects, commonPrefixes: [] };
      }
      if (last > greatest) greatest = last;
      return page;
    };
    const { ledger, failures } = await listUntilDone({ keys, store: { pageKeys: 5, edit }, turns: [1, 0, 2] });
    assert.ok(
      failures.every((type) => type === 'listing_incomplete'),
      failures.join(),
    );
    givenUp += failures.length;
    assert.equal(await foldAll(ledger.pages()), printAll(keys), String(first));
  }
  assert.ok(lies > 20 && givenUp > 0, `${String(lies)} lies, ${String(givenUp)} listings given up`);
});

test('an end that the store takes back, because keys beyond it come in another answer, is listed on', async () => {
  const keys = Array.from({ length: 400 }, (_, n) => `k/${String(n * 13).padStart(5, '0')}`);
  let reopened = 0;
  for (let lie = 8; lie <= 60; lie += 1) {
    let end = '';
    let isTakenBack = false;
    const edit: SortedStoreOptions['edit'] = (page, request, nth) => {
      const last = page.objects.at(-1)?.key ?? '';
      if (nth === lie && request.maxKeys !== 1) {
        end = last;
        return { objects: page.objects, commonPrefixes: [] };
      }
      if (end !== '' && last > end) isTakenBack = true;
      return page;
    };
    const { ledger, failures } = await listUntilDone({ keys, store: { pageKeys: 5, edit }, turns: [3, 0, 2, 1] });
    if (!isTakenBack) continue;
    reopened += 1;
    assert.deepEqual(failures, []);
    assert.equal(await foldAll(ledger.pages()), printAll(keys), String(lie));
  }
  // About 30 of 53.
  assert.ok(reopened > 0, String(reopened));
});

test('tokens that go round end the listing with a failure, by pages as through the sort', async () => {
  const keys = Array.from({ length: 60 }, (_, n) => `k/${String(n).padStart(5, '0')}`);
  const round = (nth: number): string => `round ${String(nth % 3)}`;
  const edits: NonNullable<SortedStoreOptions['edit']>[] = [
    (_page, _request, nth) => ({ objects: [], commonPrefixes: [], nextContinuationToken: round(nth) }),
    // The same keys again are out of order, so they are sorted.
    (page, _request, nth) => ({ ...page, nextContinuationToken: round(nth) }),
  ];
  for (const edit of edits) {
    let requests = 0;
    const counted: typeof edit = (page, request, nth) => {
      if ((requests += 1) > 500) throw new WaybillError('unclassified', 'it goes round for ever');
      return edit(page, request, nth);
    };
    await assert.rejects(
      listUntilDone({ keys, store: { pageKeys: 5, edit: counted, readStartAfter: () => undefined }, turns: [0] }),
      (error) => failureTypeOf(error) === 'listing_incomplete',
    );
  }
});
