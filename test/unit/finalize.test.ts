/** The end of a run over a ledger in memory: which objects count as delivered, and how much of the ledger is asked for at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finalize } from '../../activities/finalize.ts';
import type { ActivityDeps, ActivityRuntime, StoreFacts } from '../../activities/runtime.ts';
import type { FinalizeStep } from '../../activities/types.ts';
import type { ETag } from '../../core/ids.ts';
import { BATCH_OBJECTS, CHUNK_OBJECTS } from '../../core/limits.ts';
import type { DeliveryRecord, Ledger } from '../../ledger/ledger.ts';
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
const OBJECTS = CHUNK_OBJECTS + 2 * BATCH_OBJECTS + 1;
const toKey = (ordinal: number): string => String(ordinal).padStart(6, '0');

function printChunk(from: number): Uint8Array {
  const ordinals = Array.from({ length: Math.min(CHUNK_OBJECTS, OBJECTS - from) }, (_, index) => from + index);
  const lines = ordinals.map((ordinal) =>
    printDescriptor({ bucket: 'source', key: toKey(ordinal), etag: 'e1' as ETag, sizeBytes: 10 }),
  );
  return packBody(Buffer.from(lines.join(',')));
}

/** Finalizes a run of `OBJECTS` objects, of which the ledger has these deliveries under `in/`. */
async function finalizeWith(deliveryOf: (ordinal: number) => DeliveryRecord | null) {
  const asked: number[] = [];
  const ledger: Partial<Ledger> = {
    loadSpec: async () => buildSpec('finalize'),
    loadStep: async () => null,
    claimStep: async () => undefined,
    commitStep: async () => undefined,
    setState: async () => undefined,
    loadManifest: async () => ({ listingId: 'l' }) as never,
    loadProgress: async () => ({ outcomes: {}, traffic: {} }),
    listOpenUploads: async () => [],
    async *readChunks() {
      for (let from = 0; from < OBJECTS; from += CHUNK_OBJECTS) yield { body: printChunk(from) } as never;
    },
    loadDeliveries: async (_targetId, keys) => {
      asked.push(keys.length);
      const found = keys.flatMap((key) => {
        const delivery = deliveryOf(Number(key.slice('in/'.length)));
        return delivery === null ? [] : [[key, delivery] as const];
      });
      return new Map(found);
    },
    endAttempt: async () => undefined,
  };
  const deps = { ledger, storeFacts: () => FACTS } as unknown as ActivityDeps;
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
  return { result: await finalize(deps, runtime, input), asked };
}

test('an object without its delivery, or with that of another version, leaves a run partial, wherever it stands', async () => {
  const bad = new Map<number, DeliveryRecord | null>([
    [0, null],
    [BATCH_OBJECTS - 1, null],
    [BATCH_OBJECTS, buildDelivery('', 'e2')],
    [CHUNK_OBJECTS - 1, { ...buildDelivery(''), sizeBytes: 11 }],
    [CHUNK_OBJECTS, null],
    [OBJECTS - 1, null],
  ]);
  const { result } = await finalizeWith((ordinal) =>
    bad.has(ordinal) ? (bad.get(ordinal) ?? null) : buildDelivery(''),
  );
  assert.deepEqual(result, { state: 'partial', failed: bad.size });
});

test('the ledger is asked for the deliveries of a thousand objects at a time, whatever a chunk holds', async () => {
  const { asked } = await finalizeWith((ordinal) => (ordinal === 0 ? null : buildDelivery('')));
  assert.equal(Math.max(...asked), BATCH_OBJECTS);
  assert.equal(
    asked.reduce((sum, keys) => sum + keys, 0),
    OBJECTS,
  );
});
