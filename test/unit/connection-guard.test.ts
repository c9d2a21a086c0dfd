/** When a connection counts as stalled; with a clock of the test's, for no real one can show what does not happen. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Server } from 'node:http';
import { BlockList } from 'node:net';
import { describe, it } from 'node:test';
import { guardConnections } from '../../gateway/listener/connection-guard.ts';
import { setCurrentResponse } from '../../gateway/listener/current-response.ts';
import { CountedResponse } from '../../gateway/listener/exchange.ts';

const LIMIT_MS = 1_000;

class FakeSocket extends EventEmitter {
  remoteAddress = '127.0.0.1';
  bytesRead = 0;
  bytesWritten = 0;
  writableLength = 0;
  writableEnded = false;
  destroyed = false;
  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

function start(trusted: readonly string[] = []) {
  let nowMs = 0;
  const answered: string[] = [];
  const server = new EventEmitter();
  const trustedProxies = new BlockList();
  for (const address of trusted) trustedProxies.addAddress(address);
  const guard = guardConnections(server as unknown as Server, {
    idleLimitMs: LIMIT_MS,
    connectionsPerAddressMax: 2,
    trustedProxies,
    answerBadHttp: (error) => answered.push(error.code ?? ''),
    clock: () => nowMs,
  });
  guard.stop();
  return {
    guard,
    answered,
    connect: (remoteAddress = '127.0.0.1'): FakeSocket => {
      const socket = new FakeSocket();
      socket.remoteAddress = remoteAddress;
      server.emit('connection', socket);
      return socket;
    },
    wait: (ms: number): void => {
      nowMs += ms;
      guard.look();
    },
  };
}

/** A request on the socket, as far as the guard looks at it. */
function ask(socket: FakeSocket, request: { complete: boolean; readableFlowing: boolean | null }): void {
  const response = new CountedResponse({ method: 'GET' } as never);
  Object.defineProperty(response, 'req', { value: request });
  setCurrentResponse(socket as never, response);
}

describe('a connection', () => {
  it('is cut once its reader has taken nothing for the limit, and not while it takes something', () => {
    const { connect, wait, guard } = start();
    const socket = connect();
    socket.bytesWritten = 100;
    socket.writableLength = 80;
    wait(0);
    for (let taken = 0; taken < 5; taken += 1) {
      socket.writableLength -= 10;
      wait(LIMIT_MS - 1);
      assert.equal(socket.destroyed, false);
    }
    wait(LIMIT_MS);
    assert.equal(socket.destroyed, true);
    assert.equal(guard.counts().stalled, 1);
  });

  it('is left alone while nothing is on its way to it, however long the answer takes', () => {
    const { connect, wait } = start();
    const socket = connect();
    ask(socket, { complete: true, readableFlowing: null });
    wait(100 * LIMIT_MS);
    assert.equal(socket.destroyed, false);
    // The clock starts when something is.
    socket.bytesWritten = 100;
    socket.writableLength = 100;
    wait(LIMIT_MS - 1);
    assert.equal(socket.destroyed, false);
    wait(1);
    assert.equal(socket.destroyed, true);
  });

  it('is answered when the rest of its body does not come, and not while we do not ask for it', () => {
    const { connect, wait, answered } = start();
    const socket = connect();
    const request = { complete: false, readableFlowing: false };
    ask(socket, request);
    wait(100 * LIMIT_MS);
    assert.deepEqual(answered, []);
    request.readableFlowing = true;
    for (let read = 1; read < 5; read += 1) {
      socket.bytesRead = read;
      wait(LIMIT_MS - 1);
    }
    assert.deepEqual(answered, []);
    wait(LIMIT_MS);
    assert.deepEqual(answered, ['ERR_HTTP_REQUEST_TIMEOUT']);
  });

  it('is counted for its address, IPv4 in IPv6 as what it is, and a trusted proxy is not', () => {
    const { connect, guard } = start(['10.0.0.9']);
    const sockets = ['10.0.0.1', '::ffff:10.0.0.1', '10.0.0.2', '::1'].map((address) => connect(address));
    assert.equal(connect('10.0.0.1').destroyed, true);
    for (let count = 0; count < 5; count += 1) assert.equal(connect('::ffff:10.0.0.9').destroyed, false);
    assert.deepEqual(guard.counts(), { open: 9, dropped: 1, stalled: 0 });
    sockets[1]?.destroy();
    assert.equal(connect('10.0.0.1').destroyed, false);
  });
});
