/**
 * A GetObject whose answer stays here: the object's bytes, whole, in the pieces in which they came. Anything but a success is collected,
 * for `provider-failure.ts` to read.
 */
import { createHash, hash, type Hash } from 'node:crypto';
import { KiB } from '../../core/limits.ts';
import type { AnswerHandler, AnswerHeaders, Exchange } from '../../http1/exchange.ts';
import { appendTo, giveBack } from '../../http1/socket-reads.ts';
import { refuse } from '../answer/s3-error.ts';
import type { RelayedObject, RelayRead } from '../backend.ts';
import { CollectedAnswer } from './collected-answer.ts';
import type { ProviderAnswer } from './provider-failure.ts';

/** Above it a body is hashed while it comes, each piece while the processor's cache still has it. */
const HASHED_AT_ONCE_BYTES_MAX = 32 * KiB;

export type ReadAnswer = { readonly object: Omit<RelayedObject, 'md5'> } | { readonly refusal: ProviderAnswer };

export class ObjectExchange implements AnswerHandler {
  readonly #asked: Pick<RelayRead, 'accept' | 'isHashed'>;
  readonly #settle: (answer: ReadAnswer) => void;
  readonly #fail: (error: Error) => void;
  #exchange: Exchange | null = null;
  #headers: AnswerHeaders = {};
  #sizeBytes = 0;
  #hash: Hash | null = null;
  #refusal: CollectedAnswer | null = null;
  #pieces: Uint8Array[] = [];

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
      this.#sizeBytes = Number(length);
      try {
        this.#asked.accept(this.#sizeBytes);
      } catch (error) {
        this.#abort(error as Error);
        return;
      }
      if (this.#asked.isHashed && this.#sizeBytes > HASHED_AT_ONCE_BYTES_MAX) this.#hash = createHash('sha256');
    }
  }

  onData(piece: Uint8Array): void {
    if (this.#refusal !== null) {
      if (!this.#refusal.take(piece)) this.#abort(this.#refusal.tooLarge());
      return;
    }
    this.#hash?.update(piece);
    const last = this.#pieces.at(-1);
    const both = last === undefined ? null : appendTo(last, piece);
    if (both === null) this.#pieces.push(piece);
    else this.#pieces[this.#pieces.length - 1] = both;
  }

  onEnd(): void {
    if (this.#refusal !== null) {
      this.#settle({ refusal: this.#refusal.toAnswer() });
      return;
    }
    const pieces = this.#sizeBytes <= HASHED_AT_ONCE_BYTES_MAX ? [join(this.#pieces)] : this.#pieces;
    this.#settle({
      object: {
        headers: this.#headers,
        sizeBytes: this.#sizeBytes,
        sha256: this.#toSha256(pieces),
        pieces,
        release: () => pieces.splice(0).forEach(giveBack),
      },
    });
  }

  onError(error: Error): void {
    // The refusal is known by its status, also when its document broke off.
    if (this.#refusal !== null) this.#settle({ refusal: this.#refusal.toAnswer() });
    else {
      this.#pieces.splice(0).forEach(giveBack);
      this.#fail(error);
    }
  }

  #toSha256([only]: readonly Uint8Array[]): string | null {
    if (!this.#asked.isHashed) return null;
    return this.#hash?.digest('hex') ?? hash('sha256', only ?? new Uint8Array(0), 'hex');
  }

  #abort(reason: Error): void {
    this.#refusal = null;
    this.#exchange?.abort(reason);
  }
}

const join = (pieces: readonly Uint8Array[]): Uint8Array => {
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
};
