/**
 * A budget of bytes that all copies of a worker process share, so that memory does not depend on sizes or counts (invariant I8), and the
 * memory itself, lent again and again (`core/lent-memory.ts`).
 */
import { KiB } from '../../core/limits.ts';
import { LentMemory } from '../../core/lent-memory.ts';

/** Smaller bodies cost nothing worth keeping. */
const LENT_BYTES_MIN = 32 * KiB;

/** Memory that is lent: of exactly the length asked for, or null for a small body, which brings its own. */
export interface Lent {
  readonly memory: Uint8Array | null;
  /** Once nobody uses the memory any more. */
  readonly giveBack: () => void;
}

export class ByteBudget {
  readonly totalBytes: number;
  #free: number;
  readonly #memory: LentMemory;
  readonly #waiting: { readonly bytes: number; readonly grant: () => void }[] = [];

  constructor(totalBytes: number) {
    this.totalBytes = totalBytes;
    this.#free = totalBytes;
    this.#memory = new LentMemory(totalBytes);
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
    let range = this.#memory.lend(bytes);
    // The free bytes may lie apart.
    if (range === null) return { memory: Buffer.allocUnsafeSlow(bytes), giveBack: release };
    return {
      memory: range.memory,
      giveBack: () => {
        if (range !== null) this.#memory.giveBack(range);
        range = null;
        release();
      },
    };
  }

  #grantNext(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.bytes <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.bytes;
      next.grant();
    }
  }
}
