/** Opens connections: TCP, with TLS over it where the origin has it, within one limit in time. */
import net, { isIP, type OnReadOpts, type Socket } from 'node:net';
import tls from 'node:tls';

export interface ConnectorOptions {
  /** From the look-up of the name to the end of the handshake; where TLS goes over another's socket, the handshake alone. */
  readonly timeoutMs: number;
  /** How it is read (`socket-reads.ts`); default: as any stream. */
  readonly onread?: OnReadOpts;
  /** Instead of Node's own. */
  readonly lookup?: net.LookupFunction;
  readonly minVersion?: tls.SecureVersion;
  /** PEM; default: what Node trusts. */
  readonly ca?: string[];
}

export interface Destination {
  readonly protocol: string;
  /** A name, or an address without brackets. */
  readonly hostname: string;
  readonly port: string;
  /** Leads there already: TLS is spoken over it. For https alone. */
  readonly over?: Socket;
}

/** Called once: with what went wrong, whose `code` is Node's or OpenSSL's, ETIMEDOUT where the limit was reached; or with the open socket. */
export type Connected = (...result: [error: Error, socket: null] | [error: null, socket: Socket]) => void;
export type Connector = (to: Destination, connected: Connected) => void;

/** As long as a connection may be quiet before the kernel asks whether the other side is there: less than what NATs and balancers forget in. */
export const PROBE_AFTER_MS = 60_000;
/** So many bytes may wait to be sent before a writer is told to stop: a piece of a body. Node's types do not know the option here. */
const SEND_BUFFER: object = { highWaterMark: 64 * 1024 };
/** Sessions kept, one for each host and port: with virtual addressing a bucket is a host. */
const SESSIONS_MAX = 100;

export function createConnector({ timeoutMs, lookup, onread, ...secure }: ConnectorOptions): Connector {
  const common = { ...(lookup && { lookup }), ...(onread && { onread }) };
  const sessions = new SessionCache();

  const openSecure = ({ hostname, port, over }: Destination): Socket => {
    const name = `${hostname}:${port}`;
    const session = sessions.get(name);
    const socket = tls
      .connect({
        ...common,
        ...secure,
        host: hostname,
        port: Number(port),
        ALPNProtocols: ['http/1.1'],
        // An address is no name (RFC 6066), and is checked as what it is.
        ...(isIP(hostname) === 0 && { servername: hostname }),
        ...(session && { session }),
        ...(over && { socket: over }),
      })
      .on('session', (given) => sessions.set(name, given));
    // A server that chokes on a session that it gave would otherwise be lost until this process ends.
    const forget = (): void => sessions.delete(name);
    return socket.once('error', forget).once('secureConnect', () => socket.off('error', forget));
  };
  const openPlain = ({ hostname, port }: Destination): Socket =>
    net.connect({ ...common, ...SEND_BUFFER, host: hostname, port: Number(port) });

  return (to, connected) => {
    const isSecure = to.protocol === 'https:';
    const socket = isSecure ? openSecure(to) : openPlain(to);
    socket.setNoDelay(true).setKeepAlive(true, PROBE_AFTER_MS);
    const cancelLimit = limitTime(timeoutMs, () => {
      const message = `no connection to ${to.hostname}:${to.port} in ${String(timeoutMs)} ms`;
      socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }));
    });
    let isSettled = false;
    const settle: Connected = (...result) => {
      cancelLimit();
      if (isSettled) return;
      isSettled = true;
      connected(...result);
    };
    socket.once(isSecure ? 'secureConnect' : 'connect', () => settle(null, socket));
    // It stays: what fails later is for whoever reads, and without a listener would end the process.
    socket.on('error', (error) => settle(error, null));
    // Of a socket below TLS that was closed without an error nothing else is heard.
    socket.once('close', () =>
      settle(Object.assign(new Error('closed before it was open'), { code: 'ECONNRESET' }), null),
    );
  };
}

/**
 * In two halves: timers come before what has arrived, and a process that stood still has the second half to hear what came meanwhile.
 * @returns cancels it
 */
export function limitTime(timeoutMs: number, giveUp: () => void): () => void {
  let timer = setTimeout(() => (timer = setTimeout(giveUp, timeoutMs / 2)), timeoutMs / 2);
  return () => clearTimeout(timer);
}

/**
 * The sessions of TLS that servers gave, offered to them again: a handshake without certificates. Node tells of a session only once the
 * certificate was checked, which a connection that goes on with one is not again.
 */
class SessionCache {
  readonly #sessions = new Map<string, Buffer>();

  get(name: string): Buffer | undefined {
    return this.#sessions.get(name);
  }

  delete(name: string): void {
    this.#sessions.delete(name);
  }

  set(name: string, session: Buffer): void {
    this.#sessions.delete(name);
    this.#sessions.set(name, session);
    // The one that was not renewed for longest goes first.
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= SESSIONS_MAX) return;
      this.#sessions.delete(oldest);
    }
  }
}
