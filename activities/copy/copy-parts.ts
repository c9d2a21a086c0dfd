/**
 * Copies a run of parts of a large object, as a pipeline: parts are read ahead, hashed in order, and sent several at once. A running
 * MD5 goes over the whole object; its state is recorded with every part, so that it survives the death of the worker. Parts are
 * recorded in order too: after a crash the first part without a record is where the next execution goes on.
 */
import { createHash } from 'node:crypto';
import { createMD5 } from 'hash-wasm';
import { WaybillError } from '../../core/failures.ts';
import type { Sha256Hex } from '../../core/ids.ts';
import { toPartRange, type PartRange } from '../../core/part-layout.ts';
import type { PartRecord, UploadRecord } from '../../ledger/ledger.ts';
import type { Body } from '../../stores/store.ts';
import type { CopyAction } from '../plan/action.ts';
import { isMd5Hex } from '../plan/content-md5.ts';
import { openSource, readWhole } from './read-source.ts';
import { retryTransient } from './retry-transient.ts';
import { hasMd5ETags, type Transfer } from './transfer.ts';

/** Parts of one object that are read ahead, and that are being sent, at once; the memory budget bounds them further. */
export const PARTS_IN_FLIGHT = 4;

/** The parts `from` to `to`, both included. `before`: the record of part `from - 1`, whose hash state is gone on with. */
export interface PartRun {
  readonly upload: UploadRecord;
  readonly from: number;
  readonly to: number;
  readonly before: PartRecord | undefined;
}

/** A part on its way, with the memory that it holds. */
interface ReadPart {
  readonly range: PartRange;
  /** Null where the part is too large for memory: then it is read twice, once to hash it and once to send it. */
  readonly bytes: Uint8Array | null;
  readonly giveBack: () => void;
}

interface SentPart {
  readonly record: Omit<PartRecord, 'etag'>;
  readonly etag: Promise<string>;
}

/** Returns when the run is at the target and recorded. @throws source_changed, checksum_mismatch, no_such_upload */
export async function copyParts(transfer: Transfer, action: CopyAction, run: PartRun): Promise<readonly PartRecord[]> {
  const { ledger } = transfer.step.deps;
  const { uploadId, layout } = run.upload;
  const md5 = await createMD5();
  md5.init();
  if (run.before !== undefined) md5.load(run.before.md5State);

  const reading: Promise<ReadPart>[] = [];
  const sending: SentPart[] = [];
  const records: PartRecord[] = [];
  const recordOldest = async (): Promise<void> => {
    const oldest = sending[0];
    if (oldest === undefined) return;
    const record: PartRecord = { ...oldest.record, etag: await oldest.etag };
    await ledger.saveParts(transfer.step.fence, uploadId, [record]);
    records.push(record);
    sending.shift();
  };
  try {
    let nextRead = run.from;
    for (let partNumber = run.from; partNumber <= run.to; partNumber++) {
      while (nextRead <= run.to && reading.length < PARTS_IN_FLIGHT) {
        const read = readPart(transfer, action, toPartRange(layout, nextRead++));
        void read.catch(() => undefined); // Whoever awaits it in its turn sees the failure.
        reading.push(read);
      }
      const part = await (reading[0] as Promise<ReadPart>);
      void reading.shift();
      const body = await hashPart(transfer, action, part, (piece) => md5.update(piece)).catch((error: unknown) => {
        part.giveBack();
        throw error;
      });
      const etag = sendPart(transfer, run.upload, partNumber, body).finally(() => part.giveBack());
      void etag.catch(() => undefined);
      sending.push({ record: { partNumber, sizeBytes: part.range.lengthBytes, md5State: md5.save() }, etag });
      if (sending.length >= PARTS_IN_FLIGHT) await recordOldest();
    }
    while (sending.length > 0) await recordOldest();
    return records;
  } finally {
    // After a failure: nothing is left in flight, and no memory held, when the caller goes on.
    for (const read of await Promise.allSettled(reading)) if (read.status === 'fulfilled') read.value.giveBack();
    await Promise.allSettled(sending.map(({ etag }) => etag));
  }
}

async function readPart(transfer: Transfer, action: CopyAction, range: PartRange): Promise<ReadPart> {
  const { memory } = transfer.step.deps;
  const fits = range.lengthBytes <= memory.totalBytes / PARTS_IN_FLIGHT;
  const { memory: into, giveBack } = await memory.lend(fits ? range.lengthBytes : 0);
  if (!fits) return { range, bytes: null, giveBack };
  try {
    return { range, bytes: await readRange(transfer, action, range, into), giveBack };
  } catch (error) {
    giveBack();
    throw error;
  }
}

/** The part as a signed body, its bytes given to the running hash exactly once. */
async function hashPart(
  transfer: Transfer,
  action: CopyAction,
  part: ReadPart,
  onBytes: (piece: Uint8Array) => void,
): Promise<Body & { md5: string }> {
  const sha256 = createHash('sha256');
  const md5 = createHash('md5');
  const add = (piece: Uint8Array): void => {
    sha256.update(piece);
    md5.update(piece);
    onBytes(piece);
  };
  let content: Body['content'];
  if (part.bytes !== null) {
    add(part.bytes);
    content = part.bytes;
  } else {
    for await (const piece of (await openRange(transfer, action, part.range)).body) add(piece);
    content = (): AsyncIterable<Uint8Array> => streamRange(transfer, action, part.range);
  }
  return {
    sizeBytes: part.range.lengthBytes,
    sha256: sha256.digest('hex') as Sha256Hex,
    md5: md5.digest('hex'),
    content,
  };
}

const openRange = (
  transfer: Transfer,
  action: CopyAction,
  { offset, lengthBytes }: PartRange,
  into: Uint8Array | null = null,
) => {
  const range = { first: offset, last: offset + lengthBytes - 1 };
  return openSource(transfer, action, into === null ? { range } : { range, into });
};

const readRange = (
  transfer: Transfer,
  action: CopyAction,
  range: PartRange,
  into: Uint8Array | null,
): Promise<Uint8Array> =>
  retryTransient(transfer, async () => readWhole(await openRange(transfer, action, range, into)));

async function* streamRange(transfer: Transfer, action: CopyAction, range: PartRange): AsyncGenerator<Uint8Array> {
  yield* (await openRange(transfer, action, range)).body;
}

async function sendPart(
  transfer: Transfer,
  upload: UploadRecord,
  partNumber: number,
  body: Body & { md5: string },
): Promise<string> {
  const ref = { bucket: upload.location.bucket, key: upload.key, uploadId: upload.uploadId };
  return retryTransient(transfer, async () => {
    const { etag } = await transfer.target.uploadPart(ref, partNumber, body);
    if (etag !== body.md5 && hasMd5ETags(transfer) && isMd5Hex(etag)) {
      throw new WaybillError('checksum_mismatch', 'the target stored other bytes than were sent', {
        partNumber,
        md5: body.md5,
        etag,
      });
    }
    return etag;
  });
}
