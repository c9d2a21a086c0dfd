/**
 * Folds the listing's pages into chunks and hashes them, over bytes. The hash's state cannot be saved, so a successor folds from the
 * start: a million descriptors take about a second.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CHUNK_OBJECTS, KiB } from '../core/limits.ts';
import type { Fence, ListingPage } from '../ledger/ledger.ts';
import { ManifestDigest } from '../manifest/digest.ts';
import { foldPages, type FoldedPage } from '../manifest/fold-pages.ts';
import { packBody } from '../manifest/pack-body.ts';
import type { ManifestRef } from '../workflows/types.ts';
import { assertComplete } from './list/assert-complete.ts';
import { readAhead } from './read-ahead.ts';
import { runStep } from './run-step.ts';
import type { ActivityDeps, ActivityRuntime } from './runtime.ts';

/** Hashed without a pause: 0.4 ms for both hashes. */
const HASHED_BYTES = 256 * KiB;

/** @throws listing_incomplete when a range was not listed to its end, or the pages overlap or go backwards */
export async function buildManifest(
  deps: ActivityDeps,
  runtime: ActivityRuntime,
  input: { fence: Fence },
): Promise<ManifestRef> {
  const { fence } = input;
  const built = await runStep(deps, runtime, fence, { manifestHash: '', step: 'manifest', ordinal: 0 }, async () => {
    const { runId } = await deps.ledger.loadAttempt(fence);
    const { listingId, ranges } = await deps.ledger.openListing(fence);
    assertComplete(ranges);
    const digest = new ManifestDigest(runId);
    let objects = 0;
    let sizeBytes = 0;
    let chunks = 0;
    // While a chunk is hashed the ledger saves the one before it and reads what follows, and another thread unpacks the next one.
    let saving: Promise<void> = Promise.resolve();
    try {
      for await (const folded of readAhead(foldPages(toFolded(deps.ledger.readPages(listingId)), CHUNK_OBJECTS))) {
        runtime.guard.signal.throwIfAborted();
        const { packed, ...chunk } = folded;
        await addInPieces(digest, chunk.body);
        objects += chunk.objects;
        sizeBytes += chunk.sizeBytes;
        chunks += 1;
        await saving;
        saving = deps.ledger.saveChunk(fence, listingId, { ...chunk, body: packed ?? packBody(chunk.body) });
        // It is looked at before the next one is saved.
        saving.catch(() => undefined);
      }
    } finally {
      await saving;
    }
    const { hash, contentHash, manifestBytes } = digest.finish();
    await deps.ledger.saveManifest(fence, {
      hash,
      contentHash,
      runId,
      listingId,
      objects,
      sizeBytes,
      manifestBytes,
      chunks,
    });
    return { manifestHash: hash, contentHash, objects, sizeBytes };
  });
  await deps.ledger.setState(fence, 'planning');
  return built;
}

/** In pieces: a chunk at once takes 2 ms, in which nothing that is under way would go on. */
async function addInPieces(digest: ManifestDigest, body: Uint8Array): Promise<void> {
  for (let at = 0; at < body.byteLength; at += HASHED_BYTES) {
    // First of all, so that what comes next is asked for.
    await nextTurn();
    const piece = body.subarray(at, at + HASHED_BYTES);
    if (at === 0) digest.addBody(piece);
    else digest.continueBody(piece);
  }
}

async function* toFolded(pages: AsyncIterable<ListingPage>): AsyncGenerator<FoldedPage> {
  for await (const { body, ...page } of pages) yield { ...page, packed: body };
}
