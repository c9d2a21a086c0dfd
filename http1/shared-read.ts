/**
 * One buffer that all sockets are read into. Node otherwise makes a buffer of 64 KiB for each read, which an answer of a few hundred
 * bytes then keeps or gives back; that was a tenth of a small request's time. What is read has been taken out of the buffer when the
 * callback returns, so sockets cannot meet in it.
 */
import type { OnReadOpts, Socket } from 'node:net';

const READ_BYTES = 64 * 1024;

type Reader = (bytes: Buffer) => void;

const readers = new WeakMap<Socket, Reader>();
const shared = Buffer.allocUnsafeSlow(READ_BYTES);

/** Goes into the options that a socket is made with (net.connect, tls.connect, undici's buildConnector). */
export const SHARED_READ: OnReadOpts = {
  buffer: shared,
  callback(this: Socket, bytes: number): boolean {
    readers.get(this)?.(shared.subarray(0, bytes));
    return true;
  },
};

/** @param take gets views that are good until it returns. Sockets that were made otherwise are read as ever, and its views are its own. */
export function readSocket(socket: Socket, take: Reader): void {
  readers.set(socket, take);
  // Starts the reading too; it is never called for a socket of the shared buffer.
  socket.on('data', take);
}
