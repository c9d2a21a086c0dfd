/**
 * A GetObject whose answer stays here: the object's bytes, whole, read right into the memory that is given for them. Anything but a success
 * is collected, for `provider-failure.ts` to read.
 */
import { createHash, hash, type Hash } from 'node:crypto';
import { KiB } from '../../core/limits.ts';
import type { AnswerHandler, AnswerHeaders, Exchange } from '../../http1/exchange.ts';
import { ObjectBytes } from '../../stores/s3/answer-bytes.ts';
import { refuse } from '../answer/s3-error.ts';
import type { RelayedObject, RelayRead } from '../backend.ts';
import { CollectedAnswer } from './collected-answer.ts';
import type { ProviderAnswer } from './provider-failure.ts';

/** One read of a socket into given memory: it is hashed while the processor's cache still has it. */
const READ_BYTES_MAX = 256 * KiB;

export type ReadAnswer = { readonly object: Omit<RelayedObject, 'md5'> } | { readonly refusal: ProviderAnswer };

export class ObjectExchange implements AnswerHandler {
  readonly #asked: Pick<RelayRead, 'accept' | 'isHashed'>;
  readonly #settle: (answer: ReadAnswer) => void;
  readonly #fail: (error: Error) => void;
  #exchange: Exchange | null = null;
  #headers: AnswerHeaders = {};
  #refusal: CollectedAnswer | null = null;
  #bytes = new ObjectBytes(0);
  #readBytes = 0;
  /** Of what is read into given memory, piece by piece. */
  #hash: Hash | null = null;

  constructor(
    asked: Pick<RelayRead, 'accept' | 'isHashed'>,
    settle: (answer: ReadAnswer) => void,
    fail: (error: Error) => void,
  ) {
    this.#asked = asked;
    this.#settle = settle;
    this.#fail = fail;
  }

  onStart(exchange: Exchange): void {
    this.#exchange = exchange;
  }

  onHead(status: number, headers: AnswerHeaders): void {
    this.#headers = headers;
    const length = headers['content-length'];
    if (status !== 200) {
      this.#refusal = new CollectedAnswer(status, headers);
    } else if (typeof length !== 'string') {
      // Whoever copies the bytes himself takes an answer in chunks.
      this.#abort(refuse('NotImplemented', 'The store does not say how long the object is before it sends it.'));
    } else {
      try {
        this.#bytes = this.#receive(Number(length));
      } catch (error) {
        this.#abort(error as Error);
      }
    }
  }

  memoryFor(bytesMax: number): Buffer | null {
    const { memory } = this.#bytes;
    if (this.#refusal !== null || memory === undefined) return null;
    const leftBytes = memory.byteLength - this.#readBytes;
    return Buffer.from(
      memory.buffer,
      memory.byteOffset + this.#readBytes,
      Math.min(bytesMax, leftBytes, READ_BYTES_MAX),
    );
  }

  get copiesData(): boolean {
    return this.#refusal === null && this.#bytes.memory !== undefined;
  }

  onData(piece: Uint8Array): void {
    if (this.#refusal !== null) {
      if (!this.#refusal.take(piece)) this.#abort(this.#refusal.tooLarge());
      return;
    }
    this.#bytes.take(piece, this.#readBytes);
    this.#readBytes += piece.byteLength;
  }

  onEnd(): void {
    if (this.#refusal !== null) {
      this.#settle({ refusal: this.#refusal.toAnswer() });
      return;
    }
    const bytes = this.#bytes.finish().body;
    const sha256 = this.#asked.isHashed ? (this.#hash?.digest('hex') ?? hash('sha256', bytes, 'hex')) : null;
    this.#settle({ object: { headers: this.#headers, bytes, sha256 } });
  }

  onError(error: Error): void {
    // The refusal is known by its status, also when its document broke off.
    if (this.#refusal !== null) this.#settle({ refusal: this.#refusal.toAnswer() });
    else this.#fail(error);
  }

  /** @throws what `accept` does */
  #receive(sizeBytes: number): ObjectBytes {
    const memory = this.#asked.accept(sizeBytes);
    if (memory === null) return new ObjectBytes(sizeBytes);
    const running = this.#asked.isHashed ? (this.#hash = createHash('sha256')) : null;
    return new ObjectBytes(sizeBytes, { memory, onBytes: (piece) => running?.update(piece) });
  }

  #abort(reason: Error): void {
    this.#refusal = null;
    this.#exchange?.abort(reason);
  }
}
