/** Writes requests to one connection, each when the one before it has its answer. */
import type { Socket } from 'node:net';
import { HttpError } from './exchange.ts';
import type { PendingExchange } from './pending-exchange.ts';
import type { RequestHead } from './request-head.ts';

/** Head and body up to this size leave as one write, from memory that the connection keeps. */
const SCRATCH_BYTES = 8 * 1024;
/** A body of more than that goes in pieces, so that it is seen whether it moves; parts, the usual large bodies, have no more. */
const WHOLE_BYTES_MAX = 8 * 1024 * 1024;
const PIECE_BYTES = 1024 * 1024;

export class RequestWriter {
  /** All of the request has gone to the socket. */
  isSent = true;
  /** The request's body is what we wait for, not the other side. */
  isFed = false;
  readonly #socket: Socket;
  readonly #onMoved: () => void;
  #scratch: Buffer | null = null;

  /** @param onMoved a piece of a streamed body came, or was taken */
  constructor(socket: Socket, onMoved: () => void) {
    this.#socket = socket;
    this.#onMoved = onMoved;
  }

  write(exchange: PendingExchange, head: RequestHead): void {
    const { body } = exchange.request;
    this.isSent = true;
    this.isFed = false;
    if (body === null || head.bodyBytes === 0) {
      this.#socket.write(head.text, 'latin1');
    } else if (body instanceof Uint8Array && body.byteLength <= WHOLE_BYTES_MAX) {
      this.#writeWhole(head.text, body);
    } else {
      this.isSent = false;
      this.#socket.write(head.text, 'latin1');
      void this.#writeStream(exchange, head, body instanceof Uint8Array ? toPieces(body) : body);
    }
  }

  #writeWhole(head: string, body: Uint8Array): void {
    const headBytes = head.length;
    const allBytes = headBytes + body.byteLength;
    if (allBytes > SCRATCH_BYTES) {
      this.#socket.cork();
      this.#socket.write(head, 'latin1');
      this.#socket.write(body);
      this.#socket.uncork();
      return;
    }
    // The earlier request was sent whole and answered, so nothing of it waits in this memory.
    const scratch = (this.#scratch ??= Buffer.allocUnsafeSlow(SCRATCH_BYTES));
    scratch.write(head, 'latin1');
    scratch.set(body, headBytes);
    this.#socket.write(scratch.subarray(0, allBytes));
  }

  /** Never rejects: what the body fails with becomes the exchange's failure. */
  async #writeStream(
    exchange: PendingExchange,
    head: RequestHead,
    body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void> {
    let sentBytes = 0;
    const { onSent } = exchange.request;
    try {
      this.isFed = true;
      for await (const chunk of body) {
        // The answer came early, or the request was given up: leaving the loop tells the body.
        if (exchange.isOver) return;
        this.isFed = false;
        sentBytes += chunk.byteLength;
        if (sentBytes > head.bodyBytes) throw wrongLength();
        this.#onMoved();
        this.isSent = sentBytes === head.bodyBytes;
        const isDrained = this.#socket.write(chunk, (error) => {
          if (!error) onSent?.(chunk);
        });
        if (!isDrained) await this.#drained();
        if (exchange.isOver) return;
        this.#onMoved();
        this.isFed = true;
      }
      if (sentBytes !== head.bodyBytes) throw wrongLength();
    } catch (error) {
      exchange.abort(error instanceof Error ? error : new Error('the body failed', { cause: error }));
    }
    // The connection may be at its next request by then, where the answer came before the body had ended.
    if (exchange.isOver) return;
    this.isFed = false;
    this.#onMoved();
  }

  #drained(): Promise<void> {
    const socket = this.#socket;
    return new Promise((resolve) => {
      const done = (): void => {
        socket.off('drain', done);
        socket.off('close', done);
        resolve();
      };
      if (socket.destroyed) resolve();
      else socket.on('drain', done).on('close', done);
    });
  }
}

const wrongLength = (): HttpError =>
  new HttpError('HTTP_BODY_LENGTH', 'the body does not have the length that its head promises');

function* toPieces(body: Uint8Array): Generator<Uint8Array, void, void> {
  for (let at = 0; at < body.byteLength; at += PIECE_BYTES) yield body.subarray(at, at + PIECE_BYTES);
}
