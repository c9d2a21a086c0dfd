/** The end of a run over a ledger in memory: which objects count as delivered, and how much of the ledger is asked for at once. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { finalize } from '../../activities/finalize.ts';
import type { ActivityDeps, ActivityRuntime, StoreFacts } from '../../activities/runtime.ts';
import type { FinalizeStep } from '../../activities/types.ts';
import type { ETag, Sha256Hex } from '../../core/ids.ts';
import { CHUNK_OBJECTS } from '../../core/limits.ts';
import type { Chunk, DeliveryRecord, Ledger } from '../../ledger/ledger.ts';
import { printDescriptor } from '../../manifest/print-descriptor.ts';
import { packBody } from '../../manifest/pack-body.ts';
import { buildDelivery, buildSpec } from '../support/ledger-fixtures.ts';

const FACTS: StoreFacts = {
  etags: 'md5',
  conditionalWrites: true,
  currency: 'USD',
  perThousandWrites: 0,
  perThousandReads: 0,
  perGibOut: 0,
};
const ASKED_MAX = 1000;
const OBJECTS = CHUNK_OBJECTS + 2 * ASKED_MAX + 1;
const toKey = (ordinal: number): string => String(ordinal).padStart(6, '0');

const printOne = (ordinal: number, etag = 'e1', sizeBytes = 10): string =>
  printDescriptor({ bucket: 'source', key: toKey(ordinal), etag: etag as ETag, sizeBytes });

function createChunk(from: number): Chunk {
  const ordinals = Array.from({ length: Math.min(CHUNK_OBJECTS, OBJECTS - from) }, (_, index) => from + index);
  return {
    ordinal: from / CHUNK_OBJECTS,
    firstKey: toKey(from),
    lastKey: toKey(from + ordinals.length - 1),
    objects: ordinals.length,
    sizeBytes: 10 * ordinals.length,
    body: packBody(Buffer.from(ordinals.map((ordinal) => printOne(ordinal)).join(','))),
  };
}

const toOrdinal = (targetKey: string): number => Number(targetKey.slice('in/'.length));

/** Finalizes a run of `OBJECTS` objects, of which the ledger has these deliveries under `in/`. */
async function finalizeWith(deliveryOf: (ordinal: number) => DeliveryRecord | null, skipped = 0) {
  const asked: number[] = [];
  let stretches = 0;
  const ledger: Partial<Ledger> = {
    loadSpec: async () => buildSpec('finalize'),
    loadStep: async (_fence, { step }) => (step === 'plan' ? { planHash: 'p', counts: { skipped } } : null),
    claimStep: async () => undefined,
    commitStep: async () => undefined,
    setState: async () => undefined,
    loadManifest: async () => ({ hash: 'm', listingId: 'l', objects: OBJECTS }) as never,
    loadProgress: async () => ({ outcomes: {}, traffic: {} }),
    listOpenUploads: async () => [],
    async *readChunks() {
      for (let from = 0; from < OBJECTS; from += CHUNK_OBJECTS) yield createChunk(from);
    },
    loadDeliveries: async (_targetId, keys) => {
      asked.push(keys.length);
      const found = keys.flatMap((key) => {
        const delivery = deliveryOf(toOrdinal(key));
        return delivery === null ? [] : [[key, delivery] as const];
      });
      return new Map(found);
    },
    readDeliveredText: async (_targetId, { after, until }) => {
      stretches += 1;
      const lines: string[] = [];
      const last = until === null ? OBJECTS - 1 : toOrdinal(until);
      for (let ordinal = after === null ? 0 : toOrdinal(after) + 1; ordinal <= last; ordinal++) {
        const delivery = deliveryOf(ordinal);
        if (delivery !== null) lines.push(printOne(ordinal, delivery.sourceEtag, delivery.sizeBytes));
      }
      const text = lines.join(',');
      return { objects: lines.length, sourceSha256: hash('sha256', text, 'hex') as Sha256Hex, targetText: null };
    },
    endAttempt: async () => undefined,
  };
  const openStore = () => {
    throw new Error('the marker is written');
  };
  const deps = { ledger, openStore, storeFacts: () => FACTS } as unknown as ActivityDeps;
  const guard = {
    signal: new AbortController().signal,
    assertCurrent: () => undefined,
    assertMayWrite: () => undefined,
  };
  const runtime: ActivityRuntime = {
    tryNumber: 1,
    holder: 'me',
    guard,
    log: { info: () => undefined, warn: () => undefined },
  };
  const input = {
    fence: { attemptId: 'attempt', targetId: 'target', epoch: 1 },
    manifest: { manifestHash: 'm', objects: OBJECTS },
    plan: {},
    counts: {},
  } as unknown as FinalizeStep;
  return { result: await finalize(deps, runtime, input), asked, stretches };
}

test('an object without its delivery, or with that of another version, leaves a run partial, wherever it stands', async () => {
  const bad = new Map<number, DeliveryRecord | null>([
    [0, null],
    [ASKED_MAX - 1, null],
    [ASKED_MAX, buildDelivery('', 'e2')],
    [CHUNK_OBJECTS - 1, { ...buildDelivery(''), sizeBytes: 11 }],
    [CHUNK_OBJECTS, null],
    [OBJECTS - 1, null],
  ]);
  const { result } = await finalizeWith((ordinal) =>
    bad.has(ordinal) ? (bad.get(ordinal) ?? null) : buildDelivery(''),
  );
  assert.deepEqual(result, { state: 'partial', failed: bad.size });
});

test('single deliveries are asked for where a chunk differs, a thousand at a time', async () => {
  const { asked, stretches, result } = await finalizeWith((ordinal) => (ordinal === 0 ? null : buildDelivery('')));
  assert.deepEqual(result, { state: 'partial', failed: 1 });
  assert.equal(stretches, 2);
  assert.equal(Math.max(...asked), ASKED_MAX);
  assert.equal(
    asked.reduce((sum, keys) => sum + keys, 0),
    CHUNK_OBJECTS,
  );
});

test('the ledger is looked through again unless the plan has skipped every object', async () => {
  const most = await finalizeWith((ordinal) => (ordinal === 7 ? null : buildDelivery('')), OBJECTS - 1);
  assert.deepEqual(most.result, { state: 'partial', failed: 1 });
  // A plan that skipped all has seen all, and nothing was written since.
  await assert.rejects(
    finalizeWith(() => null, OBJECTS),
    /the marker is written/,
  );
});
