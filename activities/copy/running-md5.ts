/** The MD5 of an object that is read in parts, in order: its state is recorded with every part, so that it survives the worker. */
import { createMD5 } from 'hash-wasm';
import type { IHasher } from 'hash-wasm';
import type { PartRecord } from '../../ledger/ledger.ts';

export class RunningMd5 {
  readonly #md5: IHasher;
  #state: Uint8Array;

  private constructor(md5: IHasher) {
    this.#md5 = md5;
    this.#state = md5.save();
  }

  /** @param before the part behind which it goes on; undefined: from the start */
  static async open(before: Pick<PartRecord, 'hashState'> | undefined): Promise<RunningMd5> {
    const md5 = (await createMD5()).init();
    if (before !== undefined) md5.load(before.hashState);
    return new RunningMd5(md5);
  }

  /** What came since `save` is forgotten: the part is read once more. */
  restart(): void {
    this.#md5.load(this.#state);
  }

  update(piece: Uint8Array): void {
    this.#md5.update(piece);
  }

  /** The state behind this part. */
  save(): Uint8Array {
    return (this.#state = this.#md5.save());
  }

  /** Hex; once. */
  digest(): string {
    return this.#md5.digest('hex');
  }
}
