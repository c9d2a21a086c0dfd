/** Kept connections to the hosts that requests go to, each origin with its own, its own limit, and its own queue. */
import type { Socket } from 'node:net';
import { Connection, type ConnectionOwner, type QuietLimits } from './connection.ts';
import type { Connector, Destination } from './connector.ts';
import { HttpError, type AnswerHandler, type Exchange, type OutgoingRequest } from './exchange.ts';
import { PendingExchange, type ExchangeQueue } from './pending-exchange.ts';

export interface HttpClientOptions extends QuietLimits {
  /** For each origin. More requests wait. */
  readonly connectionsMax: number;
  /** How long they wait, connecting included; default: as long as it takes. */
  readonly waitMs?: number;
  /** How long a connection is kept without a request; the other side's own hint wins where it is shorter. */
  readonly keepAliveMs: number;
  readonly connect: Connector;
}

export interface HttpClient {
  /**
   * Takes the request, which is sent as soon as a connection is free. `handler` is told of everything, failures too; nothing is thrown.
   * Latest used connections are used first, so that those not needed grow old and go.
   */
  dispatch(request: OutgoingRequest, handler: AnswerHandler): Exchange;
  /** Ends all connections; what is in flight or waits fails. */
  close(): void;
}

/** How often quiet connections are looked at. No limit is kept more exactly. */
const TICK_MS_MAX = 1000;
/** Bytes that a server sends behind an answer without a body come within a segment or two of it; a busy pool opens others meanwhile. */
const REST_MS = 10;

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const origins = new Map<string, Origin>();
  let closed = false;
  const limits = [options.answerMs, options.idleMs, options.keepAliveMs, options.waitMs ?? 0].filter((ms) => ms > 0);
  const tickMs = Math.max(10, Math.min(TICK_MS_MAX, ...limits.map((ms) => Math.ceil(ms / 4))));
  let clock: NodeJS.Timeout | null = null;

  const tick = (): void => {
    for (const [name, origin] of origins) {
      origin.tick(tickMs);
      if (origin.isUnused) origins.delete(name);
    }
    if (origins.size > 0 || clock === null) return;
    clearInterval(clock);
    clock = null;
  };

  return {
    dispatch(request, handler) {
      if (closed) {
        const refused = new PendingExchange(request, handler, NO_QUEUE);
        refused.fail(clientClosed());
        return refused;
      }
      let origin = origins.get(request.origin);
      if (origin === undefined) {
        origin = new Origin(request.origin, options);
        origins.set(request.origin, origin);
        clock ??= setInterval(tick, tickMs).unref();
      }
      return origin.take(request, handler);
    },
    close() {
      closed = true;
      if (clock !== null) clearInterval(clock);
      for (const origin of origins.values()) origin.close();
      origins.clear();
    },
  };
}

const NO_QUEUE: ExchangeQueue = { leave: () => undefined, again: () => undefined };

class Origin implements ConnectionOwner, ExchangeQueue {
  readonly #address: Destination;
  readonly #options: HttpClientOptions;
  readonly #free: Connection[] = [];
  readonly #all = new Set<Connection>();
  readonly #waiting: PendingExchange[] = [];
  #opening = 0;
  #closed = false;

  constructor(origin: string, options: HttpClientOptions) {
    const { protocol, hostname, port } = new URL(origin);
    this.#address = {
      protocol,
      // An address of IPv6 stands in brackets in a URL only.
      hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port || (protocol === 'https:' ? '443' : '80'),
    };
    this.#options = options;
  }

  get isUnused(): boolean {
    return this.#all.size === 0 && this.#opening === 0 && this.#waiting.length === 0;
  }

  take(request: OutgoingRequest, handler: AnswerHandler): Exchange {
    const exchange = new PendingExchange(request, handler, this);
    this.#waiting.push(exchange);
    const connection = this.#takeFree();
    if (connection === undefined) this.#open();
    else this.onFree(connection);
    return exchange;
  }

  leave(exchange: PendingExchange): void {
    const at = this.#waiting.indexOf(exchange);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  again(exchange: PendingExchange): void {
    if (this.#closed) {
      exchange.fail(clientClosed());
      return;
    }
    this.#waiting.unshift(exchange);
    // Those that were kept beside it are most likely closed as well, and the next to ask would hand them out.
    for (const kept of this.#free.splice(0)) kept.destroy();
    this.#open();
  }

  onFree(connection: Connection): void {
    for (;;) {
      const next = this.#nextWaiting();
      if (next === undefined) {
        this.#free.push(connection);
        return;
      }
      try {
        if (connection.send(next)) return;
      } catch (error) {
        next.fail(error as Error);
      }
    }
  }

  onRest(connection: Connection): void {
    const free = (): void => {
      if (this.#all.has(connection)) this.onFree(connection);
    };
    // Timers come before what has arrived; after it, where this process stood still.
    setTimeout(() => setImmediate(free), REST_MS);
  }

  onGone(connection: Connection): void {
    this.#all.delete(connection);
    const at = this.#free.indexOf(connection);
    if (at >= 0) this.#free.splice(at, 1);
    if (this.#waiting.length > 0) this.#open();
  }

  tick(elapsedMs: number): void {
    for (const connection of this.#all) connection.tick(elapsedMs);
    const { waitMs } = this.#options;
    if (waitMs === undefined) return;
    for (const exchange of this.#waiting) exchange.waitedMs += elapsedMs;
    for (const exchange of this.#waiting.filter(({ waitedMs }) => waitedMs > waitMs)) {
      exchange.abort(new HttpError('HTTP_QUEUE', `no connection came free in ${String(waitMs)} ms`));
    }
  }

  close(): void {
    this.#closed = true;
    for (const exchange of this.#waiting.splice(0)) exchange.fail(clientClosed());
    for (const connection of this.#all) connection.fail(clientClosed());
  }

  #takeFree(): Connection | undefined {
    for (;;) {
      const connection = this.#free.pop();
      if (connection === undefined || connection.socket.writable) return connection;
      connection.destroy();
    }
  }

  #nextWaiting(): PendingExchange | undefined {
    for (;;) {
      const next = this.#waiting.shift();
      if (next === undefined || !next.isOver) return next;
    }
  }

  #open(): void {
    if (this.#closed || this.#opening >= this.#waiting.length) return;
    if (this.#all.size + this.#opening >= this.#options.connectionsMax) return;
    this.#opening += 1;
    this.#options.connect(this.#address, (error, socket) => {
      this.#opening -= 1;
      if (error === null) {
        this.#adopt(socket);
        return;
      }
      this.#nextWaiting()?.fail(error);
      this.#open();
    });
  }

  #adopt(socket: Socket): void {
    const connection = new Connection(socket, this, this.#options, this.#options.keepAliveMs);
    this.#all.add(connection);
    if (this.#closed) connection.fail(clientClosed());
    else this.onFree(connection);
  }
}

const clientClosed = (): HttpError => new HttpError('HTTP_CLIENT_CLOSED', 'the client was closed');
