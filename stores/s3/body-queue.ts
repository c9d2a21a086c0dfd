/**
 * The bytes of an answer on their way from the socket to a reader that may be slower. Above the high-water mark the socket is
 * paused, so what waits here stays small whatever the size of the object.
 */
const HIGH_WATER_BYTES = 512 * 1024;

export interface BodySource {
  pause(): void;
  resume(): void;
  /** The reader left before the end. */
  abandon(): void;
}

interface Waiting {
  readonly resolve: (result: IteratorResult<Uint8Array>) => void;
  readonly reject: (error: Error) => void;
}

const DONE: IteratorResult<Uint8Array> = { done: true, value: undefined };

export class BodyQueue implements AsyncIterableIterator<Uint8Array> {
  readonly #source: BodySource;
  #chunks: Uint8Array[] = [];
  #queuedBytes = 0;
  #paused = false;
  #ended = false;
  #failure: Error | undefined;
  #waiting: Waiting | undefined;

  constructor(source: BodySource) {
    this.#source = source;
  }

  push(chunk: Uint8Array): void {
    if (this.#waiting !== undefined) {
      const { resolve } = this.#waiting;
      this.#waiting = undefined;
      resolve({ done: false, value: chunk });
      return;
    }
    this.#chunks.push(chunk);
    this.#queuedBytes += chunk.byteLength;
    if (this.#queuedBytes >= HIGH_WATER_BYTES && !this.#paused) {
      this.#paused = true;
      this.#source.pause();
    }
  }

  end(): void {
    this.#ended = true;
    this.#waiting?.resolve(DONE);
    this.#waiting = undefined;
  }

  /** What is queued is dropped: the reader learns of the failure at once. */
  fail(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#chunks = [];
    this.#failure = error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#queuedBytes -= chunk.byteLength;
      if (this.#paused && this.#queuedBytes < HIGH_WATER_BYTES / 2) {
        this.#paused = false;
        this.#source.resume();
      }
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#ended) return Promise.resolve(DONE);
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#ended) {
      this.#ended = true;
      this.#source.abandon();
    }
    this.#waiting?.resolve(DONE);
    this.#waiting = undefined;
    this.#chunks = [];
    this.#failure = undefined;
    return Promise.resolve(DONE);
  }
}
