/**
 * What the gateway is measured against: the same listener (node:http) and the same pool (undici's `dispatch`), forwarding every request
 * as it came, without looking at it: no verification, no policy, no signing, no log, no numbers. The store's port is its argument.
 */
import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent } from 'undici';

const origin = `http://127.0.0.1:${process.argv[2] ?? ''}`;
const agent = new Agent({ connections: 256, pipelining: 1, keepAliveTimeout: 10_000 });

const server = http.createServer({ noDelay: true, keepAliveTimeout: 60_000 }, forward);

function forward(request: IncomingMessage, response: ServerResponse): void {
  agent.dispatch(
    {
      origin,
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.rawHeaders,
      body: request.method === 'PUT' ? request : null,
    },
    {
      onRequestStart: () => undefined,
      onResponseStart: (_, status, headers) => void response.writeHead(status, headers),
      onResponseData: (controller, chunk) => {
        if (response.write(chunk)) return;
        controller.pause();
        response.once('drain', () => controller.resume());
      },
      onResponseEnd: () => void response.end(),
      onResponseError: () => void response.destroy(),
    },
  );
}

server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
