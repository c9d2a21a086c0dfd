/** A server whose answers a test writes by hand, and the HTTP/1.1 client that asks it. */
import { once } from 'node:events';
import net from 'node:net';
import { after } from 'node:test';
import { createHttpClient, type HttpClient, type HttpClientOptions } from '../../http1/client.ts';
import { createConnector } from '../../http1/connector.ts';
import type { Exchange, OutgoingRequest } from '../../http1/exchange.ts';
import { READ_OPTIONS } from '../../http1/socket-reads.ts';

interface Result {
  status: number;
  body: Buffer;
  error: (Error & { code?: string }) | null;
}

interface Call {
  readonly exchange: Exchange;
  readonly done: Promise<Result>;
}

export interface ExchangeGround {
  readonly client: HttpClient;
  /** All that came in, by connection. */
  readonly received: string[];
  /** Connections that are open at the server. */
  readonly open: Set<net.Socket>;
  readonly get: (path?: string, hooks?: Hooks) => Call;
  readonly send: (request: Partial<OutgoingRequest>, hooks?: Hooks) => Call;
}

interface Hooks {
  onStart?: (exchange: Exchange) => void;
  onHead?: (exchange: Exchange) => void;
  onData?: (chunk: Uint8Array, exchange: Exchange) => void;
}

const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
});

export type Answer = (socket: net.Socket, request: string, number: number) => void;

/** A server that hands each piece that comes in to `answer`, and a client for it. */
export async function startExchanges(
  answer: Answer,
  options: Partial<HttpClientOptions> = {},
): Promise<ExchangeGround> {
  const received: string[] = [];
  const open = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    const number = received.push('') - 1;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      received[number] += chunk.toString('latin1');
      answer(socket, chunk.toString('latin1'), number);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const client = createHttpClient({
    connectionsMax: 4,
    connect: createConnector({ timeoutMs: 60_000, onread: READ_OPTIONS }),
    answerMs: 0,
    idleMs: 0,
    keepAliveMs: 10_000,
    ...options,
  });
  closers.push(() => {
    client.close();
    server.close();
    for (const socket of open) socket.destroy();
  });
  const send = (request: Partial<OutgoingRequest>, hooks: Hooks = {}): Call => {
    const result: Result = { status: 0, body: Buffer.alloc(0), error: null };
    const chunks: Uint8Array[] = [];
    let settle = (_result: Result): void => undefined;
    const done = new Promise<Result>((resolve) => (settle = resolve));
    const exchange: Exchange = client.dispatch(
      {
        origin: `http://127.0.0.1:${String(port)}`,
        method: 'GET',
        target: '/',
        headers: ['host', 'x'],
        body: null,
        ...request,
      },
      {
        onStart: (started) => hooks.onStart?.(started),
        onHead(status) {
          result.status = status;
          hooks.onHead?.(exchange);
        },
        onData(chunk) {
          chunks.push(chunk);
          hooks.onData?.(chunk, exchange);
        },
        onEnd: () => settle({ ...result, body: Buffer.concat(chunks) }),
        onError: (error) => settle({ ...result, error }),
      },
    );
    return { exchange, done };
  };
  return { client, received, open, send, get: (path = '/', hooks = {}) => send({ target: path }, hooks) };
}

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
export const answerOk: Answer = (socket) => void socket.write(OK);
