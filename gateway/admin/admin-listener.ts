/**
 * The gateway's own page, apart from the S3 listener so that no bucket can be named like it, on an address that only operators
 * reach. Health is open. With an admin token everything else needs it; without one, metrics are open as well and the rest is closed.
 *
 * - GET /metrics, GET /healthz, GET /readyz
 * - GET /refusals: the last hundred, the latest first, with their reasons
 * - GET /keys: the workload keys with their policies; no secret and no access key id
 * - POST /keys/{name}/revoke: the key and its sessions are nobody's from the next request on. In memory, until the key has another
 *   id or secret or the gateway ends: whoever revokes also takes the key out of the configuration
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import type { Registry } from 'prom-client';
import type { ListenAddress } from '../../config/config.ts';
import { printListenAddress } from '../../config/listen-address.ts';
import { toListenFailure } from '../listener/listener.ts';
import { TLS_VERSION_MIN } from '../listener/tls-files.ts';
import type { TlsPair } from '../listener/tls-files.ts';

export interface AdminOptions {
  /** False while the gateway starts or drains. */
  readonly isReady: () => boolean;
  readonly registry: Registry;
  /** SHA-256 of the token; null when none is configured. Asked each time, for a reload may change it. */
  readonly tokenHash: () => Buffer | null;
  readonly refusals: () => readonly object[];
  readonly keys: () => readonly object[];
  /** False when there is no key of that name. */
  readonly revoke: (name: string) => boolean;
  /** Null: plain HTTP. */
  readonly tls: TlsPair | null;
}

export interface AdminListener {
  readonly url: string;
  setTls(pair: TlsPair): void;
  close(): Promise<void>;
}

const REVOKE = /^\/keys\/([a-z0-9][a-z0-9_-]{0,62})\/revoke$/;
const HEADERS_LIMIT_MS = 10_000;

/** @throws port_in_use; invalid_config when the address cannot be listened on */
export function startAdminListener(address: ListenAddress, options: AdminOptions): Promise<AdminListener> {
  const settings = { requestTimeout: HEADERS_LIMIT_MS, headersTimeout: HEADERS_LIMIT_MS };
  const server =
    options.tls === null
      ? createHttpServer(settings)
      : createHttpsServer({ ...settings, ...options.tls, minVersion: TLS_VERSION_MIN });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    answer(request, response, options).catch(() => send(response, 500, 'text/plain', 'metrics failed\n'));
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(toListenFailure(error, address)));
    server.listen(address.port, address.host, () => {
      const bound = server.address();
      const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
      const scheme = options.tls === null ? 'http' : 'https';
      resolve({
        url: `${scheme}://${printListenAddress({ host: address.host, port })}`,
        setTls: (pair) => {
          if (server instanceof HttpsServer) server.setSecureContext({ ...pair, minVersion: TLS_VERSION_MIN });
        },
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
  const url = request.url ?? '';
  const isGet = request.method === 'GET' || request.method === 'HEAD';
  if (isGet && url === '/healthz') {
    send(response, 200, 'text/plain', 'ok\n');
    return;
  }
  if (isGet && url === '/readyz') {
    const isReady = options.isReady();
    send(response, isReady ? 200 : 503, 'text/plain', isReady ? 'ready\n' : 'not ready\n');
    return;
  }
  const tokenHash = options.tokenHash();
  if (tokenHash === null ? url !== '/metrics' && isKnown(url) : !holdsToken(request, tokenHash)) {
    const isConfigured = tokenHash !== null;
    if (isConfigured) response.setHeader('WWW-Authenticate', 'Bearer realm="waybill gateway"');
    const text = isConfigured ? 'send Authorization: Bearer TOKEN\n' : 'this needs gateway.admin_token\n';
    send(response, isConfigured ? 401 : 403, 'text/plain', text);
    return;
  }
  const revoked = request.method === 'POST' ? REVOKE.exec(url)?.[1] : undefined;
  if (revoked !== undefined) {
    const isKnownKey = options.revoke(revoked);
    sendJson(response, isKnownKey ? 200 : 404, isKnownKey ? { revoked } : { error: 'there is no such key' });
    return;
  }
  if (!isGet) {
    send(response, 405, 'text/plain', 'GET only, but for POST /keys/NAME/revoke\n');
    return;
  }
  switch (url) {
    case '/metrics':
      send(response, 200, options.registry.contentType, await options.registry.metrics());
      return;
    case '/refusals':
      sendJson(response, 200, { refusals: options.refusals() });
      return;
    case '/keys':
      sendJson(response, 200, { keys: options.keys() });
      return;
    default:
      send(response, 404, 'text/plain', '/healthz, /readyz, /metrics, /refusals, /keys\n');
  }
}

const isKnown = (url: string): boolean => url === '/refusals' || url === '/keys' || REVOKE.test(url);

/** Hashes are compared, in constant time: they are of one length whatever was sent. */
function holdsToken(request: IncomingMessage, tokenHash: Buffer): boolean {
  const token = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(createHash('sha256').update(token).digest(), tokenHash);
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  send(response, status, 'application/json', `${JSON.stringify(value, null, 2)}\n`);
}

function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
  });
  response.end(text);
}
