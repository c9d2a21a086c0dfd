/** One request and its answer: what the caller gives, what it is told, and what it can do meanwhile. */

/** Names in lower case. A name that came more than once has a list, in the order of the lines. */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

export interface OutgoingRequest {
  /** `http://HOST[:PORT]` or `https://HOST[:PORT]` */
  readonly origin: string;
  readonly method: string;
  /** Path and query as they go over the wire. */
  readonly target: string;
  /** Names and values in turn, as they go over the wire, `host` among them; with a streamed body `content-length` too. */
  readonly headers: readonly string[];
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | null;
  /** Told of each piece of a streamed body once it has left for good, and its memory is read no more. */
  readonly onSent?: (piece: Uint8Array) => void;
}

export interface AnswerHandler {
  /**
   * The request has a connection and is written next: from here on the other side may have seen it. Twice for a GET or HEAD that met a
   * connection which the other side had closed.
   */
  onStart(exchange: Exchange): void;
  /** The final head; interim ones (1xx) are read over. */
  onHead(status: number, headers: AnswerHeaders): void;
  /**
   * Memory that the next bytes of the body are read into, if there is any: `onData` is then told of it, as far as it was filled. Asked
   * only while more than that of a body is to come whose length was said.
   * @param bytesMax more than this is not taken
   */
  memoryFor?(bytesMax: number): Buffer | null;
  /** Bytes of the body, framing taken off. They are the handler's to keep; `giveBack` (socket-reads.ts) spares memory, and is never owed. */
  onData(chunk: Uint8Array): void;
  /** Looked at before `onData`: true where it copies what it is told at once, so that nobody else needs to; the bytes change when it returns. */
  readonly copiesData?: boolean;
  onEnd(): void;
  /** Instead of `onEnd`. */
  onError(error: Error): void;
}

/** What a caller holds of a request that it has handed over. */
export interface Exchange {
  /** No more bytes are read until `resume`; meanwhile no time limit runs. */
  pause(): void;
  resume(): void;
  /** Gives the request up: `onError` gets the reason, now. Without effect once it has ended. */
  abort(reason: Error): void;
}

export type HttpErrorCode =
  /** The other side closed the connection before its answer was whole. */
  | 'HTTP_CLOSED'
  /** It closed within a body whose length it had promised. */
  | 'HTTP_TRUNCATED'
  | 'HTTP_MALFORMED'
  | 'HTTP_HEAD_TOO_LARGE'
  /** The request's body is not as long as its content-length says. */
  | 'HTTP_BODY_LENGTH'
  /** A method, target or header that no request can carry. */
  | 'HTTP_UNSENDABLE'
  /** Nothing came, or nothing was taken, for longer than the limit. */
  | 'HTTP_IDLE'
  /** No connection came free within the limit; nothing was sent. */
  | 'HTTP_QUEUE'
  /** The client was closed. */
  | 'HTTP_CLIENT_CLOSED';

export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly code: HttpErrorCode;

  constructor(code: HttpErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
