/**
 * The turns of one connection's requests. node:http hands on every request that it has read, also when the one before is still being
 * served, and holds back only the answers. Served side by side, a PUT and the DELETE behind it could end in either order; and the
 * answer of a request that waits has no connection yet, so that it never hears of that connection's end: what it held would be held
 * for good. So a request is served once the answer before it is out, and not at all when the connection has ended by then.
 */
import type { Socket } from 'node:net';
import { currentResponse, setCurrentResponse } from './current-response.ts';
import type { CountedResponse } from './exchange.ts';

/** No client is known that sends more without waiting. Requests that wait cost memory, and a connection that brings more is cut. */
const WAITING_MAX = 100;

const waiting = new WeakMap<Socket, number>();

/** Calls `serve` when it is the turn of this response, at once where nothing is before it, or never. */
export function takeTurn(socket: Socket, response: CountedResponse, serve: () => void): void {
  const before = currentResponse(socket);
  setCurrentResponse(socket, response);
  if (before === null || before.destroyed) {
    serve();
    return;
  }
  const count = (waiting.get(socket) ?? 0) + 1;
  waiting.set(socket, count);
  if (count > WAITING_MAX) {
    socket.destroy();
    return;
  }
  before.once('close', () => {
    waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
    // An answer that said `Connection: close` has ended the connection for all that follows.
    if (!socket.destroyed && !socket.writableEnded) serve();
  });
}
