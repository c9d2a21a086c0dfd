/**
 * One kept connection: a request is written, its answer read, then the next. No request is sent behind another whose answer is still to
 * come, for a lost connection would then leave several of which nobody knows what became of them.
 *
 * A connection is used again only if the request was sent whole, the answer has ended as it should, and no byte came behind it. Where an
 * answer has no body by rule (to HEAD, 204, 304) and some server sends one all the same, it comes a moment later: after these a connection rests.
 */
import type { Socket } from 'node:net';
import { AnswerParser, type AnswerSink } from './answer-parser.ts';
import { HttpError, type AnswerHeaders } from './exchange.ts';
import type { ExchangeCarrier, PendingExchange } from './pending-exchange.ts';
import { copyOut, readSocket, type SocketReader } from './socket-reads.ts';
import { printRequestHead } from './request-head.ts';
import { RequestWriter } from './request-writer.ts';

/** A body of which more than this is to come is worth memory of its own. */
const LARGE_BYTES = 128 * 1024;
/** Less than this is copied: the handler is not asked for memory. */
const OWN_MEMORY_BYTES_MIN = 16 * 1024;
/** The end of a body that is never read into the handler's memory. */
const TAIL_BYTES = 8 * 1024;

/** An answer in chunks hands them on alone from this length on; smaller ones of one read together. */
const CHUNK_ALONE_BYTES_MIN = 4 * 1024;

export interface ConnectionOwner {
  /** It can take the next request. */
  onFree(connection: Connection): void;
  /** It can soon, if nothing comes on it. */
  onRest(connection: Connection): void;
  /** It is of no more use. */
  onGone(connection: Connection): void;
}

/** Milliseconds in which nothing moved; 0: as long as it takes. */
export interface QuietLimits {
  /** From the request's last byte, or the last byte that was taken of it, to the head of the answer. */
  readonly answerMs: number;
  /** Between two reads of the answer. */
  readonly idleMs: number;
}

export class Connection implements AnswerSink, ExchangeCarrier, SocketReader {
  readonly socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #limits: QuietLimits;
  readonly #parser = new AnswerParser(this);
  readonly #writer: RequestWriter;
  #exchange: PendingExchange | null = null;
  #answered = 0;
  #hasHead = false;
  /** The answer has no body, whatever its headers say. */
  #isBare = false;
  #isChunked = false;
  /** Of the read that is being parsed: chunks that are too small to be handed on alone. */
  #chunks: Uint8Array[] = [];
  /** Of the answer's body, where its length was said. */
  #leftBytes = 0;
  /** Of the read that is being parsed: its length, and what may be done with its memory, and was. */
  #readBytes = 0;
  #mayKeep = false;
  #isKept = false;
  /** What the handler gave for the next read to fill, and whether this one did. */
  #memory: Buffer | null = null;
  #isOwn = false;
  #isGone = false;
  #quietMs = 0;
  /** How long it may be kept without a request. */
  keepMs: number;
  #error: Error | null = null;
  #ended: 'last' | 'more' | null = null;

  constructor(socket: Socket, owner: ConnectionOwner, limits: QuietLimits, keepMs: number) {
    this.socket = socket;
    this.#owner = owner;
    this.#limits = limits;
    this.keepMs = keepMs;
    this.#writer = new RequestWriter(socket, () => (this.#quietMs = 0));
    readSocket(socket, this);
    socket.on('end', () => this.#onSocketEnd());
    socket.on('error', (error) => (this.#error = error));
    socket.on('close', () => this.fail(this.#error ?? new HttpError('HTTP_CLOSED', 'the connection was closed')));
  }

  /**
   * @returns false when the request was given up in the last moment: nothing was sent then, and the connection is as free as before
   * @throws HTTP_UNSENDABLE, HTTP_BODY_LENGTH with the same promise
   */
  send(exchange: PendingExchange): boolean {
    const { request, handler } = exchange;
    const head = printRequestHead(request);
    handler.onStart(exchange);
    if (exchange.isOver) return false;
    this.#exchange = exchange;
    exchange.connection = this;
    this.#hasHead = false;
    this.#quietMs = 0;
    this.#parser.start(request.method);
    this.#writer.write(exchange, head);
    return true;
  }

  /** Called about once in `elapsedMs`: a clock for each request would cost more than what it guards. */
  tick(elapsedMs: number): void {
    const exchange = this.#exchange;
    this.#quietMs += elapsedMs;
    if (exchange === null) {
      if (this.#quietMs >= this.keepMs) this.destroy();
      return;
    }
    if (exchange.isPaused || this.#writer.isFed) {
      this.#quietMs = 0;
      return;
    }
    const limitMs = this.#hasHead ? this.#limits.idleMs : this.#limits.answerMs;
    if (limitMs > 0 && this.#quietMs > limitMs) {
      this.fail(new HttpError('HTTP_IDLE', `nothing moved on the connection for ${String(limitMs)} ms`));
    }
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.#quietMs = 0;
    this.socket.resume();
  }

  /**
   * Ends the connection, and with it what is in flight on it. A kept connection that had served earlier requests, and was closed without
   * a byte for this one, is stale: the other side most likely never saw the request.
   */
  fail(error: Error): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    const isStale = this.#answered > 0 && !this.#parser.hasBegun && isClosed(error);
    this.destroy();
    exchange?.fail(error, isStale);
  }

  destroy(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#parser.stop();
    this.socket.destroy();
    this.#owner.onGone(this);
  }

  onHead(status: number, headers: AnswerHeaders): void {
    this.#hasHead = true;
    const hint = headers['keep-alive'];
    this.#leftBytes = Number(headers['content-length'] ?? 0);
    this.#isBare = status === 204 || status === 304 || this.#exchange?.request.method === 'HEAD';
    this.#isChunked = headers['transfer-encoding'] !== undefined;
    if (hint !== undefined) this.keepMs = Math.min(this.keepMs, toKeepMs(hint));
    this.#exchange?.handler.onHead(status, headers);
  }

  onData(chunk: Uint8Array): void {
    if (this.#isChunked && chunk.byteLength < CHUNK_ALONE_BYTES_MIN) {
      this.#chunks.push(chunk);
      return;
    }
    if (this.#chunks.length > 0) this.#handChunks();
    this.#hand(chunk);
  }

  /** One by one a body in chunks of a byte would take a hundred times its length in memory. */
  #handChunks(): void {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#hand(chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks));
  }

  #hand(chunk: Uint8Array): void {
    const handler = this.#exchange?.handler;
    if (handler === undefined) return;
    // Memory is handed on as it is where all of it is this one piece.
    this.#isKept = this.#mayKeep && chunk.byteLength === this.#readBytes;
    this.#leftBytes -= chunk.byteLength;
    const isGood = this.#isKept || this.#isOwn || handler.copiesData === true;
    handler.onData(isGood ? chunk : copyOut(chunk));
  }

  onEnd(isLast: boolean): void {
    this.#ended = isLast ? 'last' : 'more';
  }

  get isLarge(): boolean {
    return this.#exchange !== null && this.#hasHead && this.#leftBytes > LARGE_BYTES;
  }

  /**
   * The handler's own memory, for what is left of the body but its end: the last bytes are read into memory where what comes behind them
   * is seen too, for on such a connection nothing more is asked. An answer without length, or in chunks, has framing between its
   * bytes, and none.
   */
  takeMemory(): Buffer | null {
    const exchange = this.#exchange;
    const most = this.#leftBytes - TAIL_BYTES;
    if (exchange === null || !this.#hasHead || most < OWN_MEMORY_BYTES_MIN || exchange.handler.memoryFor === undefined)
      return (this.#memory = null);
    const memory = exchange.handler.memoryFor(most);
    return (this.#memory = memory === null || memory.byteLength > most ? null : memory);
  }

  take(bytes: Buffer, mayKeep: boolean): boolean {
    this.#mayKeep = mayKeep;
    this.#readBytes = bytes.byteLength;
    this.#isKept = false;
    this.#isOwn = this.#memory !== null && bytes.buffer === this.#memory.buffer;
    this.#onBytes(bytes);
    return this.#isKept;
  }

  #onBytes(bytes: Buffer): void {
    this.#quietMs = 0;
    try {
      const isClean = this.#parser.push(bytes);
      if (this.#chunks.length > 0) this.#handChunks();
      // Only now: bytes behind the answer would otherwise be read as the next one's.
      if (this.#ended !== null) this.#complete(isClean && this.#ended === 'more');
      else if (!isClean) this.destroy();
    } catch (error) {
      this.fail(error as Error);
    }
  }

  #complete(mayStay: boolean): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#ended = null;
    this.#answered += 1;
    if (exchange === null) return;
    exchange.isOver = true;
    if (exchange.isPaused) this.socket.resume();
    // The connection goes on to the next request before the handler is told, which may send one at once.
    if (mayStay && this.#writer.isSent && this.keepMs > 0 && this.socket.writable && this.socket.writableLength === 0) {
      if (this.#isBare) this.#owner.onRest(this);
      else this.#owner.onFree(this);
    } else {
      this.destroy();
    }
    exchange.handler.onEnd();
  }

  #onSocketEnd(): void {
    try {
      this.#parser.end();
      if (this.#ended === null) this.destroy();
      else this.#complete(false);
    } catch (error) {
      this.fail(error as Error);
    }
  }
}

const CLOSED: ReadonlySet<unknown> = new Set(['HTTP_CLOSED', 'ECONNRESET', 'EPIPE']);

const isClosed = (error: Error): boolean => CLOSED.has((error as { code?: unknown }).code);

/** A second less than the other side says, so that a request does not cross with its close. */
function toKeepMs(hint: string | string[]): number {
  const seconds = /(?:^|[,;\s])timeout=(\d{1,6})/i.exec(String(hint))?.[1];
  return seconds === undefined ? Number.POSITIVE_INFINITY : Math.max(0, Number(seconds) * 1000 - 1000);
}
