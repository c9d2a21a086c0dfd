/** Manifests: what a listing becomes, in chunks. */
import type { Sha256Hex } from '../core/ids.ts';
import type { Fence } from './fence.ts';
import type { ListingPage } from './listings.ts';

export interface Chunk extends ListingPage {
  readonly ordinal: number;
}

export interface ManifestRecord {
  readonly hash: Sha256Hex;
  readonly contentHash: Sha256Hex;
  readonly runId: string;
  readonly listingId: string;
  readonly objects: number;
  /** Sum of the objects' sizes. */
  readonly sizeBytes: number;
  /** Length of the canonical manifest itself. */
  readonly manifestBytes: number;
  readonly chunks: number;
}

export interface ManifestLedger {
  saveChunk(fence: Fence, listingId: string, chunk: Chunk): Promise<void>;
  /** First writer wins: another attempt's manifest of the same hash is returned, and this listing's chunks and pages are dropped. */
  saveManifest(fence: Fence, manifest: ManifestRecord): Promise<ManifestRecord>;
  /** @throws unknown_manifest; manifest_pruned, which names its marker where a run of it was done */
  loadManifest(hash: string): Promise<ManifestRecord>;
  readChunks(listingId: string): AsyncIterable<Chunk>;
  /** The last key of each chunk, ascending. */
  readChunkEnds(listingId: string): Promise<readonly string[]>;
}
