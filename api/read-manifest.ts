/**
 * A manifest as a stream of its canonical bytes, from the chunks of the ledger. Memory holds one chunk. The bytes are hashed on the
 * way out and the last of them is sent only when the hash is the manifest's: a reader who got all of it got the right one.
 */
import { createHash } from 'node:crypto';
import { WaybillError } from '../core/failures.ts';
import type { Ledger, ManifestRecord } from '../ledger/ledger.ts';
import { unpackBody } from '../manifest/pack-body.ts';
import { printManifest } from '../manifest/print-manifest.ts';

export async function* readManifest(ledger: Ledger, manifest: ManifestRecord): AsyncGenerator<Uint8Array, void, void> {
  const hash = createHash('sha256');
  let held: Uint8Array | null = null;
  for await (const piece of printManifest(manifest.runId, readBodies(ledger, manifest.listingId))) {
    if (held !== null) yield held;
    hash.update(piece);
    held = piece;
  }
  if (hash.digest('hex') !== manifest.hash) {
    throw new WaybillError('body_corrupt', 'the stored manifest does not have its hash', { manifest: manifest.hash });
  }
  if (held !== null) yield held;
}

async function* readBodies(ledger: Ledger, listingId: string): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of ledger.readChunks(listingId)) yield unpackBody(chunk.body);
}
