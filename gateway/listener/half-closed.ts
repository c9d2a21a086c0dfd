/**
 * Connections whose other side sends no more. One that has closed its half and waits for its answer (`nc -N`, shutdown(SHUT_WR)) and
 * one that has left look alike until something is sent to them, and node:http takes both for gone: what was asked is done, and its
 * answer goes nowhere. Here the answer goes out, and the connection is ended where nothing of it went out between two looks.
 *
 * Over TLS the end of one half is the end of the connection, as node:tls has it.
 */
import type { Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';

/** What a request may take of a caller that has closed its half, and how long longer we work for one that has left. */
const LOOK_EVERY_MS = 2_000;

export function bearHalfClosed(server: HttpServer): void {
  // A switch of node:http that its types do not have. Without it the connection is ended on both sides at once.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on('connection', (socket: Socket) => {
    socket.once('end', () => watch(socket));
  });
}

function watch(socket: Socket): void {
  if (socket.destroyed) return;
  let takenBytes = socket.bytesWritten - socket.writableLength;
  const timer = setInterval(() => {
    const nowTakenBytes = socket.bytesWritten - socket.writableLength;
    // What waits for its reader is cut by whoever looks after readers.
    if (socket.writableLength > 0 || nowTakenBytes !== takenBytes) takenBytes = nowTakenBytes;
    else socket.destroy();
  }, LOOK_EVERY_MS);
  timer.unref();
  socket.once('close', () => clearInterval(timer));
}
