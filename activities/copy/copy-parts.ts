/**
 * Copies a run of parts of a large object: several at once, each read, hashed as it comes, and sent. What proves the whole goes from
 * part to part in order (`record-parts.ts`): a CRC is combined from those of the parts, in whatever order they come; a running MD5 takes
 * their bytes one part after the other.
 */
import { toPartRange, type PartRange } from '../../core/part-layout.ts';
import type { PartRecord, UploadRecord } from '../../ledger/ledger.ts';
import type { CopyAction } from '../plan/action.ts';
import { hashPart, readPart, type ReadPart } from './read-part.ts';
import { PartRecorder, type ArrivedPart } from './record-parts.ts';
import { RunningMd5 } from './running-md5.ts';
import { planPart, sendPart } from './send-part.ts';
import type { Transfer } from './transfer.ts';

/** Parts of one object that are read, and that are sent, at once; the memory budget bounds them further. */
export const PARTS_IN_FLIGHT = 4;

/** The parts `from` to `to`, both included. `before`: the record of part `from - 1`, whose hash state is gone on with. */
export interface PartRun {
  readonly upload: UploadRecord;
  readonly from: number;
  readonly to: number;
  readonly before: PartRecord | undefined;
}

/** When the running MD5 takes a part: after the one before it, and before the next. */
interface Turn {
  readonly comes: Promise<void>;
  readonly end: () => void;
}

/** Returns when the run is at the target and recorded. @throws source_changed, checksum_mismatch, no_such_upload */
export async function copyParts(transfer: Transfer, action: CopyAction, run: PartRun): Promise<readonly PartRecord[]> {
  const { upload } = run;
  const recorder = new PartRecorder(transfer, upload, run.before);
  const running = upload.proof === undefined ? await RunningMd5.open(run.before) : null;
  let next = run.from;
  let lastTurn: Promise<void> = Promise.resolve();
  let failure: { readonly error: unknown } | null = null;
  const takeTurn = (): Turn => {
    const comes = lastTurn;
    let end = (): void => undefined;
    lastTurn = new Promise((resolve) => (end = resolve));
    // What comes behind a part that failed is of no use.
    return { end, comes: comes.then(() => (failure === null ? undefined : Promise.reject(failure.error as Error))) };
  };
  const copyNext = async (): Promise<void> => {
    while (next <= run.to && failure === null) {
      const range = toPartRange(upload.layout, next++);
      const turn = takeTurn();
      void turn.comes.catch(() => undefined);
      try {
        await recorder.add(await copyPart(transfer, action, upload, range, running, turn));
      } catch (error) {
        failure ??= { error };
      } finally {
        turn.end();
      }
    }
  };
  // After a failure: nothing is left in flight, and no memory held, when the caller goes on.
  await Promise.all(Array.from({ length: Math.min(2 * PARTS_IN_FLIGHT, run.to - run.from + 1) }, copyNext));
  const failed = failure as { readonly error: unknown } | null;
  if (failed === null) {
    await recorder.save();
    return recorder.records;
  }
  await recorder.save().catch(() => undefined);
  throw failed.error;
}

/** Memory is asked for in the order of the parts, so that a part never waits for one that has to wait for memory. */
async function copyPart(
  transfer: Transfer,
  action: CopyAction,
  upload: UploadRecord,
  range: PartRange,
  running: RunningMd5 | null,
  turn: Turn,
): Promise<ArrivedPart> {
  const { partNumber, lengthBytes: sizeBytes } = range;
  const { memory } = transfer.step.deps;
  const fits = sizeBytes <= memory.totalBytes / PARTS_IN_FLIGHT;
  const lent = await memory.lend(fits ? sizeBytes : 0);
  try {
    const { wanted, isUnsigned } = planPart(transfer, upload.proof, fits);
    let part: ReadPart;
    let md5State: Uint8Array | undefined;
    if (fits) {
      part = await readPart(transfer, action, range, lent.memory, wanted);
      if (running !== null) {
        await turn.comes;
        running.update(part.bytes ?? new Uint8Array(0));
        md5State = running.save();
      }
    } else {
      await turn.comes;
      part = await hashPart(transfer, action, range, wanted, running);
      md5State = running?.save();
    }
    turn.end();
    const etag = await sendPart(transfer, action, upload, part, isUnsigned);
    return { partNumber, sizeBytes, etag, crc: part.digests.crc, md5State };
  } finally {
    lent.giveBack();
  }
}
