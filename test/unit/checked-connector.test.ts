/** A worker that goes straight to a store connects to no address that hands out credentials, however it is written. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createCheckedConnector } from '../../stores/s3/checked-connector.ts';

const connect = createCheckedConnector({ store: 'a', tls: { minVersion: 'TLSv1.2' }, timeoutMs: 1000 });
const open = (hostname: string, port = 80): Promise<net.Socket> =>
  new Promise((resolve, reject) => {
    connect({ protocol: 'http:', hostname, port: String(port) }, (error, socket) =>
      error === null ? resolve(socket) : reject(error),
    );
  });

// The numbers are no addresses to Node; the system's look-up reads them as the one above.
for (const hostname of ['169.254.169.254', 'fd00:ec2::254', '2852039166', '0xA9FEA9FE']) {
  test(`${hostname} is refused before anything is connected to`, async () => {
    await assert.rejects(open(hostname), { type: 'access_denied' });
  });
}

test('where stores stand is connected to, loopback by its name too', async (t) => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  for (const hostname of ['127.0.0.1', 'localhost']) {
    const socket = await open(hostname, (server.address() as AddressInfo).port);
    socket.destroy();
  }
});
