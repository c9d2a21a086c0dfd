/** Tunnels that do not come about: each ends, and nothing stays open for it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { createProviderConnector } from '../../gateway/provider/provider-connector.ts';
import { until } from '../support/until.ts';

const LIMIT_MS = 400;

test('a proxy whose answer drips is given up at the limit, though it is never idle', async (context) => {
  const open = new Set<net.Socket>();
  const proxy = net.createServer((socket) => {
    open.add(socket);
    const drip = setInterval(() => socket.write('x'), LIMIT_MS / 8);
    socket.write('HTTP/1.1 200 Connection established\r\nX-Drip: ');
    socket.on('error', () => undefined).on('data', () => undefined);
    socket.on('close', () => {
      clearInterval(drip);
      open.delete(socket);
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  context.after(() => {
    proxy.close();
    for (const socket of open) socket.destroy();
  });
  const { port } = proxy.address() as net.AddressInfo;
  const connect = createProviderConnector({
    store: 's',
    egress: { kind: 'connect', secure: false, host: '127.0.0.1', port, credentials: null },
    tls: { minVersion: 'TLSv1.2' },
    addresses: 'configured',
    timeoutMs: LIMIT_MS,
  });
  const startedAt = performance.now();
  const error = await new Promise<Error | null>((resolve) =>
    connect({ hostname: 'store.example', port: '443', protocol: 'https:' }, (...[failure]) => resolve(failure)),
  );
  assert.equal((error as { details?: { code?: string } } | null)?.details?.code, 'ETIMEDOUT');
  assert.ok(performance.now() - startedAt < 10 * LIMIT_MS);
  await until(() => open.size === 0);
});
