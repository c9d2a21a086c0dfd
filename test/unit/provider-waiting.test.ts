/** A provider whose connections are all held, as readers that take their time can: whoever waits for one is told to slow down. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { it } from 'node:test';
import { isWaybillError } from '../../core/failures.ts';
import { toS3Failure } from '../../gateway/answer/s3-error.ts';
import { callerOf } from '../../gateway/listener/caller.ts';
import { createProviderConnection, PROVIDER_LIMITS } from '../../gateway/provider/provider-connection.ts';

it('a request that no connection to the provider comes free for is 503 SlowDown, and was not sent', async () => {
  let received = '';
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('data', (chunk) => (received += chunk.toString('latin1')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${String((server.address() as net.AddressInfo).port)}`;
  const connection = createProviderConnection('cloud', undefined, {
    ...PROVIDER_LIMITS,
    connectionsMax: 2,
    waitMs: 100,
  });
  const send = (target: string): Promise<unknown> =>
    connection
      .send(
        { origin, method: 'GET', target, headers: ['host', 'x'], body: null },
        null,
        callerOf(new AbortController().signal),
      )
      .catch((error: unknown) => error);
  const held: Promise<unknown>[] = [];
  try {
    held.push(send('/held'), send('/held'));
    const failure = await send('/waits');
    assert.ok(isWaybillError(failure));
    assert.deepEqual([failure.type, failure.retryAfterMs], ['store_slow_down', 1000]);
    const { status, code } = toS3Failure(failure);
    assert.deepEqual([status, code], [503, 'SlowDown']);
    assert.doesNotMatch(received, /waits/);
  } finally {
    await connection.close();
    await Promise.all(held);
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});
