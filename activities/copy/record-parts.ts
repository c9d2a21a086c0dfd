/**
 * Records the parts that have arrived, in order, whatever the order they arrive in: after a crash the first part without a record is
 * where the next execution goes on. Several go into one transaction, for each costs as much as a part's bytes; what a crash loses by it
 * is sent again.
 */
import type { PartRecord, UploadRecord } from '../../ledger/ledger.ts';
import { appendCrc, parseCrcState, printCrcState } from './crc-state.ts';
import type { Transfer } from './transfer.ts';

const AT_ONCE = 8;
/** A slow store's parts do not wait for each other. */
const WAIT_MS_MAX = 1000;

export interface ArrivedPart {
  readonly partNumber: number;
  readonly sizeBytes: number;
  readonly etag: string;
  /** base64, where the upload is proved by a CRC. */
  readonly crc?: string | undefined;
  /** Of the running MD5, where there is one. */
  readonly md5State?: Uint8Array | undefined;
}

export class PartRecorder {
  /** All that were recorded, in order. */
  readonly records: PartRecord[] = [];
  readonly #transfer: Transfer;
  readonly #upload: UploadRecord;
  readonly #arrived = new Map<number, ArrivedPart>();
  #before: PartRecord | undefined;
  #next: number;
  /** In order, and not recorded yet. */
  #ready: PartRecord[] = [];
  #saving: Promise<void> = Promise.resolve();
  #savedAtMs = performance.now();

  constructor(transfer: Transfer, upload: UploadRecord, before: PartRecord | undefined) {
    this.#transfer = transfer;
    this.#upload = upload;
    this.#before = before;
    this.#next = (before?.partNumber ?? 0) + 1;
  }

  async add(part: ArrivedPart): Promise<void> {
    this.#arrived.set(part.partNumber, part);
    for (let next = this.#arrived.get(this.#next); next !== undefined; next = this.#arrived.get(this.#next)) {
      this.#arrived.delete(this.#next++);
      this.#before = this.#toRecord(next);
      this.#ready.push(this.#before);
    }
    if (this.#ready.length >= AT_ONCE || performance.now() - this.#savedAtMs > WAIT_MS_MAX) await this.save();
  }

  /** Records what is in order. One transaction at a time, for their order is what makes a run without gaps. */
  save(): Promise<void> {
    return (this.#saving = this.#saving.then(async () => {
      const parts = this.#ready;
      if (parts.length === 0) return;
      this.#ready = [];
      this.#savedAtMs = performance.now();
      const { deps, fence } = this.#transfer.step;
      await deps.ledger.saveParts(fence, this.#upload.uploadId, parts);
      this.records.push(...parts);
    }));
  }

  #toRecord({ partNumber, sizeBytes, etag, crc, md5State }: ArrivedPart): PartRecord {
    const { proof } = this.#upload;
    const before = this.#before;
    const hashState =
      proof?.by === 'crc' && crc !== undefined
        ? printCrcState(appendCrc(proof.algorithm, before && parseCrcState(before), crc, sizeBytes))
        : (md5State ?? new Uint8Array(0));
    return { partNumber, sizeBytes, etag, hashState };
  }
}
