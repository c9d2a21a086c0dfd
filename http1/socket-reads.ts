/**
 * Where sockets are read into. Node otherwise makes a buffer of 64 KiB for each read, which an answer of a few hundred bytes then keeps
 * or gives back: a tenth of a small request's time. And V8 collects its whole heap for every 50 MiB or so of such buffers: a third of
 * the time of a large body.
 *
 * - Small answers are read into one buffer that all sockets share. What came in is copied out before the callback returns.
 * - While a large body comes, its socket reads into slabs of its own. A read that fills a good part of one hands it over as it is, and
 *   whoever is done with the bytes gives it back (`giveBack`), for the next read of any socket. Who does not only costs a new slab.
 * - Where the reader has memory for a large body, the body is read right into it, and nothing is copied.
 * - Sockets that a server has accepted can be read so too, from any moment on.
 */
import type { OnReadOpts, Socket } from 'node:net';

const SHARED_BYTES = 64 * 1024;
/** What a read of loopback or of a fast network fills; more made no difference. */
const SLAB_BYTES = 256 * 1024;
/** A smaller read is copied out, so that no slab is kept for a few bytes. */
export const HANDED_OVER_BYTES_MIN = SLAB_BYTES / 8;
/** Slabs that wait to be used: 8 MiB. */
const FREE_MAX = 32;

export interface SocketReader {
  /**
   * @param mayKeep the memory may be kept; else the bytes are good until it returns
   * @returns whether it was kept
   */
  take(bytes: Buffer, mayKeep: boolean): boolean;
  /** Asked after each read: whether much more is to come. */
  readonly isLarge: boolean;
  /** Asked after each read: memory of the reader's own that the next one fills, with what belongs there alone. */
  takeMemory(): Buffer | null;
}

interface Reading {
  readonly reader: SocketReader;
  /** What the socket is read into, where that is the reader's. */
  own: Buffer | null;
}

const readings = new WeakMap<Socket, Reading>();
const shared = Buffer.allocUnsafeSlow(SHARED_BYTES);
const free: Buffer[] = [];
/** Slabs that were handed over, by their memory: a view of one does not know its slab. */
const handedOver = new WeakMap<ArrayBufferLike, Buffer>();
/** What the socket whose callback has just returned is read into next. */
let next: Buffer = shared;

/** Node asks when a socket is made, and at once after each call of the callback. */
function takeNext(): Buffer {
  const buffer = next;
  next = shared;
  return buffer;
}

function onRead(this: Socket, byteCount: number, into: Uint8Array): boolean {
  const reading = readings.get(this);
  const buffer = into as Buffer;
  if (reading !== undefined && buffer === reading.own) {
    reading.reader.take(buffer.subarray(0, byteCount), true);
    chooseNext(reading, false, buffer);
    return true;
  }
  const mayKeep = buffer !== shared && byteCount >= HANDED_OVER_BYTES_MIN;
  // Before it is taken, for it may be given back at once.
  if (mayKeep) handedOver.set(buffer.buffer, buffer);
  const isKept = reading?.reader.take(buffer.subarray(0, byteCount), mayKeep) ?? false;
  // Of one that was not kept, and yet given back, somebody else may be reading into by now.
  const isBack = mayKeep && !isKept && !handedOver.delete(buffer.buffer);
  const isFree = buffer !== shared && !isKept && !isBack;
  if (reading !== undefined) chooseNext(reading, isFree, buffer);
  else if (isFree) addFree(buffer);
  return true;
}

/** Goes into the options that a socket is made with (net.connect, tls.connect). */
export const READ_OPTIONS: OnReadOpts = { buffer: takeNext, callback: onRead };

/** @param isFree `buffer` is a slab that nobody has */
function chooseNext(reading: Reading, isFree: boolean, buffer: Buffer): void {
  reading.own = reading.reader.takeMemory();
  if (reading.own !== null) next = reading.own;
  else if (reading.reader.isLarge) {
    next = isFree ? buffer : (free.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES));
    return;
  }
  if (isFree) addFree(buffer);
}

/** Sockets that were made without `READ_OPTIONS` are read as ever, into memory that is the reader's. */
export function readSocket(socket: Socket, reader: SocketReader): void {
  readings.set(socket, { reader, own: null });
  // Starts the reading too; it is never called where READ_OPTIONS hold.
  socket.on('data', (bytes: Buffer) => void reader.take(bytes, true));
}

/** What the option becomes on a socket, by the descriptions of its symbols. */
const KEPT_AS = { kBuffer: shared, kBufferGen: takeNext, kBufferCb: onRead } as const;

/**
 * The same for a socket that a server has accepted, for which Node has no such option: what the option sets is set afterwards. These are
 * names that Node keeps to itself, so each is looked for first.
 * @returns false where this Node has others: nothing was changed then
 */
export function readAcceptedSocket(socket: Socket, reader: SocketReader): boolean {
  const fields = socket as unknown as Record<symbol, unknown>;
  const { _handle: handle } = socket as { _handle?: { useUserBuffer?: (buffer: Buffer) => void } | null };
  if (typeof handle?.useUserBuffer !== 'function') return false;
  const values = new Map<symbol, unknown>();
  for (const symbol of Object.getOwnPropertySymbols(socket)) {
    const value = KEPT_AS[symbol.description as keyof typeof KEPT_AS] as unknown;
    // They are null where the option was not given.
    if (value !== undefined && fields[symbol] === null) values.set(symbol, value);
  }
  if (values.size !== Object.keys(KEPT_AS).length) return false;
  for (const [symbol, value] of values) fields[symbol] = value;
  handle.useUserBuffer(shared);
  readings.set(socket, { reader, own: null });
  return true;
}

/** Once, by whoever was told the bytes and is done with them: they change from now on. Without effect on memory of any other origin. */
export function giveBack(bytes: Uint8Array): void {
  const slab = handedOver.get(bytes.buffer);
  if (slab === undefined) return;
  handedOver.delete(bytes.buffer);
  addFree(slab);
}

/** A copy that is the reader's; of many bytes in a slab, where one is free, to be given back as one that was handed over. */
export function copyOut(bytes: Uint8Array): Buffer {
  const slab = bytes.byteLength < HANDED_OVER_BYTES_MIN ? undefined : free.pop();
  if (slab === undefined) return Buffer.from(bytes);
  slab.set(bytes);
  handedOver.set(slab.buffer, slab);
  return slab.subarray(0, bytes.byteLength);
}

function addFree(slab: Buffer): void {
  if (free.length < FREE_MAX) free.push(slab);
}
