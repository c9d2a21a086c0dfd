/** A body that is in memory whole. Whoever answers with it can write it in one go instead of iterating. */
export class WholeBody implements AsyncIterable<Uint8Array> {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    let left: Uint8Array | undefined = this.bytes.byteLength === 0 ? undefined : this.bytes;
    const finish = (): Promise<IteratorResult<Uint8Array>> => {
      left = undefined;
      return Promise.resolve({ done: true, value: undefined });
    };
    return {
      next: () => {
        if (left === undefined) {
          return finish();
        }
        const value = left;
        left = undefined;
        return Promise.resolve({ done: false, value });
      },
      return: finish,
    };
  }
}

/** The bytes of a body that is in memory whole, undefined for one that has to be read. */
export const toWholeBytes = (body: AsyncIterable<Uint8Array>): Uint8Array | undefined =>
  body instanceof WholeBody ? body.bytes : undefined;
