/**
 * Kept connections to a store, over our own HTTP/1.1 client (http1/): one pool for each origin, which with virtual addressing is one for
 * each bucket.
 */
import { createHttpClient } from '../../http1/client.ts';
import { createConnector, type Connector } from '../../http1/connector.ts';
import { READ_OPTIONS } from '../../http1/socket-reads.ts';
import { HttpExchange } from './http-exchange.ts';
import type { ExchangeOptions, HttpAnswer } from './http-exchange.ts';
import type { PreparedBody } from './prepared-body.ts';

/** Within the request limit, so that a host that swallows packets is told from one that is slow to answer. */
const CONNECT_LIMIT_MS = 10_000;
/** Less than the idle time after which stores (AWS: 20 s) and proxies (15 s and up) close; a store's own hint wins. */
const KEEP_ALIVE_MS = 10_000;

export interface HttpRequest {
  readonly origin: string;
  readonly method: string;
  /** Path and query as they go over the wire. */
  readonly target: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: PreparedBody | undefined;
}

export interface HttpTransport {
  /** @throws store_unreachable, store_timeout, body_corrupt, store_error; the signal's reason; what the body throws */
  send(request: HttpRequest, options: ExchangeOptions & { readonly onBodySent: () => void }): Promise<HttpAnswer>;
  /** Pending requests fail. */
  close(): Promise<void>;
}

export interface HttpTransportOptions {
  readonly connectionsMax: number;
  readonly requestLimitMs: number;
  /** Opens connections; default: straight, by Node's own settings. */
  readonly connect?: Connector;
}

export function createHttpTransport(options: HttpTransportOptions): HttpTransport {
  const client = createHttpClient({
    connectionsMax: options.connectionsMax,
    connect:
      options.connect ??
      createConnector({ timeoutMs: Math.min(CONNECT_LIMIT_MS, options.requestLimitMs), onread: READ_OPTIONS }),
    keepAliveMs: KEEP_ALIVE_MS,
    // The exchange has limits of its own, which also hold while a request waits for a connection.
    answerMs: 0,
    idleMs: 0,
  });
  return {
    send({ origin, method, target, headers, body }, exchangeOptions) {
      exchangeOptions.signal?.throwIfAborted();
      const exchange = new HttpExchange(exchangeOptions);
      const content = toContent(body, exchangeOptions.onBodySent);
      client.dispatch({ origin, method, target, headers, body: content }, exchange);
      return exchange.answer;
    },
    close() {
      client.close();
      return Promise.resolve();
    },
  };
}

function toContent(body: PreparedBody | undefined, onSent: () => void): Uint8Array | AsyncIterable<Uint8Array> | null {
  if (body === undefined) return null;
  const { content } = body;
  if (!(content instanceof Uint8Array)) return tellEnd(content, onSent);
  onSent();
  return content;
}

async function* tellEnd(content: AsyncIterable<Uint8Array>, onEnd: () => void): AsyncGenerator<Uint8Array> {
  yield* content;
  onEnd();
}
