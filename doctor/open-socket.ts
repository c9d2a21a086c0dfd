/**
 * Opens a connection step by step (name, TCP, proxy, TLS), so that what fails has a name. Straight, through HTTP CONNECT or through
 * SOCKS5; to a plain endpoint behind an HTTP proxy of the environment the socket is the proxy's own. Certificates are always checked.
 */
import { lookup as resolveName } from 'node:dns/promises';
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import { SocksClient } from 'socks';

export interface ProxyRoute {
  /** `forward`: plain HTTP with the whole URL in the request line. */
  readonly kind: 'connect' | 'socks5' | 'forward';
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly credentials: { readonly username: string; readonly password: string } | null;
  /** Where it was found, a name: `HTTPS_PROXY`, `egress`. */
  readonly source: string;
}

export interface OpenRoute {
  readonly proxy: ProxyRoute | null;
  /** PEM that is trusted beside the public certificates. */
  readonly ca: string | null;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly timeoutMs: number;
  readonly resolve?: (host: string) => Promise<string>;
}

export type Phase = 'dns' | 'tcp' | 'proxy' | 'tls';

export class ReachFailure extends Error {
  readonly phase: Phase;
  readonly code: string;

  constructor(phase: Phase, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ReachFailure';
    this.phase = phase;
    this.code = code;
  }
}

export interface Opened {
  readonly socket: net.Socket;
  readonly address: string;
  readonly certificate: tls.PeerCertificate | null;
  readonly protocol: string | null;
}

/** @throws ReachFailure */
export async function openSocket(url: URL, route: OpenRoute): Promise<Opened> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  const { proxy } = route;
  let socket: net.Socket;
  let address: string;
  if (proxy === null) {
    address = await step('dns', () => (route.resolve ?? toAddress)(host));
    socket = await step('tcp', () => connect(address, port, route.timeoutMs));
  } else {
    address = `${proxy.host}:${String(proxy.port)} (${proxy.source})`;
    socket = await step('proxy', () => throughProxy(proxy, host, port, route));
  }
  if (url.protocol !== 'https:') return { socket, address, certificate: null, protocol: null };
  const secure = await step('tls', () => secureSocket(socket, host, route)).catch((error: unknown) => {
    socket.destroy();
    throw error;
  });
  return { socket: secure, address, certificate: secure.getPeerCertificate(), protocol: secure.getProtocol() };
}

const toAddress = async (host: string): Promise<string> =>
  net.isIP(host) > 0 ? host : (await resolveName(host)).address;

async function step<Value>(phase: Phase, run: () => Promise<Value>): Promise<Value> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ReachFailure) throw error;
    const { code = 'unknown', message = '' } = error as NodeJS.ErrnoException;
    throw new ReachFailure(phase, code, message, { cause: error });
  }
}

function connect(host: string, port: number, timeoutMs: number): Promise<net.Socket> {
  const socket = net.connect({ host, port });
  return settle(socket, 'connect', timeoutMs);
}

function settle<Socket extends net.Socket>(socket: Socket, event: string, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      socket.destroy();
      reject(Object.assign(new Error(`nothing came within ${String(timeoutMs)} ms`), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    socket.once('error', reject);
    socket.once('close', () => reject(Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' })));
    socket.once(event, () => {
      clearTimeout(late);
      socket.removeAllListeners('close');
      socket.on('error', () => undefined);
      resolve(socket);
    });
    socket.once('close', () => clearTimeout(late));
  });
}

async function throughProxy(proxy: ProxyRoute, host: string, port: number, route: OpenRoute): Promise<net.Socket> {
  const { credentials, timeoutMs } =
    route.proxy === null ? { credentials: null, timeoutMs: 0 } : { ...proxy, ...route };
  if (proxy.kind === 'socks5') {
    const user = credentials === null ? {} : { userId: credentials.username, password: credentials.password };
    const at = { host: proxy.host, port: proxy.port, type: 5 as const, ...user };
    const made = await SocksClient.createConnection({
      proxy: at,
      command: 'connect',
      destination: { host, port },
      timeout: timeoutMs,
    });
    return made.socket;
  }
  const plain = await connect(proxy.host, proxy.port, timeoutMs);
  const socket = proxy.secure ? await secureSocket(plain, proxy.host, { ...route, ca: null }) : plain;
  if (proxy.kind === 'forward') return socket;
  const authority = `${net.isIPv6(host) ? `[${host}]` : host}:${String(port)}`;
  return await new Promise((resolve, reject) => {
    const request = http.request({
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...toProxyHeaders(proxy) },
      createConnection: () => socket,
      timeout: timeoutMs,
    });
    request.on('timeout', () => request.destroy(new Error('the proxy did not answer')));
    request.on('error', reject);
    request.on('connect', (answer: http.IncomingMessage, joined: net.Socket) => {
      const status = answer.statusCode ?? 0;
      if (status === 200) return resolve(joined);
      joined.destroy();
      reject(new ReachFailure('proxy', `HTTP ${String(status)}`, `the proxy answered ${String(status)} to CONNECT`));
    });
    request.end();
  });
}

export function toProxyHeaders({ credentials }: ProxyRoute): Record<string, string> {
  if (credentials === null) return {};
  const text = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
  return { 'Proxy-Authorization': `Basic ${text}` };
}

function secureSocket(socket: net.Socket, host: string, route: OpenRoute): Promise<tls.TLSSocket> {
  const secure = tls.connect({
    socket,
    ...(net.isIP(host) === 0 ? { servername: host } : { host }),
    ...(route.ca === null ? {} : { ca: [...tls.rootCertificates, route.ca] }),
    minVersion: route.minVersion,
    ALPNProtocols: ['http/1.1'],
  });
  return settle(secure, 'secureConnect', route.timeoutMs);
}
