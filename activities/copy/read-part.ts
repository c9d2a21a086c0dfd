/** Reads one part of the source, hashed as it comes. One that is too large for memory is read twice: to be hashed, and to be sent. */
import type { PartRange } from '../../core/part-layout.ts';
import type { GetResult, ReadInto } from '../../stores/store.ts';
import type { CopyAction } from '../plan/action.ts';
import { ReadHashes, type Digests, type WantedHashes } from './read-hashes.ts';
import { openSource, readWhole } from './read-source.ts';
import { retryTransient } from './retry-transient.ts';
import type { RunningMd5 } from './running-md5.ts';
import type { Transfer } from './transfer.ts';

export interface ReadPart {
  readonly range: PartRange;
  /** Null where the part is too large for memory. */
  readonly bytes: Uint8Array | null;
  readonly digests: Digests;
}

/** @param memory lent for the part; null: it is small enough to bring its own */
export function readPart(
  transfer: Transfer,
  action: CopyAction,
  range: PartRange,
  memory: Uint8Array | null,
  wanted: WantedHashes,
): Promise<ReadPart> {
  return retryTransient(transfer, async () => {
    const hashes = await ReadHashes.begin(wanted);
    try {
      const into = memory === null ? undefined : { memory, onBytes: (piece: Uint8Array) => hashes.update(piece) };
      const bytes = await readWhole(await openRange(transfer, action, range, into));
      return { range, bytes, digests: hashes.finish(bytes) };
    } finally {
      hashes.release();
    }
  });
}

/** Hashes a part that does not fit into memory. @param running goes on with it */
export function hashPart(
  transfer: Transfer,
  action: CopyAction,
  range: PartRange,
  wanted: WantedHashes,
  running: RunningMd5 | null,
): Promise<ReadPart> {
  return retryTransient(transfer, async () => {
    const hashes = await ReadHashes.begin(wanted);
    running?.restart();
    try {
      for await (const piece of (await openRange(transfer, action, range)).body) {
        hashes.update(piece);
        running?.update(piece);
      }
      return { range, bytes: null, digests: hashes.digest() };
    } finally {
      hashes.release();
    }
  });
}

/** The part's bytes once more. */
export async function* streamPart(
  transfer: Transfer,
  action: CopyAction,
  range: PartRange,
): AsyncGenerator<Uint8Array> {
  yield* (await openRange(transfer, action, range)).body;
}

function openRange(
  transfer: Transfer,
  action: CopyAction,
  { offset, lengthBytes }: PartRange,
  into?: ReadInto,
): Promise<GetResult> {
  const range = { first: offset, last: offset + lengthBytes - 1 };
  return openSource(transfer, action, into === undefined ? { range } : { range, into });
}
