/**
 * What bodies that are held whole may take together. Most bodies are streamed; documents, small objects and POST /upload are read
 * to their end first, and as many connections as there are could each bring one. Whoever would go beyond the budget is answered
 * SlowDown before a byte of the body was asked for, rather than made to wait: a queue would hold its connection too.
 */
import type { ServerResponse } from 'node:http';
import { refuse } from '../answer/s3-error.ts';

export class MemoryBudget {
  readonly maxBytes: number;
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
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
}
