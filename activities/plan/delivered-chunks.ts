/** The chunks of a manifest, each with what the ledger has delivered of its keys, told in the chunk's own words. */
import { hash } from 'node:crypto';
import type { Sha256Hex } from '../../core/ids.ts';
import { toTargetKey, type PipelineSpec } from '../../core/pipeline.ts';
import type { Chunk, DeliveredText, KeyRange, Ledger } from '../../ledger/ledger.ts';
import { unpackBody } from '../../manifest/pack-body.ts';

export interface DeliveredChunk {
  readonly chunk: Chunk;
  /** Target keys from behind the chunk before to its own last one. */
  readonly range: KeyRange & { readonly until: string };
  /** The chunk's, unpacked. */
  readonly body: Uint8Array;
  /** Null: the ledger has more objects in the range than the chunk. */
  readonly delivered: DeliveredText | null;
}

/** @param targetId null: nothing was ever delivered there */
export async function* readDeliveredChunks(
  ledger: Ledger,
  spec: PipelineSpec,
  targetId: string | null,
  listingId: string,
): AsyncGenerator<DeliveredChunk, void, void> {
  let after: string | null = null;
  for await (const chunk of ledger.readChunks(listingId)) {
    const range: DeliveredChunk['range'] = { after, until: toTargetKey(spec, chunk.lastKey) };
    after = range.until;
    const asked = readDelivered(ledger, spec, targetId, { ...range, objectsMax: chunk.objects });
    // Unpacked while Postgres reads; the failure is looked at below.
    asked.catch(() => undefined);
    const body = unpackBody(chunk.body);
    yield { chunk, range, body, delivered: await asked };
  }
}

export interface WhollyDelivered extends DeliveredChunk {
  readonly delivered: DeliveredText;
}

/** Every object of the chunk was delivered in this very version, and in its range nothing else was. */
export const isDelivered = (read: DeliveredChunk): read is WhollyDelivered =>
  read.delivered?.objects === read.chunk.objects && read.delivered.sourceSha256 === hash('sha256', read.body, 'hex');

const NOTHING: DeliveredText = { objects: 0, sourceSha256: hash('sha256', '', 'hex') as Sha256Hex, targetText: null };

async function readDelivered(
  ledger: Ledger,
  spec: PipelineSpec,
  targetId: string | null,
  range: KeyRange & { readonly objectsMax: number },
): Promise<DeliveredText | null> {
  if (targetId === null) return NOTHING;
  const { source, target } = spec;
  return ledger.readDeliveredText(targetId, {
    ...range,
    bucket: source.bucket,
    sourcePrefix: source.prefix,
    targetPrefix: target.prefix,
  });
}
