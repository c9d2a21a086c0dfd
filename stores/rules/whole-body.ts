/** A body that is in memory whole. Whoever answers with it can write it in one go instead of iterating. */
export class WholeBody implements AsyncIterable<Uint8Array> {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return new OnePiece(this.bytes);
  }
}

class OnePiece implements AsyncIterator<Uint8Array> {
  #left: Uint8Array | undefined;

  constructor(bytes: Uint8Array) {
    this.#left = bytes.byteLength === 0 ? undefined : bytes;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const value = this.#left;
    if (value === undefined) return this.return();
    this.#left = undefined;
    return Promise.resolve({ done: false, value });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#left = undefined;
    return Promise.resolve({ done: true, value: undefined });
  }
}

/** The bytes of a body that is in memory whole, undefined for one that has to be read. */
export const toWholeBytes = (body: AsyncIterable<Uint8Array>): Uint8Array | undefined =>
  body instanceof WholeBody ? body.bytes : undefined;
