/** Finds ports on the loopback interface that nobody listens on. */
import { once } from 'node:events';
import net from 'node:net';

/** That many different free ports, found at once so that none is given twice. Somebody else may still take one before it is used. */
export async function findFreePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => net.createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
