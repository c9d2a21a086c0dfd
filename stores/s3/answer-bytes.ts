/**
 * The bytes of an answer that is handed on whole, put together from the pieces they come in. Bytes that were not read right into the
 * memory they belong in are copied there, and the piece that they came in is given back.
 */
import { giveBack } from '../../http1/socket-reads.ts';
import type { ReadInto } from '../store.ts';
import { giveBackMemory, lendMemory } from './answer-memory.ts';

export interface WholeAnswer {
  readonly body: Uint8Array;
  /** Present where the body's memory was lent: once, by whoever is done with it. Who does not only costs new memory. */
  readonly giveBack?: () => void;
}

export interface AnswerBytes {
  /** What the socket may read into; undefined where there is nothing yet, or the pieces are kept as they come. */
  readonly memory: Uint8Array | undefined;
  /** @param at how many came before them */
  take(chunk: Uint8Array, at: number): void;
  /** All have come. */
  finish(): WholeAnswer;
}

const isAlreadyAt = (chunk: Uint8Array, memory: Uint8Array, at: number): boolean =>
  chunk.buffer === memory.buffer && chunk.byteOffset === memory.byteOffset + at;

/** Of an object, whose length is known: into the memory that was given for it, or its own, made once. The parser holds it to its length. */
export class ObjectBytes implements AnswerBytes {
  readonly memory: Uint8Array | undefined;
  readonly #lengthBytes: number;
  readonly #onBytes: ReadInto['onBytes'];
  #whole: Uint8Array | undefined;

  /** @param into of that length */
  constructor(lengthBytes: number, into?: ReadInto) {
    this.#lengthBytes = lengthBytes;
    this.memory = this.#whole = into?.memory;
    this.#onBytes = into?.onBytes;
  }

  take(chunk: Uint8Array, at: number): void {
    if (this.#whole === undefined && chunk.byteLength === this.#lengthBytes) {
      this.#whole = chunk;
      return;
    }
    const whole = (this.#whole ??= Buffer.allocUnsafeSlow(this.#lengthBytes));
    if (!isAlreadyAt(chunk, whole, at)) {
      whole.set(chunk, at);
      giveBack(chunk);
    }
    this.#onBytes?.(whole.subarray(at, at + chunk.byteLength));
  }

  finish(): WholeAnswer {
    return { body: this.#whole ?? new Uint8Array(0) };
  }
}

/** Into lent memory. An answer in chunks does not say how long it is, and may outgrow what was lent. */
export class LentBytes implements AnswerBytes {
  #memory: Buffer;
  #bytes = 0;

  /** @param lengthBytes 0: not known */
  constructor(lengthBytes: number) {
    this.#memory = lendMemory(lengthBytes);
  }

  get memory(): Uint8Array {
    return this.#memory;
  }

  take(chunk: Uint8Array, at: number): void {
    const bytes = (this.#bytes = at + chunk.byteLength);
    if (isAlreadyAt(chunk, this.#memory, at)) return;
    if (bytes > this.#memory.byteLength) this.#grow(bytes, at);
    this.#memory.set(chunk, at);
    giveBack(chunk);
  }

  finish(): WholeAnswer {
    const memory = this.#memory;
    return { body: memory.subarray(0, this.#bytes), giveBack: () => giveBackMemory(memory) };
  }

  #grow(bytes: number, filledBytes: number): void {
    const before = this.#memory;
    this.#memory = lendMemory(2 * bytes);
    this.#memory.set(before.subarray(0, filledBytes));
    giveBackMemory(before);
  }
}

/** Of anything else, which is short, and mostly one piece. */
export class JoinedBytes implements AnswerBytes {
  readonly memory: undefined;
  readonly #chunks: Uint8Array[] = [];

  take(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
  }

  finish(): WholeAnswer {
    const [first] = this.#chunks;
    if (first !== undefined && this.#chunks.length === 1) return { body: first };
    const body = Buffer.concat(this.#chunks);
    for (const chunk of this.#chunks) giveBack(chunk);
    return { body };
  }
}
