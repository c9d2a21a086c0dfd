/** A request that waits for a connection, or has one, as its caller and its connection see it. */
import type { AnswerHandler, Exchange, OutgoingRequest } from './exchange.ts';

/** Where requests wait for a connection. */
export interface ExchangeQueue {
  leave(exchange: PendingExchange): void;
  /** Sends it once more, over a connection that is new. */
  again(exchange: PendingExchange): void;
}

/** What carries it. */
export interface ExchangeCarrier {
  /** Reads no more until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends with it: `fail` of the exchange is called. */
  fail(reason: Error): void;
}

export class PendingExchange implements Exchange {
  readonly request: OutgoingRequest;
  readonly handler: AnswerHandler;
  connection: ExchangeCarrier | null = null;
  isOver = false;
  /** In all, for a connection. */
  waitedMs = 0;
  readonly #queue: ExchangeQueue;
  #isPaused = false;
  #mayRepeat: boolean;

  constructor(request: OutgoingRequest, handler: AnswerHandler, queue: ExchangeQueue) {
    this.request = request;
    this.handler = handler;
    this.#queue = queue;
    this.#mayRepeat = request.method === 'GET' || request.method === 'HEAD';
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): void {
    if (this.isOver) return;
    this.#isPaused = true;
    this.connection?.pause();
  }

  resume(): void {
    if (this.isOver || !this.#isPaused) return;
    this.#isPaused = false;
    this.connection?.resume();
  }

  abort(reason: Error): void {
    if (this.isOver) return;
    this.#mayRepeat = false;
    if (this.connection !== null) {
      this.connection.fail(reason);
      return;
    }
    // With its body, which nobody else holds by then.
    this.#queue.leave(this);
    this.fail(reason);
  }

  /** @param isStale see `Connection.fail`: what reads is sent once more then; of a write nobody knows whether the other side saw it */
  fail(error: Error, isStale = false): void {
    if (this.isOver) return;
    if (isStale && this.#mayRepeat) {
      this.#mayRepeat = false;
      this.#isPaused = false;
      this.connection = null;
      this.#queue.again(this);
      return;
    }
    this.isOver = true;
    this.handler.onError(error);
  }
}
