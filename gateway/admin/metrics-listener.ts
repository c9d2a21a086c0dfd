/** GET /metrics and GET /healthz, on an address of their own: they need no credentials and must not be reachable by S3's callers. */
import { createServer } from 'node:http';
import type { Registry } from 'prom-client';
import type { ListenAddress } from '../../config/config.ts';
import { printListenAddress } from '../../config/listen-address.ts';
import { toListenFailure } from '../listener/listener.ts';

export interface MetricsListener {
  readonly url: string;
  close(): Promise<void>;
}

/** @throws port_in_use */
export async function startMetricsListener(registry: Registry, address: ListenAddress): Promise<MetricsListener> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (request.method !== 'GET' || (path !== '/metrics' && path !== '/healthz')) {
      response.writeHead(404, { 'Content-Type': 'text/plain' }).end('not found\n');
      return;
    }
    if (path === '/healthz') {
      response.writeHead(200, { 'Content-Type': 'text/plain' }).end('ok\n');
      return;
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'Content-Type': registry.contentType }).end(text),
      () => response.writeHead(500, { 'Content-Type': 'text/plain' }).end('metrics failed\n'),
    );
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(toListenFailure(error, address)));
    server.listen(address.port, address.host, () => {
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : address.port);
    });
  });
  return {
    url: `http://${printListenAddress({ host: address.host, port })}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
