/** The manifest activity over a ledger in memory: chunks are saved while the next one is hashed, one at a time, and all before the end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildManifest } from '../../activities/build-manifest.ts';
import type { ActivityDeps, ActivityRuntime } from '../../activities/runtime.ts';
import type { ETag } from '../../core/ids.ts';
import { CHUNK_OBJECTS, LIST_PAGE_KEYS } from '../../core/limits.ts';
import type { Chunk, Fence, Ledger, ListingPage } from '../../ledger/ledger.ts';
import { packBody, unpackBody } from '../../manifest/pack-body.ts';
import { printDescriptor } from '../../manifest/print-descriptor.ts';

const PAGES = 35;
const CHUNKS = Math.ceil((PAGES * LIST_PAGE_KEYS) / CHUNK_OBJECTS);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const toKey = (ordinal: number): string => String(ordinal).padStart(6, '0');

function createPage(page: number): ListingPage {
  const ordinals = Array.from({ length: LIST_PAGE_KEYS }, (_, at) => page * LIST_PAGE_KEYS + at);
  const descriptors = ordinals.map((ordinal) =>
    printDescriptor({ bucket: 'b', etag: 'e' as ETag, key: toKey(ordinal), sizeBytes: 1 }),
  );
  return {
    firstKey: toKey(ordinals[0] ?? 0),
    lastKey: toKey(ordinals.at(-1) ?? 0),
    objects: LIST_PAGE_KEYS,
    sizeBytes: LIST_PAGE_KEYS,
    body: packBody(Buffer.from(descriptors.join(','))),
  };
}

/** @param failAt the chunk that cannot be saved */
async function build(failAt = -1) {
  const events: string[] = [];
  const saved: Chunk[] = [];
  const ledger: Partial<Ledger> = {
    loadStep: async () => null,
    claimStep: async () => undefined,
    commitStep: async () => undefined,
    releaseStep: async () => void events.push('released'),
    setState: async () => undefined,
    loadAttempt: async () => ({ runId: 'run' }) as never,
    openListing: async () => ({
      listingId: 'l',
      ranges: [{ ordinal: 0, after: null, until: null, cursor: toKey(0), done: true }],
    }),
    async *readPages() {
      for (let page = 0; page < PAGES; page++) yield createPage(page);
    },
    async saveChunk(_fence, _listingId, chunk) {
      events.push(`begins ${String(chunk.ordinal)}`);
      await turn();
      await turn();
      events.push(`ends ${String(chunk.ordinal)}`);
      if (chunk.ordinal === failAt) throw new Error('no room');
      saved.push(chunk);
    },
    saveManifest: async (_fence, manifest) => {
      events.push('manifest');
      return manifest;
    },
  };
  const runtime: ActivityRuntime = {
    tryNumber: 1,
    holder: 'h',
    guard: { signal: new AbortController().signal, assertCurrent: () => undefined, assertMayWrite: () => undefined },
    log: { info: () => undefined, warn: () => undefined },
  };
  const fence = { attemptId: 'a', epoch: 1, targetId: null } as unknown as Fence;
  const built = buildManifest({ ledger } as unknown as ActivityDeps, runtime, { fence });
  return { built: await built.catch((error: unknown) => error as Error), events, saved };
}

test('chunks are saved one at a time, in order, and all of them before the manifest', async () => {
  const { built, events, saved } = await build();
  assert.ok(!(built instanceof Error) && built.objects === PAGES * LIST_PAGE_KEYS);
  const inTurn = Array.from({ length: CHUNKS }, (_, at) => [`begins ${String(at)}`, `ends ${String(at)}`]);
  assert.deepEqual(events, [...inTurn.flat(), 'manifest']);
  const text = saved.map(({ body }) => Buffer.from(unpackBody(body)).toString()).join(',');
  assert.equal(text.split('},{').length, PAGES * LIST_PAGE_KEYS);
});

test('a chunk that could not be saved, the last one too, leaves no manifest', async () => {
  for (const failAt of [0, CHUNKS - 1]) {
    const { built, events } = await build(failAt);
    assert.ok(built instanceof Error && built.message === 'no room');
    assert.equal(events.at(-1), 'released');
    assert.ok(!events.includes('manifest'));
  }
});
