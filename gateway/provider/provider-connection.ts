/** The kept connections to one provider, over our own HTTP/1.1 client (http1/). */
import type { ServerResponse } from 'node:http';
import { WaybillError } from '../../core/failures.ts';
import { createHttpClient } from '../../http1/client.ts';
import { createConnector, type Connector } from '../../http1/connector.ts';
import { READ_OPTIONS } from '../../http1/socket-reads.ts';
import type { AnswerHandler } from '../../http1/exchange.ts';
import type { RelayRead } from '../backend.ts';
import type { Caller } from '../listener/caller.ts';
import { toConnectionFailure } from './connection-failure.ts';
import { ObjectExchange, type ReadAnswer } from './object-exchange.ts';
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
  /** How long they do, connecting included. Callers that read slowly can hold every connection for as long as they like. */
  readonly waitMs: number;
}

export const PROVIDER_LIMITS: ProviderLimits = {
  connectTimeoutMs: 10_000,
  answerTimeoutMs: 300_000,
  idleTimeoutMs: 60_000,
  connectionsMax: 256,
  // More than connecting straight may take, and less than the read time-out of every SDK (50 s and up), which would tell the caller nothing.
  waitMs: 20_000,
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
    caller: Caller,
    onBlank?: OnBlank,
  ): Promise<ProviderAnswer | null>;
  /** Sends a GetObject and keeps its answer. Rejects with the failure, that of `accept` among them. */
  read(outbound: OutboundRequest, caller: Caller, how: Pick<RelayRead, 'accept' | 'isHashed'>): Promise<ReadAnswer>;
  close(): Promise<void>;
}

/** @param connect see `provider-connector.ts`; without it connections are straight and of Node's own settings */
export function createProviderConnection(
  store: string,
  connect?: Connector,
  limits: ProviderLimits = PROVIDER_LIMITS,
): ProviderConnection {
  const client = createHttpClient({
    connectionsMax: limits.connectionsMax,
    waitMs: limits.waitMs,
    connect: connect ?? createConnector({ timeoutMs: limits.connectTimeoutMs, onread: READ_OPTIONS }),
    answerMs: limits.answerTimeoutMs,
    idleMs: limits.idleTimeoutMs,
    keepAliveMs: KEEP_ALIVE_MS,
  });

  const givenUp = (): WaybillError =>
    new WaybillError('invalid_request', 'the caller gave the request up', { s3Code: 'RequestTimeout', store });
  const dispatch = (outbound: OutboundRequest, handler: AnswerHandler, caller: Caller): void => {
    // Asked before, for a small request is sent whole at once.
    if (caller.hasLeft) {
      handler.onError(givenUp());
      return;
    }
    const exchange = client.dispatch(outbound, handler);
    caller.onLeave(() => exchange.abort(givenUp()));
  };

  return {
    send: (outbound, response, caller, onBlank) =>
      new Promise((resolve, reject) => {
        const fail = (error: Error): void => reject(toConnectionFailure(error, store));
        dispatch(outbound, new ProviderExchange(outbound, response, onBlank ?? null, resolve, fail), caller);
      }),
    read: (outbound, caller, how) =>
      new Promise((resolve, reject) => {
        const fail = (error: Error): void => reject(toConnectionFailure(error, store));
        dispatch(outbound, new ObjectExchange(how, resolve, fail), caller);
      }),
    close() {
      client.close();
      return Promise.resolve();
    },
  };
}
