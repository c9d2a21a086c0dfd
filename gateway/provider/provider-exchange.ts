/**
 * One request to a provider and its answer. A success is passed on to the caller's response as it comes; anything else is collected
 * up to a limit, for `provider-failure.ts` to read.
 *
 * - Bytes move only as fast as the slower side takes them, both ways.
 * - An answer that breaks off destroys the caller's connection: a truncated body never ends cleanly. An answer whose end cannot
 *   be told from a lost connection, since it says no length and is not chunked, is not passed on at all.
 * - A success that comes before the whole body was verified and sent is not one.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { WaybillError } from '../../core/failures.ts';
import type { AnswerHandler, AnswerHeaders, Exchange } from '../../http1/exchange.ts';
import { giveBack, HANDED_OVER_BYTES_MIN } from '../../http1/socket-reads.ts';
import { refuse } from '../answer/s3-error.ts';
import { toAnswerList } from './answer-headers.ts';
import { CollectedAnswer } from './collected-answer.ts';
import type { ProviderAnswer } from './provider-failure.ts';
import type { OutboundRequest } from './sign-outbound.ts';

/** Told of white space in a success that is collected: the provider's sign that it is still at work. */
export type OnBlank = (status: number, headers: IncomingHttpHeaders) => void;

export class ProviderExchange implements AnswerHandler {
  readonly #outbound: OutboundRequest;
  readonly #response: ServerResponse | null;
  readonly #onBlank: OnBlank | null;
  readonly #settle: (result: ProviderAnswer | null) => void;
  readonly #fail: (error: Error) => void;
  #exchange: Exchange | null = null;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  /** Of the answer's body; NaN where no length was said. */
  #leftBytes = Number.NaN;
  /** For the caller to take what was written. */
  #isWaiting = false;
  #collected: CollectedAnswer | null = null;

  /**
   * @param response null: the answer is collected, whatever it is
   * @param onBlank for an answer that is collected
   * @param settle gets the collected answer, or null when it was passed on whole
   * @param fail gets what went wrong; when the answer had begun, the response is destroyed by then
   */
  constructor(
    outbound: OutboundRequest,
    response: ServerResponse | null,
    onBlank: OnBlank | null,
    settle: (result: ProviderAnswer | null) => void,
    fail: (error: Error) => void,
  ) {
    this.#outbound = outbound;
    this.#response = response;
    this.#onBlank = onBlank;
    this.#settle = settle;
    this.#fail = fail;
  }

  onStart(exchange: Exchange): void {
    this.#exchange = exchange;
    const { beginBeforeMs } = this.#outbound;
    if (beginBeforeMs !== undefined && performance.now() > beginBeforeMs) this.#abort(refuse('RequestTimeout'));
  }

  onHead(status: number, headers: AnswerHeaders): void {
    this.#status = status;
    this.#headers = headers;
    const isSuccess = status < 300 || status === 304;
    if (isSuccess && !this.#isBodySent()) {
      this.#abort(new WaybillError('store_error', 'the store answered before it had the whole body', { status }));
    } else if (!isSuccess || this.#response === null) {
      this.#collected = new CollectedAnswer(status, headers);
    } else if (!this.#endIsKnown()) {
      this.#abort(new WaybillError('store_error', 'the answer of the store does not say where it ends', { status }));
    } else {
      this.#leftBytes = Number(headers['content-length'] ?? Number.NaN);
      this.#response.writeHead(status, toAnswerList(status, this.#headers));
    }
  }

  onData(chunk: Uint8Array): void {
    if (this.#collected !== null) {
      if (!this.#collected.take(chunk)) this.#abort(this.#collected.tooLarge());
      if (this.#onBlank !== null && this.#status < 300 && isBlank(chunk)) this.#onBlank(this.#status, this.#headers);
      return;
    }
    const response = this.#response;
    if (response === null) return;
    this.#leftBytes -= chunk.byteLength;
    // The last bytes go with the end, in one write.
    if (this.#leftBytes === 0) {
      // Less is never memory that goes back.
      if (chunk.byteLength < HANDED_OVER_BYTES_MIN) response.end(chunk);
      else response.end(chunk, () => giveBack(chunk));
    } else if (!response.write(chunk, () => giveBack(chunk))) {
      // Many small pieces of one read may each be refused.
      if (!this.#isWaiting) response.once('drain', this.#resume);
      this.#isWaiting = true;
      this.#exchange?.pause();
    }
  }

  onEnd(): void {
    if (this.#collected !== null) this.#settle(this.#collected.toAnswer());
    else {
      if (this.#response?.writableEnded === false) this.#response.end();
      this.#settle(null);
    }
  }

  onError(error: Error): void {
    if (this.#collected !== null && this.#status >= 300) {
      // The refusal is known by its status, also when its document broke off.
      this.#settle(this.#collected.toAnswer());
      return;
    }
    if (this.#response?.headersSent === true) this.#response.destroy();
    this.#fail(error);
  }

  readonly #resume = (): void => {
    this.#isWaiting = false;
    this.#exchange?.resume();
  };

  #abort(reason: Error): void {
    this.#exchange?.abort(reason);
  }

  #isBodySent(): boolean {
    const { body } = this.#outbound;
    return body === null || body instanceof Uint8Array || body.isVerified;
  }

  #endIsKnown(): boolean {
    if (this.#outbound.method === 'HEAD' || this.#status === 204 || this.#status === 304) return true;
    return this.#headers['content-length'] !== undefined || this.#headers['transfer-encoding'] !== undefined;
  }
}

const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

const isBlank = (chunk: Uint8Array): boolean => chunk.every((byte) => BLANKS.has(byte));
