/**
 * The kept connections to one provider. undici's `dispatch`, without its streams: measured as a proxy of 4 KiB objects on two cores
 * it took 5.3 s of CPU for 80,000 requests, node:http with a keep-alive agent 6.4 s.
 */
import type { ServerResponse } from 'node:http';
import { Agent } from 'undici';
import type { buildConnector } from 'undici';
import { WaybillError } from '../../core/failures.ts';
import { isStaleConnection, toConnectionFailure } from './connection-failure.ts';
import { ProviderExchange } from './provider-exchange.ts';
import type { OnBlank } from './provider-exchange.ts';
import type { ProviderAnswer } from './provider-failure.ts';
import type { OutboundRequest } from './sign-outbound.ts';

export interface ProviderLimits {
  readonly connectTimeoutMs: number;
  /** From the last byte sent to the head of the answer. CompleteMultipartUpload of a large object takes minutes on some. */
  readonly answerTimeoutMs: number;
  /** Between two reads of an answer. */
  readonly idleTimeoutMs: number;
  /** For each host. More requests wait. */
  readonly connectionsMax: number;
}

export const PROVIDER_LIMITS: ProviderLimits = {
  connectTimeoutMs: 10_000,
  answerTimeoutMs: 300_000,
  idleTimeoutMs: 60_000,
  connectionsMax: 256,
};

/** Less than the idle time after which AWS (20 s) and most proxies (15 s and up) close; a provider's own hint wins. */
const KEEP_ALIVE_MS = 10_000;

export interface ProviderConnection {
  /**
   * Sends the request and passes a successful answer on to `response`. Resolves with null when that is done, or with the answer
   * when it is a refusal or `response` is null. Rejects with the failure; when the answer had begun, `response` was destroyed.
   */
  send(
    outbound: OutboundRequest,
    response: ServerResponse | null,
    signal: AbortSignal,
    onBlank?: OnBlank,
  ): Promise<ProviderAnswer | null>;
  close(): Promise<void>;
}

/** @param connect see `provider-connector.ts`; without it connections are straight and of Node's own settings */
export function createProviderConnection(
  store: string,
  connect?: buildConnector.connector,
  limits: ProviderLimits = PROVIDER_LIMITS,
): ProviderConnection {
  const agent = new Agent({
    connections: limits.connectionsMax,
    pipelining: 1,
    connect: connect ?? { timeout: limits.connectTimeoutMs },
    headersTimeout: limits.answerTimeoutMs,
    bodyTimeout: limits.idleTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
  });

  const sendOnce = (
    outbound: OutboundRequest,
    response: ServerResponse | null,
    signal: AbortSignal,
    onBlank: OnBlank | null,
    mayRepeat: boolean,
  ): Promise<ProviderAnswer | null> =>
    new Promise((resolve, reject) => {
      const onAbort = (): void =>
        exchange.abort(
          new WaybillError('invalid_request', 'the caller gave the request up', { s3Code: 'RequestTimeout', store }),
        );
      const exchange = new ProviderExchange(
        outbound,
        response,
        onBlank,
        (answer) => {
          signal.removeEventListener('abort', onAbort);
          resolve(answer);
        },
        (error) => {
          signal.removeEventListener('abort', onAbort);
          if (mayRepeat && !exchange.isAnswered && !signal.aborted && isStaleConnection(error)) {
            resolve(sendOnce(outbound, response, signal, onBlank, false));
          } else {
            reject(toConnectionFailure(error, store));
          }
        },
      );
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
      agent.dispatch(
        {
          origin: outbound.origin,
          method: outbound.method,
          path: outbound.target,
          headers: outbound.headers,
          // undici takes any async iterable; its types name only some.
          body: outbound.body as Uint8Array | null,
          // undici closes the connection after a HEAD unless told otherwise, and each would cost a new TLS handshake.
          reset: false,
        },
        exchange,
      );
    });

  return {
    send: (outbound, response, signal, onBlank) =>
      // Only what reads, and only once: of a write nobody knows whether the other side saw it.
      sendOnce(outbound, response, signal, onBlank ?? null, outbound.method === 'GET' || outbound.method === 'HEAD'),
    close: () => agent.destroy(),
  };
}
