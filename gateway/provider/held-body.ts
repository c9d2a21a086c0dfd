/**
 * Holds the last bytes of a body back until the body has ended well. A verified body fails before its end when its hash does not
 * hold; a provider commits an object once it has all of the promised bytes; so as long as the last ones are kept here, nobody
 * upstream can commit a body whose hash has not been checked.
 */
import { KiB } from '../../core/limits.ts';

/** One read of a socket is at most 64 KiB, so this holds one or two reads a request. */
export const TAIL_BYTES = 64 * KiB;

export class HeldBody implements AsyncIterable<Uint8Array> {
  readonly #body: AsyncIterable<Uint8Array>;
  #isVerified = false;

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#body = body;
  }

  /** True once the body has ended well. Before that a provider cannot have it all, and its success is not one. */
  get isVerified(): boolean {
    return this.#isVerified;
  }

  /** Yields the body unchanged, but never its last bytes before it ended. Rethrows its failure with the tail kept. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const held: Uint8Array[] = [];
    let heldBytes = 0;
    for await (const chunk of this.#body) {
      held.push(chunk);
      heldBytes += chunk.byteLength;
      for (let first = held[0]; first !== undefined && heldBytes - first.byteLength >= TAIL_BYTES; first = held[0]) {
        held.shift();
        heldBytes -= first.byteLength;
        yield first;
      }
    }
    this.#isVerified = true;
    yield* held;
  }
}
