/** Keep-alive connections to a store: one undici pool for each origin, which with virtual addressing is one for each bucket. */
import { Pool } from 'undici';
import { toTransportFailure } from './transport-failure.ts';
import { HttpExchange } from './http-exchange.ts';
import type { ExchangeOptions, HttpAnswer } from './http-exchange.ts';
import type { PreparedBody } from './prepared-body.ts';

/** Within the request limit, so that a host that swallows packets is told from one that is slow to answer. */
const CONNECT_LIMIT_MS = 10_000;

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

export function createHttpTransport(options: { connectionsMax: number; requestLimitMs: number }): HttpTransport {
  const pools = new Map<string, Pool>();
  let closed = false;

  const findPool = (origin: string): Pool => {
    let pool = pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, {
        connections: options.connectionsMax,
        connectTimeout: Math.min(CONNECT_LIMIT_MS, options.requestLimitMs),
        // The exchange has limits of its own, which also hold while a request waits for a connection.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      pools.set(origin, pool);
    }
    return pool;
  };

  return {
    async send({ origin, method, target, headers, body }, exchangeOptions) {
      exchangeOptions.signal?.throwIfAborted();
      if (closed) throw toTransportFailure({ code: 'UND_ERR_CLOSED' }, exchangeOptions.details);
      const exchange = new HttpExchange(exchangeOptions);
      findPool(origin).dispatch(
        {
          method,
          path: target,
          headers,
          // undici takes any async iterable here; its types name only Node's streams.
          body: toDispatchBody(body, exchangeOptions.onBodySent) as Uint8Array | null,
          // undici closes the connection after every HEAD unless told otherwise; an S3 answer to HEAD has no body.
          reset: false,
        },
        exchange,
      );
      return exchange.answer;
    },
    async close() {
      closed = true;
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}

function toDispatchBody(
  body: PreparedBody | undefined,
  onSent: () => void,
): Uint8Array | AsyncIterable<Uint8Array> | null {
  if (body === undefined) return null;
  const { content } = body;
  if (!(content instanceof Uint8Array)) return tellEnd(content, onSent);
  onSent();
  // undici drops a view of no bytes only when it is a Buffer.
  return content.byteLength === 0 ? null : content;
}

async function* tellEnd(content: AsyncIterable<Uint8Array>, onEnd: () => void): AsyncGenerator<Uint8Array> {
  yield* content;
  onEnd();
}
