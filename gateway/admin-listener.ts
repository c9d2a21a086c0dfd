/**
 * The gateway's own page, apart from the S3 listener so that no bucket can be named like it: liveness, readiness, metrics. It
 * serves GET and HEAD, knows no secret, and belongs on an address that only operators reach.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import type { ListenAddress } from '../config/config.ts';
import { toListenFailure } from './listener.ts';

export interface AdminOptions {
  /** False while the gateway starts or drains. */
  readonly isReady: () => boolean;
  readonly registry: Registry;
}

export interface AdminListener {
  readonly url: string;
  close(): Promise<void>;
}

/** @throws port_in_use; invalid_config when the address cannot be listened on */
export function startAdminListener(address: ListenAddress, options: AdminOptions): Promise<AdminListener> {
  const server = createServer((request, response) => {
    answer(request, response, options).catch(() => send(response, 500, 'text/plain', 'metrics failed\n'));
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(toListenFailure(error, address)));
    server.listen(address.port, address.host, () => {
      const bound = server.address();
      const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
      const host = address.host.includes(':') ? `[${address.host}]` : address.host;
      resolve({
        url: `http://${host}:${port}`,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, options: AdminOptions): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(response, 405, 'text/plain', 'GET only\n');
    return;
  }
  switch (request.url) {
    case '/healthz':
      send(response, 200, 'text/plain', 'ok\n');
      return;
    case '/readyz':
      if (options.isReady()) send(response, 200, 'text/plain', 'ready\n');
      else send(response, 503, 'text/plain', 'not ready\n');
      return;
    case '/metrics':
      send(response, 200, options.registry.contentType, await options.registry.metrics());
      return;
    default:
      send(response, 404, 'text/plain', '/healthz, /readyz, /metrics\n');
  }
}

function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}
