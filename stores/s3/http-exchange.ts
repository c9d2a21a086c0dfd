/**
 * One request and its answer, without a stream object for either (docs/decisions/s3-client.md).
 *
 * - It settles once. A request that was sent is reported once, whatever came of it; one that never left is not reported.
 * - An answer is collected whole, but for an object above 1 MiB, which is handed on as a queue while it arrives.
 * - The request limit runs from the start to the answer's last byte. A streamed body has an idle limit as well, which stands still
 *   while the reader, not the store, is the slow side.
 * - An aborted request fails with the signal's own reason, at once, also while it waits for a connection.
 */
import { WaybillError, isWaybillError } from '../../core/failures.ts';
import type { FailureDetails } from '../../core/failures.ts';
import { KiB, MiB } from '../../core/limits.ts';
import type { AnswerHandler, AnswerHeaders, Exchange } from '../../http1/exchange.ts';
import { refused } from '../rules/refusals.ts';
import { abortListenersOf } from './abort-listeners.ts';
import { JoinedBytes, LentBytes, ObjectBytes, type AnswerBytes, type WholeAnswer } from './answer-bytes.ts';
import { BodyQueue } from './body-queue.ts';
import type { ReadInto } from '../store.ts';
import { isEarlyEnd, toTransportFailure } from './transport-failure.ts';

/** Objects up to this size come as one piece of memory. */
const WHOLE_BYTES_MAX = MiB;
/** An answer that is no object: a full listing page, every key 1,024 bytes and every byte escaped, has 6 MB. */
const ANSWER_BYTES_MAX = 32 * MiB;
/** One read of a socket into given memory: what is hashed behind it is still in the processor's cache. */
const READ_BYTES_MAX = 256 * KiB;

export interface HttpAnswer extends WholeAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** `body` is empty then. */
  readonly stream: AsyncIterable<Uint8Array> | null;
}

export interface ExchangeReport {
  /** 0 when there was no answer. */
  readonly status: number;
  readonly bytesReceived: number;
}

export interface ExchangeOptions {
  readonly requestLimitMs: number;
  readonly idleLimitMs: number;
  /** A successful answer is an object: it may be streamed. */
  readonly isObject: boolean;
  /** What an object of this length is read into, instead of being streamed. */
  readonly into?: ReadInto | undefined;
  /** A successful answer that is no object comes in lent memory. */
  readonly isLent?: boolean | undefined;
  /** Of a failure. */
  readonly details: () => FailureDetails;
  readonly signal: AbortSignal | undefined;
  readonly onReport: (report: ExchangeReport) => void;
  /** Of `performance.now()`: not begun by then, it is given up unsent. */
  readonly beginBeforeMs?: number | undefined;
  /** Told of that, before the failure. */
  readonly onLate?: () => void;
  /** Asked in the moment before it is sent: what it throws keeps it back, and is its failure. */
  readonly assertMayBegin?: (() => void) | undefined;
}

export class HttpExchange implements AnswerHandler {
  readonly answer: Promise<HttpAnswer>;
  readonly #options: ExchangeOptions;
  readonly #limitTimer: NodeJS.Timeout;
  readonly #createdAt = performance.now();
  #idleTimer: NodeJS.Timeout | undefined;
  #abortPlace = -1;
  #resolve!: (answer: HttpAnswer) => void;
  #reject!: (error: Error) => void;
  #exchange: Exchange | undefined;
  #finished = false;
  #status = 0;
  #headers: AnswerHeaders = {};
  #bytesReceived = 0;
  /** From the head of the answer on there is one of the two. */
  #bytes: AnswerBytes | undefined;
  #queue: BodyQueue | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#limitTimer = setTimeout(this.#onLimit, options.requestLimitMs, options.requestLimitMs);
    if (options.signal !== undefined) this.#abortPlace = abortListenersOf(options.signal).add(this.#onAbort);
    if (options.signal?.aborted === true) this.#onAbort();
  }

  onStart(exchange: Exchange): void {
    // A process that was stopped while the request waited for a connection gets here before its timer: too late is too late.
    const nowMs = performance.now();
    if (nowMs - this.#createdAt > this.#options.requestLimitMs) this.#onLimit(this.#options.requestLimitMs);
    else if (nowMs > (this.#options.beginBeforeMs ?? Infinity)) this.#onTooLate();
    else if (this.#options.assertMayBegin !== undefined) this.#askWhetherToBegin(this.#options.assertMayBegin);
    if (this.#finished) exchange.abort(new Error('the request is no longer wanted'));
    else this.#exchange = exchange;
  }

  onHead(status: number, headers: AnswerHeaders): void {
    if (this.#finished) return;
    this.#status = status;
    this.#headers = headers;
    const lengthBytes = toLength(headers['content-length']);
    if (!this.#isObject()) {
      const isSane = lengthBytes === undefined || lengthBytes <= ANSWER_BYTES_MAX;
      const isLent = this.#options.isLent === true && status === 200 && isSane;
      this.#bytes = isLent ? new LentBytes(lengthBytes ?? 0) : new JoinedBytes();
    } else if (lengthBytes === undefined) {
      this.#cancel(
        refused('MissingContentLength', status, 'the store sent an object without its length', this.#options.details()),
      );
    } else if (this.#options.into?.memory.byteLength === lengthBytes) {
      this.#bytes = new ObjectBytes(lengthBytes, this.#options.into);
    } else if (lengthBytes > WHOLE_BYTES_MAX) {
      this.#queue = this.#createQueue();
      this.#startIdleTimer();
      this.#resolve({ status, headers, body: new Uint8Array(0), stream: this.#queue });
    } else {
      this.#bytes = new ObjectBytes(lengthBytes);
    }
  }

  onData(chunk: Uint8Array): void {
    if (this.#finished) return;
    const at = this.#bytesReceived;
    this.#bytesReceived += chunk.byteLength;
    if (this.#queue !== undefined) {
      this.#idleTimer?.refresh();
      this.#queue.push(chunk);
    } else if (this.#bytesReceived > ANSWER_BYTES_MAX && !this.#isObject()) {
      this.#cancel(new WaybillError('store_error', 'the answer of the store is too large', this.#detailsNow()));
    } else {
      this.#bytes?.take(chunk, at);
    }
  }

  onEnd(): void {
    if (this.#finished) return;
    this.#finish();
    if (this.#queue !== undefined) {
      this.#queue.end();
      return;
    }
    const whole = this.#bytes?.finish() ?? { body: new Uint8Array(0) };
    this.#resolve({ status: this.#status, headers: this.#headers, stream: null, ...whole });
  }

  /** Given and lent memory is read into by the socket itself. */
  memoryFor(bytesMax: number): Buffer | null {
    const memory = this.#bytes?.memory;
    if (this.#finished || memory === undefined) return null;
    return Buffer.from(
      memory.buffer,
      memory.byteOffset + this.#bytesReceived,
      Math.min(bytesMax, memory.byteLength - this.#bytesReceived, READ_BYTES_MAX),
    );
  }

  get copiesData(): boolean {
    return this.#bytes?.memory !== undefined;
  }

  onError(error: Error): void {
    this.#fail(error);
  }

  readonly #onLimit = (limitMs: number): void => {
    const details = { ...this.#detailsNow(), limitMs };
    this.#cancel(new WaybillError('store_timeout', 'the store did not answer within the limit', details));
  };

  #onTooLate(): void {
    this.#options.onLate?.();
    this.#cancel(
      new WaybillError('store_timeout', 'the request waited until its signature was too old', this.#detailsNow()),
    );
  }

  #askWhetherToBegin(assertMayBegin: () => void): void {
    try {
      assertMayBegin();
    } catch (error) {
      this.#cancel(error as Error);
    }
  }

  readonly #onAbort = (): void => this.#cancel(this.#options.signal?.reason as Error);

  #createQueue(): BodyQueue {
    return new BodyQueue({
      pause: () => {
        clearTimeout(this.#idleTimer);
        this.#idleTimer = undefined;
        this.#exchange?.pause();
      },
      resume: () => {
        if (this.#finished) return;
        this.#startIdleTimer();
        this.#exchange?.resume();
      },
      abandon: () => this.#cancel(new Error('the reader of the body left')),
    });
  }

  #startIdleTimer(): void {
    this.#idleTimer = setTimeout(this.#onLimit, this.#options.idleLimitMs, this.#options.idleLimitMs);
  }

  #cancel(reason: Error): void {
    if (this.#finished) return;
    this.#settleFailed(reason);
    this.#exchange?.abort(reason instanceof Error ? reason : new Error('aborted'));
  }

  #fail(error: Error): void {
    if (this.#finished) return;
    this.#settleFailed(isWaybillError(error) || error.name === 'AbortError' ? error : this.#classify(error));
  }

  #classify(error: Error): WaybillError {
    if (this.#status !== 0 && isEarlyEnd(error)) {
      const details = { ...this.#detailsNow(), bytesReceived: this.#bytesReceived };
      return new WaybillError('body_corrupt', 'the answer ended early', details, { cause: error });
    }
    return toTransportFailure(error, this.#detailsNow());
  }

  #settleFailed(error: Error): void {
    this.#finish();
    this.#bytes = undefined;
    if (this.#queue === undefined) this.#reject(error);
    else this.#queue.fail(error);
  }

  #finish(): void {
    this.#finished = true;
    clearTimeout(this.#limitTimer);
    clearTimeout(this.#idleTimer);
    const { signal } = this.#options;
    if (signal !== undefined) abortListenersOf(signal).leave(this.#abortPlace, this.#onAbort);
    const bytesReceived = this.#isObject() ? this.#bytesReceived : 0;
    if (this.#exchange !== undefined) this.#options.onReport({ status: this.#status, bytesReceived });
  }

  #isObject(): boolean {
    return this.#options.isObject && (this.#status === 200 || this.#status === 206);
  }

  #detailsNow(): FailureDetails {
    const details = this.#options.details();
    return this.#status === 0 ? details : { ...details, status: this.#status };
  }
}

/** A whole number of bytes, or undefined for anything else. */
export function toLength(value: string | string[] | undefined): number | undefined {
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}
