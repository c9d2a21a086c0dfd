/**
 * The connections of a listener: how many there are, from where, and whether they move.
 *
 * node:http cuts a request whose head or body takes too long as a whole. It does not cut a reader that takes nothing of its answer
 * (`server.timeout` counts what is queued as activity), nor a body that comes to a halt within its limit, nor a client that keeps its
 * half of a closed connection open. So every open connection is looked at a few times within the idle limit, and cut when what it
 * waits for has not moved since. Written is what the kernel has taken, and it takes more only when a good part of
 * its buffer is free again: seen on loopback, about 2 MB. So much, or 35 KB/s, is what a reader must take within the 60 s of the
 * default; on slow lines the kernel's buffers are smaller, and so is that. While nothing is asked of the other side (the store is slow, or we read no further),
 * nothing is held against it. Time is counted in looks: a process that stood still (starved, suspended) has read nothing either, and
 * what came meanwhile is read before it looks again.
 */
import type { Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import type { BlockList } from 'node:net';
import { containsAddress, toPlainAddress } from '../../config/network.ts';
import type { SocketError } from './answer-bad-http.ts';
import { currentResponse } from './current-response.ts';

export interface ConnectionGuardOptions {
  readonly idleLimitMs: number;
  readonly connectionsPerAddressMax: number;
  /** Their connections are many callers', and not counted. */
  readonly trustedProxies: BlockList;
  /** Answers what is too slow, and closes. */
  readonly answerBadHttp: (error: SocketError, socket: Socket) => void;
  /** Milliseconds of a clock that is never set back. Default: what passed between the looks, were they all in time. */
  readonly clock?: () => number;
}

export interface ConnectionCounts {
  readonly open: number;
  /** Closed at once, for there were too many. */
  readonly dropped: number;
  /** Cut since nothing moved. */
  readonly stalled: number;
}

export interface ConnectionGuard {
  counts(): ConnectionCounts;
  /** Looks at every connection now; it is done by a timer otherwise. */
  look(): void;
  stop(): void;
}

interface Progress {
  bytesRead: number;
  bytesWritten: number;
  readAtMs: number;
  writtenAtMs: number;
}

/** How often within the idle limit a connection is looked at; so late it may be cut, at most. */
const LOOKS_PER_LIMIT = 4;
const LOOK_EVERY_MS_MAX = 5_000;
const LOOK_EVERY_MS_MIN = 20;

export function guardConnections(server: HttpServer, options: ConnectionGuardOptions): ConnectionGuard {
  const { idleLimitMs, connectionsPerAddressMax, trustedProxies } = options;
  const byAddress = new Map<string, number>();
  const moving = new Map<Socket, Progress>();
  const everyMs = Math.min(LOOK_EVERY_MS_MAX, Math.max(LOOK_EVERY_MS_MIN, idleLimitMs / LOOKS_PER_LIMIT));
  let lookedMs = 0;
  const clock = options.clock ?? (() => lookedMs);
  let open = 0;
  let dropped = 0;
  let stalled = 0;

  server.on('drop', () => (dropped += 1));
  server.on('connection', (socket: Socket) => {
    const address = toPlainAddress(socket.remoteAddress ?? '');
    const isCounted = !containsAddress(trustedProxies, address);
    const before = byAddress.get(address) ?? 0;
    if (isCounted && before >= connectionsPerAddressMax) {
      dropped += 1;
      socket.destroy();
      return;
    }
    open += 1;
    if (isCounted) byAddress.set(address, before + 1);
    socket.once('close', () => {
      open -= 1;
      if (!isCounted) return;
      const left = (byAddress.get(address) ?? 1) - 1;
      if (left > 0) byAddress.set(address, left);
      else byAddress.delete(address);
    });
  });
  // Over TLS the connection that requests come on is another object than the one below it.
  const isTls = 'setSecureContext' in server;
  server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
    if (socket.destroyed) return;
    const nowMs = clock();
    moving.set(socket, { bytesRead: 0, bytesWritten: 0, readAtMs: nowMs, writtenAtMs: nowMs });
    socket.once('close', () => moving.delete(socket));
  });

  const look = (): void => {
    const nowMs = clock();
    for (const [socket, progress] of moving) {
      const bytesWritten = socket.bytesWritten - socket.writableLength;
      if (bytesWritten !== progress.bytesWritten || !waitsForReader(socket)) {
        progress.bytesWritten = bytesWritten;
        progress.writtenAtMs = nowMs;
      } else if (nowMs - progress.writtenAtMs >= idleLimitMs) {
        stalled += 1;
        cutReader(socket);
        continue;
      }
      if (socket.bytesRead !== progress.bytesRead || !waitsForBody(socket)) {
        progress.bytesRead = socket.bytesRead;
        progress.readAtMs = nowMs;
      } else if (nowMs - progress.readAtMs >= idleLimitMs) {
        stalled += 1;
        progress.readAtMs = nowMs;
        const error = Object.assign(new Error('the body stalled'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
        options.answerBadHttp(error, socket);
      }
    }
  };
  const timer = setInterval(() => {
    lookedMs += everyMs;
    look();
  }, everyMs);
  timer.unref();

  return { counts: () => ({ open, dropped, stalled }), look, stop: () => clearInterval(timer) };
}

/** Something is on its way to the other side, be it only the end of the connection. */
function waitsForReader(socket: Socket): boolean {
  return socket.writableLength > 0 || socket.writableEnded;
}

/** We ask for the rest of a body. */
function waitsForBody(socket: Socket): boolean {
  const response = currentResponse(socket);
  return (
    response !== null && !response.writableFinished && !response.req.complete && response.req.readableFlowing === true
  );
}

function cutReader(socket: Socket): void {
  const exchange = currentResponse(socket)?.exchange;
  if (exchange !== null && exchange !== undefined && exchange.code === '') {
    exchange.code = 'RequestTimeout';
    exchange.reason = 'The answer was not read within the timeout period.';
  }
  socket.destroy();
}
