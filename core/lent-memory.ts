/**
 * The memory that bodies are read into: one piece, of which each body gets a range of just its length. A buffer for each body lies
 * outside of V8's heap, is not seen by its small collections, and made it collect the whole heap seventy times for each GiB that was
 * copied; buffers kept by their size are no memory for another size, and there twice: the old ones until they are collected.
 *
 * The system gives the pages of it as they are first written to. The first range that is long enough is taken, so what was used last, and is
 * in the processor's cache, is used again, and what is never needed is never there. Small bodies take the last one, from its end: among
 * large ones they would leave ranges that are long enough for none.
 */
import { GiB, KiB, MiB } from './limits.ts';

/** One buffer has 4 GiB at most; whoever allows more in flight than this has the memory for new buffers beside it. */
const LENDABLE_BYTES_MAX = GiB;
const SMALL_BYTES_MAX = MiB;
/** A page of memory: bodies do not share one. */
const PAGE_BYTES = 4 * KiB;

interface FreeRange {
  readonly offset: number;
  readonly bytes: number;
}

/** A range that is lent, until it is given back. */
export interface LentRange extends FreeRange {
  readonly memory: Buffer;
}

export class LentMemory {
  readonly #totalBytes: number;
  #whole: Buffer | null = null;
  /** By offset; no two of them touch. */
  #free: FreeRange[];

  constructor(totalBytes: number) {
    this.#totalBytes = Math.ceil(Math.min(totalBytes, LENDABLE_BYTES_MAX) / PAGE_BYTES) * PAGE_BYTES;
    this.#free = [{ offset: 0, bytes: this.#totalBytes }];
  }

  /** Memory of exactly that length; null where no range is long enough. */
  lend(lengthBytes: number): LentRange | null {
    const bytes = Math.ceil(lengthBytes / PAGE_BYTES) * PAGE_BYTES;
    const fits = (range: FreeRange): boolean => range.bytes >= bytes;
    const isSmall = bytes <= SMALL_BYTES_MAX;
    const at = isSmall ? this.#free.findLastIndex(fits) : this.#free.findIndex(fits);
    const range = this.#free[at];
    if (range === undefined) return null;
    const left = range.bytes - bytes;
    const offset = isSmall ? range.offset + left : range.offset;
    if (left === 0) this.#free.splice(at, 1);
    else this.#free[at] = { offset: isSmall ? range.offset : offset + bytes, bytes: left };
    this.#whole ??= Buffer.allocUnsafeSlow(this.#totalBytes);
    return { offset, bytes, memory: this.#whole.subarray(offset, offset + lengthBytes) };
  }

  /** Once, of what was lent. */
  giveBack({ offset, bytes }: LentRange): void {
    const behind = this.#free.findIndex((range) => range.offset > offset);
    const at = behind < 0 ? this.#free.length : behind;
    const [before, after] = [this.#free[at - 1], this.#free[at]];
    const touchesBefore = before !== undefined && before.offset + before.bytes === offset;
    const touchesAfter = after !== undefined && offset + bytes === after.offset;
    this.#free.splice(touchesBefore ? at - 1 : at, Number(touchesBefore) + Number(touchesAfter), {
      offset: touchesBefore ? before.offset : offset,
      bytes: bytes + (touchesBefore ? before.bytes : 0) + (touchesAfter ? after.bytes : 0),
    });
  }
}
