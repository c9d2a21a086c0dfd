/** Reads what was listed and nothing else (invariant I7): conditional on the manifest's ETag, every byte accounted for. */
import { isWaybillError, WaybillError } from '../../core/failures.ts';
import type { GetRequest, GetResult } from '../../stores/store.ts';
import type { Transfer } from './transfer.ts';

export interface Wanted {
  readonly key: string;
  readonly etag: string;
  readonly sizeBytes: number;
}

/** @throws source_changed when the object is not the listed one any more */
export async function openSource(
  transfer: Transfer,
  wanted: Wanted,
  how: Pick<GetRequest, 'range' | 'into' | 'withChecksum'> = {},
): Promise<GetResult> {
  const { key, etag, sizeBytes } = wanted;
  const { bucket } = transfer.spec.source;
  try {
    const got = await transfer.source.get({ bucket, key, ifMatch: etag, ...how });
    if (got.info.sizeBytes !== sizeBytes) {
      await discard(got);
      throw new WaybillError('source_changed', 'the object has another size than was listed', {
        listed: sizeBytes,
        found: got.info.sizeBytes,
      });
    }
    return got;
  } catch (error) {
    throw toSourceChanged(error);
  }
}

/** A condition that does not hold, or an object that is gone, means that the source changed since it was listed. */
export function toSourceChanged(error: unknown): unknown {
  if (!isWaybillError(error)) return error;
  switch (error.type) {
    case 'precondition_failed':
      return new WaybillError('source_changed', 'the object was overwritten after it was listed', {}, { cause: error });
    case 'no_such_key':
      return new WaybillError('source_changed', 'the object was deleted after it was listed', {}, { cause: error });
    default:
      return error;
  }
}

/** The whole body in one buffer of exactly the promised length. @throws body_corrupt */
export async function readWhole(got: GetResult): Promise<Uint8Array> {
  const { lengthBytes } = got.range;
  let whole: Uint8Array | undefined;
  let offset = 0;
  for await (const piece of got.body) {
    if (offset === 0 && piece.length === lengthBytes) {
      whole = piece;
      offset = piece.length;
      continue;
    }
    whole ??= Buffer.allocUnsafeSlow(lengthBytes);
    if (offset + piece.length > lengthBytes) throw tooLong(lengthBytes);
    whole.set(piece, offset);
    offset += piece.length;
  }
  if (offset !== lengthBytes) {
    throw new WaybillError('body_corrupt', 'the body ended early', { expected: lengthBytes, received: offset });
  }
  return whole ?? new Uint8Array(0);
}

function tooLong(lengthBytes: number): WaybillError {
  return new WaybillError('body_corrupt', 'the body is longer than it said', { expected: lengthBytes });
}

async function discard(got: GetResult): Promise<void> {
  await got.body[Symbol.asyncIterator]().return?.();
}
