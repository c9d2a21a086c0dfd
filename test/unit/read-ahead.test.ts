/** Reading ahead: one item, no more, and nothing left open or unhandled; and how little of a manifest and a target a join holds at once. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { joinChunks } from '../../activities/plan/join-chunks.ts';
import { TargetPage } from '../../activities/plan/target-page.ts';
import { readAhead } from '../../activities/read-ahead.ts';
import type { ETag, Sha256Hex } from '../../core/ids.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { packBody } from '../../manifest/pack-body.ts';
import { printDescriptor } from '../../manifest/print-descriptor.ts';
import type { ListedObject } from '../../stores/store.ts';
import { buildSpec } from '../support/ledger-fixtures.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a stream is asked for one item more than was taken, and closed when the reader stops', async () => {
  let asked = 0;
  let isClosed = false;
  async function* count(): AsyncGenerator<number> {
    try {
      for (;;) yield await Promise.resolve(++asked);
    } finally {
      isClosed = true;
    }
  }
  for await (const item of readAhead(count())) {
    await turn();
    assert.equal(asked, item + 1);
    if (item === 5) break;
  }
  assert.ok(isClosed);
});

test('what a stream throws comes in its turn, also when nobody waits for it any more', async () => {
  async function* fail(): AsyncGenerator<number> {
    yield await Promise.resolve(1);
    throw new Error('broken');
  }
  const seen: number[] = [];
  const read = async (): Promise<void> => {
    for await (const item of readAhead(fail())) {
      seen.push(item);
      await turn();
    }
  };
  await assert.rejects(read, /broken/);
  assert.deepEqual(seen, [1]);
  for await (const item of readAhead(fail())) {
    await turn();
    assert.equal(item, 1);
    break;
  }
  await turn();
});

const CHUNKS = 60;
const CHUNK = 100;
const PAGE = 25;
const toKey = (ordinal: number): string => String(ordinal).padStart(6, '0');
const print = (from: number, count: number): string =>
  Array.from({ length: count }, (_, index) =>
    printDescriptor({ bucket: 'source', key: toKey(from + index), etag: 'e' as ETag, sizeBytes: 1 }),
  ).join(',');

/** The most that was read and not yet told of: chunks of the manifest, and objects of the target. */
async function measureHeld(etagAtTarget: (ordinal: number) => string): Promise<{ chunks: number; objects: number }> {
  let chunksRead = 0;
  let listed = 0;
  const ledger: Partial<Ledger> = {
    async *readChunks() {
      for (let at = 0; at < CHUNKS; at++) {
        chunksRead += 1;
        const keys = { firstKey: toKey(at * CHUNK), lastKey: toKey((at + 1) * CHUNK - 1) };
        const body = packBody(Buffer.from(print(at * CHUNK, CHUNK)));
        yield await Promise.resolve({ ordinal: at, ...keys, objects: CHUNK, sizeBytes: CHUNK, body });
      }
    },
    async readDeliveredText(_target, { until }) {
      const text = print(Number(until?.slice('in/'.length)) - CHUNK + 1, CHUNK);
      return { objects: CHUNK, sourceSha256: hash('sha256', text, 'hex') as Sha256Hex, targetText: null };
    },
    readDeliveries: async () => [],
  };
  async function* pages(): AsyncGenerator<TargetPage> {
    for (let at = 0; at < CHUNKS * CHUNK; at += PAGE) {
      listed += PAGE;
      const objects = Array.from({ length: PAGE }, (_, index): ListedObject => {
        const etag = etagAtTarget(at + index) as ETag;
        return { key: `in/${toKey(at + index)}`, etag, sizeBytes: 1, lastModifiedMs: 0 };
      });
      yield await Promise.resolve(new TargetPage({ objects }));
    }
  }
  const most = { chunks: 0, objects: 0 };
  let told = 0;
  const joined = joinChunks({
    ledger: ledger as Ledger,
    spec: buildSpec('held'),
    listingId: 'l',
    targetId: 't',
    target: readAhead(pages()),
  });
  for await (const stretch of joined) {
    await turn();
    most.chunks = Math.max(most.chunks, chunksRead - Math.floor(told / CHUNK));
    most.objects = Math.max(most.objects, listed - told);
    told += stretch.kind === 'same' ? stretch.objects : stretch.items.length;
  }
  assert.equal(told, CHUNKS * CHUNK);
  return most;
}

test('a join holds two chunks and their pages, whatever the number of chunks, where nothing differs and where everything does', async () => {
  const same = await measureHeld(() => 'e');
  const mixed = await measureHeld((ordinal) => (ordinal % 250 === 99 ? 'other' : 'e'));
  const different = await measureHeld(() => 'other');
  for (const held of [same, mixed, different]) {
    assert.ok(held.chunks <= 2, `${String(held.chunks)} chunks`);
    assert.ok(held.objects <= CHUNK + 2 * PAGE, `${String(held.objects)} objects`);
  }
});
