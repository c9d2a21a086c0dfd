/** An answer that is read here and not passed on: a refusal above all. */
import { WaybillError } from '../../core/failures.ts';
import { KiB } from '../../core/limits.ts';
import type { AnswerHeaders } from '../../http1/exchange.ts';
import type { ProviderAnswer } from './provider-failure.ts';

/** S3's error documents have about 1 KiB, those of SignatureDoesNotMatch up to 20. */
const COLLECTED_BYTES_MAX = 64 * KiB;

export class CollectedAnswer {
  readonly #status: number;
  readonly #headers: AnswerHeaders;
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(status: number, headers: AnswerHeaders) {
    this.#status = status;
    this.#headers = headers;
  }

  /** @returns false once it is too large; it is kept up to there */
  take(piece: Uint8Array): boolean {
    this.#pieces.push(piece);
    this.#bytes += piece.byteLength;
    return this.#bytes <= COLLECTED_BYTES_MAX;
  }

  tooLarge(): WaybillError {
    return new WaybillError('store_error', 'the answer of the store is too large', { status: this.#status });
  }

  toAnswer(): ProviderAnswer {
    return {
      status: this.#status,
      headers: this.#headers,
      body: Buffer.concat(this.#pieces).subarray(0, COLLECTED_BYTES_MAX),
    };
  }
}
