/** The response that a connection is busy with; node:http keeps it to itself. */
import type { Duplex } from 'node:stream';
import type { CountedResponse } from './exchange.ts';

const CURRENT = Symbol('the response that this connection is busy with');
type Marked = Duplex & { [CURRENT]?: CountedResponse };

export function setCurrentResponse(socket: Duplex, response: CountedResponse): void {
  (socket as Marked)[CURRENT] = response;
}

export function currentResponse(socket: Duplex): CountedResponse | null {
  return (socket as Marked)[CURRENT] ?? null;
}
