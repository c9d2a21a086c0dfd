/**
 * What bodies that are held whole may take together. Most bodies are streamed; documents, small objects and POST /upload are read
 * to their end first, and as many connections as there are could each bring one. Whoever would go beyond the budget is answered
 * SlowDown before a byte of the body was asked for, rather than made to wait: a queue would hold its connection too.
 */
import type { ServerResponse } from 'node:http';
import { KiB } from '../../core/limits.ts';
import { LentMemory } from '../../core/lent-memory.ts';
import { refuse } from '../answer/s3-error.ts';

/** Smaller bodies bring memory of their own. */
const LENT_BYTES_MIN = 32 * KiB;

/** Memory of just the length that was asked for; null for a small body. */
export interface Lent {
  readonly memory: Uint8Array | null;
  /** Once, when nobody reads or writes it any more. */
  readonly giveBack: () => void;
}

export class MemoryBudget {
  readonly maxBytes: number;
  readonly #lendable: LentMemory;
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
    this.#lendable = new LentMemory(maxBytes);
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Takes the bytes until the response closes. What alone is more than the budget passes while nothing else is held: a limit that
   * was set too low then slows its callers down, and stops none of them for good.
   * @throws store_slow_down with s3Code SlowDown; invalid_request when the response has closed: it would never give them back
   */
  hold(response: ServerResponse, bytes: number): void {
    if (bytes === 0) return;
    if (response.destroyed) throw refuse('IncompleteBody', 'The caller left before its body came.');
    if (this.#heldBytes > 0 && this.#heldBytes + bytes > this.maxBytes) {
      throw refuse('SlowDown', 'Too many bodies are being held in memory. Please try again.', {
        heldBytes: this.#heldBytes,
      });
    }
    this.#heldBytes += bytes;
    response.once('close', () => {
      this.#heldBytes -= bytes;
    });
  }

  /** `hold`, with the memory itself. @throws as it does */
  lend(response: ServerResponse, bytes: number): Lent {
    this.hold(response, bytes);
    if (bytes < LENT_BYTES_MIN) return { memory: null, giveBack: () => undefined };
    const range = this.#lendable.lend(bytes);
    // The free bytes may lie apart, and somebody who left may not have given his back yet.
    if (range === null) return { memory: Buffer.allocUnsafeSlow(bytes), giveBack: () => undefined };
    return { memory: range.memory, giveBack: () => this.#lendable.giveBack(range) };
  }
}
