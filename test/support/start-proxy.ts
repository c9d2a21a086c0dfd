/**
 * Proxies of the tests' own: HTTP CONNECT, plain or over TLS, and SOCKS5. Each keeps what it was asked for, as it was written, and
 * connects to wherever the test says that name is.
 */
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { SecureContextOptions } from 'node:tls';

export interface StartedProxy {
  readonly port: number;
  /** `host:port` as the client wrote them; a name that came as an address shows as one. */
  readonly asked: string[];
  close(): Promise<void>;
}

export interface ProxyOptions {
  /** Where the proxy goes, whatever it is asked for. */
  readonly to: number;
  readonly user?: { readonly name: string; readonly password: string };
  /** CONNECT only. */
  readonly tls?: SecureContextOptions;
  /** CONNECT only: how long it takes to open a connection. */
  readonly afterMs?: number;
}

export async function startConnectProxy({ to, user, tls, afterMs = 0 }: ProxyOptions): Promise<StartedProxy> {
  const asked: string[] = [];
  const server = tls === undefined ? http.createServer() : https.createServer(tls);
  const expected = user && `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}`;
  server.on('connect', (request: http.IncomingMessage, socket: net.Socket) => {
    asked.push(request.url ?? '');
    socket.on('error', () => undefined);
    if (expected !== undefined && request.headers['proxy-authorization'] !== expected) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const open = (): void => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      join(socket, to);
    };
    if (afterMs === 0) open();
    else setTimeout(open, afterMs);
  });
  return toProxy(server, asked);
}

/** RFC 1928, CONNECT only; RFC 1929 where a user is given. */
export async function startSocksProxy({ to, user }: ProxyOptions): Promise<StartedProxy> {
  const asked: string[] = [];
  const serve = async (socket: net.Socket): Promise<void> => {
    const read = createReader(socket);
    const [, methods = 0] = await read(2);
    const offered = await read(methods);
    const method = user === undefined ? 0 : 2;
    socket.write(Buffer.from([5, offered.includes(method) ? method : 0xff]));
    if (!offered.includes(method)) return void socket.end();
    if (user !== undefined) {
      const [, nameLength = 0] = await read(2);
      const name = (await read(nameLength)).toString();
      const [passwordLength = 0] = await read(1);
      const password = (await read(passwordLength)).toString();
      const isRight = name === user.name && password === user.password;
      socket.write(Buffer.from([1, isRight ? 0 : 1]));
      if (!isRight) return void socket.end();
    }
    const [, , , type = 0] = await read(4);
    const host =
      type === 3 ? (await read((await read(1))[0] ?? 0)).toString() : [...(await read(type === 1 ? 4 : 16))].join('.');
    asked.push(`${host}:${(await read(2)).readUInt16BE()}`);
    socket.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]));
    join(socket, to);
  };
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    serve(socket).catch(() => socket.destroy());
  });
  return toProxy(server, asked);
}

/** Reads exactly so many bytes, and leaves the rest where it is. */
function createReader(socket: net.Socket): (bytes: number) => Promise<Buffer> {
  return async (bytes) => {
    if (bytes === 0) return Buffer.alloc(0);
    for (;;) {
      const chunk = socket.read(bytes) as Buffer | null;
      if (chunk !== null) return chunk;
      if (socket.readableEnded || socket.destroyed) throw new Error('the client left');
      await once(socket, 'readable');
    }
  };
}

function join(socket: net.Socket, port: number): void {
  const upstream = net.connect(port, '127.0.0.1');
  upstream.on('error', () => socket.destroy());
  upstream.on('close', () => socket.destroy());
  socket.on('close', () => upstream.destroy());
  socket.pipe(upstream).pipe(socket);
}

async function toProxy(server: net.Server, asked: string[]): Promise<StartedProxy> {
  const open = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as net.AddressInfo).port,
    asked,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
