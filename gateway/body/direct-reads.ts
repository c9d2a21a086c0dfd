/**
 * The bytes of a large body, past node:http. It makes a new buffer for each 64 KiB that its parser meets in a body, and V8 collects its
 * whole heap for each 50 MiB or so of them: a third of what such a body cost. Here the socket is read into slabs that come back
 * (http1/socket-reads.ts), and nothing is copied.
 *
 * - node:http's parser sees every byte all the same, before anything else is read: where a body ends is its word alone. It only has
 *   nobody to tell of a body's bytes meanwhile. Where it and the length in the head are not of one mind, the connection is cut.
 * - All else stays node:http's own: heads, ends, errors, time limits, the requests that follow.
 * - It takes names that Node keeps to itself. Where one is missing, and over TLS, whose reads are 16 KiB each, bodies come as ever.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { copyOut, readAcceptedSocket, type SocketReader } from '../../http1/socket-reads.ts';

/** Less than this is left as it is. */
export const LEFT_BYTES_MIN = 128 * 1024;
/** A read of less is a slow caller's, for whom no slab is kept waiting. */
const FAST_READ_BYTES = 32 * 1024;

/** @returns whether the memory is kept: it is given back then (`giveBack`), or lost */
type Take = (bytes: Uint8Array) => boolean;

export interface DirectReads {
  pause(): void;
  resume(): void;
  /** What still comes goes the ordinary way. */
  leave(): void;
}

interface Parser {
  readonly constructor: { readonly kOnBody?: unknown };
  incoming: unknown;
  [slot: number]: unknown;
}

/** A connection that was read past node:http once stays so. */
const connections = new WeakMap<Socket, Connection>();

/**
 * To be called when all that came of the body was taken, and not from within the parser.
 * @param leftBytes of the body, which has a length and no framing
 * @returns null where it cannot be done: the body comes as ever
 */
export function readDirectly(request: IncomingMessage, leftBytes: number, take: Take): DirectReads | null {
  const { socket } = request;
  if (leftBytes < LEFT_BYTES_MIN || request.readableLength > 0 || request.complete || socket.destroyed) return null;
  if (request.headers['transfer-encoding'] !== undefined || 'encrypted' in socket) return null;
  const connection = connections.get(socket) ?? adopt(socket);
  return connection?.start(request, leftBytes, take) ?? null;
}

function adopt(socket: Socket): Connection | null {
  const { parser } = socket as { parser?: Parser | null };
  const slot = parser?.constructor.kOnBody;
  if (parser === null || parser === undefined || typeof slot !== 'number') return null;
  if (typeof parser[slot] !== 'function') return null;
  const connection = new Connection(socket, parser, slot);
  if (!readAcceptedSocket(socket, connection)) return null;
  connections.set(socket, connection);
  // Has node:http's parser let go of the socket, and listen to what we tell of it.
  socket.on('data', () => undefined);
  return connection;
}

class Connection implements SocketReader, DirectReads {
  readonly #socket: Socket;
  readonly #parser: Parser;
  readonly #slot: number;
  #request: IncomingMessage | null = null;
  #take: Take | null = null;
  #leftBytes = 0;
  #isFast = false;

  constructor(socket: Socket, parser: Parser, slot: number) {
    this.#socket = socket;
    this.#parser = parser;
    this.#slot = slot;
  }

  start(request: IncomingMessage, leftBytes: number, take: Take): DirectReads | null {
    const { _paused: isHeld } = this.#socket as { _paused?: boolean };
    if (this.#parser.incoming !== request || isHeld !== false) return null;
    this.#request = request;
    this.#take = take;
    this.#leftBytes = leftBytes;
    if (request.isPaused()) this.pause();
    else this.resume();
    return this;
  }

  pause(): void {
    if (this.#take !== null) this.#socket.pause();
  }

  resume(): void {
    if (this.#take !== null) this.#socket.resume();
  }

  leave(): void {
    if (this.#take === null) return;
    this.#take = null;
    this.#request = null;
    this.#socket.resume();
  }

  get isLarge(): boolean {
    if (!this.#isFast) return false;
    return this.#take === null ? this.#isAnnounced() : this.#leftBytes >= FAST_READ_BYTES;
  }

  /** The head of a large body has come: it is asked for before the next read, most likely. */
  #isAnnounced(): boolean {
    const incoming = this.#parser.incoming as IncomingMessage | null;
    if (incoming?.socket !== this.#socket || incoming.complete) return false;
    return Number(incoming.headers['content-length'] ?? 0) >= LEFT_BYTES_MIN;
  }

  takeMemory(): null {
    return null;
  }

  take(bytes: Buffer, mayKeep: boolean): boolean {
    this.#isFast = bytes.byteLength >= FAST_READ_BYTES;
    const request = this.#request;
    const take = this.#take;
    if (request === null || take === null) {
      this.#socket.emit('data', bytes);
      return false;
    }
    const isAll = bytes.byteLength <= this.#leftBytes;
    const ofBody = isAll ? bytes : bytes.subarray(0, this.#leftBytes);
    this.#leftBytes -= ofBody.byteLength;
    const isEnd = this.#leftBytes === 0;
    if (isEnd) this.#take = this.#request = null;
    const keeps = mayKeep && isAll;
    const isKept = take(keeps ? ofBody : copyOut(ofBody));
    this.#skip(ofBody);
    if (request.complete !== isEnd) this.#socket.destroy(new Error('the parser and the length of a body differ'));
    else if (!isAll) this.#socket.emit('data', bytes.subarray(ofBody.byteLength));
    return keeps && isKept;
  }

  /** Shows the parser bytes of a body, of which it tells nobody. */
  #skip(bytes: Buffer): void {
    const tell = this.#parser[this.#slot];
    this.#parser[this.#slot] = null;
    try {
      this.#socket.emit('data', bytes);
    } finally {
      this.#parser[this.#slot] = tell;
    }
  }
}
