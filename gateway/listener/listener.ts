/**
 * The HTTP(S) listener that speaks S3. node:http itself: a signature is checked over the raw target and the headers as they
 * came. Parsing is strict, headers are bounded, a request that does not arrive in time is cut, and what is not HTTP gets a 400.
 * Never passes on the promise of a request: `createServeRequest` answers everything.
 */
import { createServer as createHttpServer, IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import { BlockList } from 'node:net';
import { WaybillError } from '../../core/failures.ts';
import type { ListenAddress } from '../../config/config.ts';
import { printListenAddress } from '../../config/listen-address.ts';
import type { AccessKey } from '../keys/access.ts';
import { createAnswerBadHttp } from './answer-bad-http.ts';
import { guardConnections, type ConnectionCounts } from './connection-guard.ts';
import { CountedResponse } from './exchange.ts';
import { bearHalfClosed } from './half-closed.ts';
import type { ListenerOptions } from './listener-options.ts';
import { createRequestIds } from './request-id.ts';
import { createServeRequest } from '../serve-request.ts';
import { TLS_VERSION_MIN, type TlsPair } from './tls-files.ts';
import { takeTurn } from './turns.ts';

export interface GatewayServer {
  /** Where it listens, for port 0 the port that was given. @throws port_in_use */
  listen(address: ListenAddress): Promise<{ readonly url: string; readonly port: number }>;
  /** Serves another certificate from the next handshake on. @throws Error when the two cannot be used; the old ones stay */
  setTls(pair: TlsPair): void;
  stats(): ListenerStats;
  /** Takes no more connections, lets what is in flight end, cuts what takes longer than the grace. */
  close(graceMs?: number): Promise<void>;
}

export interface ListenerStats extends ConnectionCounts {
  /** Requests whose answer is not complete. */
  readonly inFlight: number;
}

/** Request line and headers: S3's own limit is 8 KiB of headers, and a presigned URL with a session token has about 4 KiB. */
const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_LIMIT_MS = 20_000;
const KEEP_ALIVE_MS = 60_000;
const HANDSHAKE_LIMIT_MS = 10_000;
const IDLE_LIMIT_MS = 60_000;
const CLOSE_GRACE_MS = 10_000;

export function createGatewayServer<Key extends AccessKey>(options: ListenerOptions<Key>): GatewayServer {
  const nextRequestId = createRequestIds();
  const serve = createServeRequest(options, nextRequestId);
  const { requestLimitMs } = options.limits;
  const settings = {
    IncomingMessage,
    ServerResponse: CountedResponse,
    insecureHTTPParser: false,
    // Its answer would be no document of S3; serve-request refuses what has no Host.
    requireHostHeader: false,
    maxHeaderSize: HEADER_BYTES_MAX,
    requestTimeout: requestLimitMs,
    headersTimeout: Math.min(HEADERS_LIMIT_MS, requestLimitMs),
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(5_000, Math.max(50, Math.floor(requestLimitMs / 4))),
    noDelay: true,
  };
  const server: Server<typeof IncomingMessage, typeof CountedResponse> =
    options.tls === undefined
      ? createHttpServer(settings)
      : createHttpsServer({
          ...settings,
          cert: options.tls.cert,
          key: options.tls.key,
          minVersion: TLS_VERSION_MIN,
          handshakeTimeout: HANDSHAKE_LIMIT_MS,
        });
  // The header size bounds them; a count would drop the surplus silently, and with it what was signed.
  server.maxHeadersCount = 0;

  if (options.tls === undefined) bearHalfClosed(server);

  if (options.limits.connectionsMax !== undefined) server.maxConnections = options.limits.connectionsMax;

  let isClosing = false;
  let inFlight = 0;
  const onResponseClose = function (this: CountedResponse): void {
    inFlight -= 1;
    this.close();
  };
  const begin = (request: IncomingMessage, response: CountedResponse, expectsContinue: boolean): void => {
    takeTurn(request.socket, response, () => {
      if (isClosing) response.shouldKeepAlive = false;
      inFlight += 1;
      response.on('close', onResponseClose);
      void serve(request, response, expectsContinue);
    });
  };
  server.on('request', (request, response) => begin(request, response, false));
  server.on('checkContinue', (request, response) => begin(request, response, true));
  // An expectation that we do not know is refused by what it asks for, like any other header.
  server.on('checkExpectation', (request, response) => begin(request, response, false));
  const answerBadHttp = createAnswerBadHttp(options, nextRequestId);
  server.on('clientError', answerBadHttp);
  // Without a listener the connection would close without an answer. node:http has let go of it by then: nobody else reads it, and
  // an error of it that nobody hears would end the process.
  server.on('connect', (_request, socket) => {
    socket.on('error', () => socket.destroy());
    socket.resume();
    answerBadHttp(new Error('CONNECT is not offered'), socket);
  });
  server.on('tlsClientError', (error: Error) => options.logger.debug({ err: error.message }, 'TLS handshake failed'));

  const guard = guardConnections(server, {
    idleLimitMs: options.limits.idleLimitMs ?? IDLE_LIMIT_MS,
    connectionsPerAddressMax: options.limits.connectionsPerAddressMax ?? Infinity,
    trustedProxies: options.trustedProxies ?? new BlockList(),
    answerBadHttp,
  });

  return {
    setTls: ({ cert, key }) => {
      if (server instanceof HttpsServer) server.setSecureContext({ cert, key, minVersion: TLS_VERSION_MIN });
    },
    stats: () => ({ ...guard.counts(), inFlight }),
    listen: (address) =>
      new Promise((resolve, reject) => {
        server.once('error', (error: NodeJS.ErrnoException) => reject(toListenFailure(error, address)));
        server.listen(address.port, address.host, () => {
          const bound = server.address();
          const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
          const scheme = options.tls === undefined ? 'http' : 'https';
          resolve({ url: `${scheme}://${printListenAddress({ host: address.host, port })}`, port });
        });
      }),
    close: (graceMs = CLOSE_GRACE_MS) => {
      if (!server.listening) {
        guard.stop();
        return Promise.resolve();
      }
      isClosing = true;
      return new Promise((resolve) => {
        // A connection whose answer goes out during the closing turns idle afterwards.
        const idle = setInterval(() => server.closeIdleConnections(), 50);
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearInterval(idle);
          clearTimeout(cut);
          guard.stop();
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}

export function toListenFailure(error: NodeJS.ErrnoException, address: ListenAddress): WaybillError {
  const { host, port } = address;
  const type = error.code === 'EADDRINUSE' ? 'port_in_use' : 'invalid_config';
  const message = type === 'port_in_use' ? 'the address is already in use' : `cannot listen: ${error.message}`;
  return new WaybillError(type, message, { host, port }, { cause: error });
}
