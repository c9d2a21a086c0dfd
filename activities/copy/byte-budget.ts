/**
 * A budget of bytes that all copies of a worker process share, so that memory does not depend on sizes or counts (invariant I8), and the
 * memory itself, lent again and again: a new buffer for each body lies outside of V8's heap, is not seen by its small collections, and
 * made it collect the whole heap seventy times for each GiB that was copied.
 */

import { MiB } from '../../core/limits.ts';

/** Smaller bodies cost nothing worth keeping. */
const LENT_BYTES_MIN = 32 * 1024;

/** Memory that is lent: of exactly the length asked for, or null for a small body, which brings its own. */
export interface Lent {
  readonly memory: Uint8Array | null;
  /** Once nobody uses the memory any more. */
  readonly giveBack: () => void;
}

/** Sizes that memory is made in: few enough to fit again, and above a MiB at most a quarter too much. */
function toSize(bytes: number): number {
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 2);
  return bytes <= MiB ? 2 ** Math.ceil(Math.log2(bytes)) : Math.ceil(bytes / step) * step;
}

export class ByteBudget {
  readonly totalBytes: number;
  #free: number;
  /** Kept memory by its size, and how much of it there is in all; with what is lent it is not more than the budget, but for rounding. */
  readonly #kept = new Map<number, Buffer[]>();
  #keptBytes = 0;
  #lentBytes = 0;
  readonly #waiting: { readonly bytes: number; readonly grant: () => void }[] = [];

  constructor(totalBytes: number) {
    this.totalBytes = totalBytes;
    this.#free = totalBytes;
  }

  /**
   * Waits until the bytes are free, first come, first served, and returns what gives them back. What is larger than the whole
   * budget takes all of it. Whoever holds bytes must not wait for somebody who asked later.
   */
  async take(bytes: number): Promise<() => void> {
    const taken = Math.min(bytes, this.totalBytes);
    if (this.#waiting.length > 0 || taken > this.#free) {
      await new Promise<void>((resolve) => this.#waiting.push({ bytes: taken, grant: resolve }));
    } else {
      this.#free -= taken;
    }
    return this.#toRelease(taken);
  }

  #toRelease(taken: number): () => void {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#free += taken;
      this.#grantNext();
    };
  }

  async use<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const giveBack = await this.take(bytes);
    try {
      return await work();
    } finally {
      giveBack();
    }
  }

  /** `take`, with the memory. */
  async lend(bytes: number): Promise<Lent> {
    return this.#lent(bytes, await this.take(bytes));
  }

  /** `lend` without waiting, and so without a promise; null where it would have to wait. */
  tryLend(bytes: number): Lent | null {
    const taken = Math.min(bytes, this.totalBytes);
    if (this.#waiting.length > 0 || taken > this.#free) return null;
    this.#free -= taken;
    return this.#lent(bytes, this.#toRelease(taken));
  }

  #lent(bytes: number, release: () => void): Lent {
    if (bytes < LENT_BYTES_MIN || bytes > this.totalBytes) return { memory: null, giveBack: release };
    const size = toSize(bytes);
    const known = this.#kept.get(size)?.pop();
    if (known === undefined) this.#makeRoom(size);
    else this.#keptBytes -= size;
    let buffer: Buffer | null = known ?? Buffer.allocUnsafeSlow(size);
    this.#lentBytes += size;
    return {
      memory: buffer.subarray(0, bytes),
      giveBack: () => {
        if (buffer !== null) this.#keep(buffer, size);
        buffer = null;
        release();
      },
    };
  }

  #keep(buffer: Buffer, size: number): void {
    this.#lentBytes -= size;
    if (this.#lentBytes + this.#keptBytes + size > this.totalBytes) return;
    const kept = this.#kept.get(size);
    if (kept === undefined) this.#kept.set(size, [buffer]);
    else kept.push(buffer);
    this.#keptBytes += size;
  }

  /** What is kept of other sizes goes, or it would stay for good and each body of this size be new memory. */
  #makeRoom(size: number): void {
    for (const [keptSize, kept] of this.#kept) {
      while (kept.length > 0 && this.#lentBytes + this.#keptBytes + size > this.totalBytes) {
        kept.pop();
        this.#keptBytes -= keptSize;
      }
    }
  }

  #grantNext(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.bytes <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.bytes;
      next.grant();
    }
  }
}
